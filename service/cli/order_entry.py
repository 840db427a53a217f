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
        skipped: why the order must not be submitted.
        label: the order's reference, if it is known although the order cannot be read.
    """

    line: int
    document: Any = None
    error: str | None = None
    label: str = ""
    skipped: str | None = None

    @property
    def reference(self) -> str | None:
        """The shop's own order number."""
        found = self.document.get("reference") if isinstance(self.document, dict) else None
        return found if isinstance(found, str) and found else self.label or None
