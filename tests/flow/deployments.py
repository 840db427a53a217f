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


def deployment(kind: str, workflow_type: str, access: str = "") -> Any:
    """Create the parameter of one deployment."""
    name = "-".join(filter(None, (kind, workflow_type.lower(), access)))
    marks = [pytest.mark.docker] if kind == "compose" else []
    return pytest.param((kind, workflow_type, access), id=name, marks=marks)


STANDARD = [
    deployment("embedded", "STANDARD"),
    deployment("compose", "STANDARD", "gateway"),
    deployment("compose", "STANDARD", "server"),
]
EXPRESS = [deployment("embedded", "EXPRESS"), deployment("compose", "EXPRESS", "gateway")]
