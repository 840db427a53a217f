"""The parameters of a deployment: its AWS clients, names and settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.provisioning.names import Names
from service.settings import Settings


@dataclass(frozen=True)
class Deployment:
    """The parameters from which each resource is created."""

    client: Callable[[Any], Any]
    """Creates a boto3 client for a service."""
    names: Names
    settings: Settings
    """The settings of the function; they name the same resources."""
