from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from service.provisioning.names import Names
from service.settings import Settings
from tests.embedded.support import client, running_cloud


@dataclass(frozen=True)
class Deployment:
    """A running system and one door to its API."""

    api: Callable[[], httpx.AsyncClient]
    client: Callable[[Any], Any]
    names: Names
    settings: Settings
    few_containers: bool
    """Whether invocations have to wait for each other."""
    patience: float
    """How long an order may take to its end, in seconds; three visibility timeouts are a part of it."""


@pytest.fixture(
    params=[
        "embedded",
        pytest.param("compose-gateway", marks=pytest.mark.docker),
        pytest.param("compose-server", marks=pytest.mark.docker),
    ],
    scope="module",
)
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """Each way to run on this machine, and with compose each door to the API."""
    kind, _, door = request.param.partition("-")
    if kind == "embedded":
        with running_cloud(visibility_timeout=1) as cloud:
            yield Deployment(lambda: client(cloud), cloud.client, cloud.names, cloud.settings, False, patience=30)
    else:
        stack = request.getfixturevalue("stack")
        yield Deployment(lambda: stack.api(door), stack.client, stack.names, stack.settings, True, patience=300)
