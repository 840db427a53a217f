"""One order of a file."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One order of a file.

    Attributes:
        line: the line on which the order begins.
        document: the order.
        error: why the order cannot be read.
        label: the name of the order in the file.
    """

    line: int
    document: Any = None
    error: str | None = None
    label: str = ""
