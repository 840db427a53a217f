"""A deployment to create: where, under which names, with which settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.provisioning.names import Names
from service.settings import Settings


@dataclass(frozen=True)
class Deployment:
    """What every part is created from."""

    client: Callable[[Any], Any]
    """Makes a boto3 client of the service that it is given."""
    names: Names
    settings: Settings
    """Those that the function is to run with; they name the same resources."""
