"""The ways to run the system on this machine, as parameters of tests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from service.provisioning.names import Names
from service.settings import Settings


@dataclass(frozen=True)
class Deployment:
    """A running system and one way to reach its API."""

    api: Callable[[], httpx.AsyncClient]
    client: Callable[[Any], Any]
    names: Names
    settings: Settings
    patience: float
    """How many seconds an order may take to a terminal state; three visibility timeouts are a part of it."""


def way(kind: str, workflow_type: str, access: str = "") -> Any:
    """One way to run, as a parameter of tests."""
    name = "-".join(filter(None, (kind, workflow_type.lower(), access)))
    marks = [pytest.mark.docker, pytest.mark.xdist_group("stack")] if kind == "compose" else []
    return pytest.param((kind, workflow_type, access), id=name, marks=marks)


STANDARD = [way("embedded", "STANDARD"), way("compose", "STANDARD", "gateway"), way("compose", "STANDARD", "server")]
EXPRESS = [way("embedded", "EXPRESS"), way("compose", "EXPRESS", "gateway")]
