import uuid
from collections.abc import Callable, Iterator

import pytest

from service.embedded.cloud import EmbeddedCloud
from service.warehouses.simulated import SimulatedWarehouse
from tests.cli.commands import CommandResult, run
from tests.embedded.support import running_cloud, serving


@pytest.fixture(scope="module")
def cloud() -> Iterator[EmbeddedCloud]:
    """An embedded cloud with one attempt per order. The reconciler does not run, so that only the test moves orders."""
    settings = {"max_attempts": 1, "fulfillment_success_rate": 1, "stats_every": 0.2}
    with running_cloud(embedded_reconcile_every=3600, **settings) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def url(cloud: EmbeddedCloud) -> Iterator[str]:
    with serving(cloud) as url:
        yield url


@pytest.fixture
def customer() -> str:
    """A customer without orders of other tests."""
    return f"cust_{uuid.uuid4().hex}"


@pytest.fixture
def failing(cloud: EmbeddedCloud) -> Iterator[None]:
    """The warehouse declines every attempt."""
    before = cloud.system.fulfiller
    cloud.system.fulfiller = SimulatedWarehouse(0, "seed")
    yield
    cloud.system.fulfiller = before


@pytest.fixture
def with_aws(cloud: EmbeddedCloud, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CommandResult]:
    """Run a command with `--aws`, against the AWS endpoint of the embedded cloud."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint.url)
    return lambda *arguments: run("--aws", "--json", *arguments)
