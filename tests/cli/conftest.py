import uuid
from collections.abc import Iterator

import pytest

from service.embedded.cloud import EmbeddedCloud
from service.fulfillers.simulated import SimulatedFulfiller
from tests.embedded.support import running_cloud, serving


@pytest.fixture(scope="module")
def cloud() -> Iterator[EmbeddedCloud]:
    """An embedded cloud whose orders have one attempt; what an operator does is not done by the reconciler first."""
    settings = {"visibility_timeout": 1, "max_attempts": 1, "fulfillment_success_rate": 1, "stats_every": 0.2}
    with running_cloud(embedded_reconcile_every=3600, **settings) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def url(cloud: EmbeddedCloud) -> Iterator[str]:
    with serving(cloud) as url:
        yield url


@pytest.fixture
def customer() -> str:
    """A customer that no other test has."""
    return f"cust_{uuid.uuid4().hex}"


@pytest.fixture
def failing(cloud: EmbeddedCloud) -> Iterator[None]:
    """Every attempt fails."""
    before = cloud.system.fulfiller
    cloud.system.fulfiller = SimulatedFulfiller(0, "seed")
    yield
    cloud.system.fulfiller = before
