"""The local deployments of the system, as parameters of tests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from service.provisioning.names import Names
from service.settings import Settings


@dataclass(frozen=True)
class Deployment:
    """A running system and one interface of its API."""

    api: Callable[[], httpx.AsyncClient]
    client: Callable[[Any], Any]
    names: Names
    settings: Settings
    patience: float
    """Seconds in which an order must reach a terminal state, the delays of three attempts included."""
    warehouse: str = ""
    """The URL of the warehouse over HTTP; empty for the simulated one inside the process."""
    sends_callbacks: bool = False
    """Whether the warehouse sends callbacks. The reconciler then looks too late for a test."""


def deployment(kind: str, workflow_type: str, access: str = "", warehouse: str = "") -> Any:
    """Create the parameter of one deployment."""
    name = "-".join(filter(None, (kind, workflow_type.lower(), access, warehouse)))
    marks = [pytest.mark.docker] if kind == "compose" else []
    return pytest.param((kind, workflow_type, access, warehouse), id=name, marks=marks)


STANDARD = [
    deployment("embedded", "STANDARD"),
    deployment("compose", "STANDARD", "gateway"),
    deployment("compose", "STANDARD", "server"),
]
HTTP = [deployment("embedded", "STANDARD", warehouse="http"), deployment("compose", "STANDARD", "server", "http")]
"""With the warehouse over HTTP. The ledger of the warehouse is compared with the rows, in every check."""
ASYNC = [
    deployment("embedded", "STANDARD", warehouse="callbacks"),
    deployment("embedded", "STANDARD", warehouse="looks"),
    deployment("compose", "STANDARD", "server", "callbacks"),
    deployment("compose", "STANDARD", "gateway", "callbacks"),
]
"""With a warehouse that accepts orders and works on them later. It sends callbacks, or the reconciler looks."""
CLOSED = 0.1
"""The share of the deliveries that such a warehouse closes short."""
ASYNC_ARGS = f"--accepted 1 --parcels 2 --closed {CLOSED}"
EXPRESS = [deployment("embedded", "EXPRESS"), deployment("compose", "EXPRESS", "gateway")]
