import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from service.provisioning.names import Names
from service.settings import Settings
from tests.compose.stack import Stack
from tests.embedded.support import client, running_cloud
from tests.polling import PATIENCE


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


def way(kind: str, workflow_type: str, door: str = "") -> Any:
    """One way to run, as a parameter of tests."""
    name = "-".join(filter(None, (kind, workflow_type.lower(), door)))
    marks = [pytest.mark.docker] if kind == "compose" else []
    return pytest.param((kind, workflow_type, door), id=name, marks=marks)


STANDARD = [way("embedded", "STANDARD"), way("compose", "STANDARD", "gateway"), way("compose", "STANDARD", "server")]
EXPRESS = [way("embedded", "EXPRESS"), way("compose", "EXPRESS", "gateway")]


@pytest.fixture(scope="session")
def express_stack(images: None) -> Iterator[Stack]:
    """A compose stack that was deployed with a STANDARD workflow, and then with an EXPRESS one."""
    running = Stack("dofs-test-express", DOFS_VISIBILITY_TIMEOUT="20")
    running.down()
    try:
        running.up()
        running.up(DOFS_WORKFLOW_TYPE="EXPRESS")
        yield running
    finally:
        running.down()


@pytest.fixture
def run() -> str:
    """What tells this run's orders from those that were there before."""
    return uuid.uuid4().hex


@pytest.fixture(params=[*STANDARD, *EXPRESS], scope="module")
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """Each way to run on this machine, with each type of workflow, and with compose each door to the API."""
    kind, workflow_type, door = request.param
    if kind == "embedded":
        with running_cloud(visibility_timeout=1, workflow_type=workflow_type) as cloud:
            yield Deployment(lambda: client(cloud), cloud.client, cloud.names, cloud.settings, False, patience=PATIENCE)
    else:
        stack = request.getfixturevalue("stack" if workflow_type == "STANDARD" else "express_stack")
        assert stack.settings.workflow_type == workflow_type
        yield Deployment(lambda: stack.api(door), stack.client, stack.names, stack.settings, True, patience=300)
