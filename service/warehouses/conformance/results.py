"""The results of conformance checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The verdict of a check."""

    RIGHT = "right"
    WRONG = "wrong"
    WARNING = "warning"  # the contract allows it, and DOFS can do less with it
    NOT_SEEN = "not seen"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one check.

    Args:
        id: the id of the check.
        sentence: what the contract says.
        verdict: the verdict.
        detail: why; empty if the verdict is RIGHT.
    """

    id: str
    sentence: str
    verdict: Verdict
    detail: str = ""

    def as_dict(self) -> Mapping[str, str]:
        """Return the members for JSON."""
        return {"id": self.id, "verdict": self.verdict, "sentence": self.sentence, "detail": self.detail}


class Wrong(Exception):
    """The warehouse breaks the contract.

    Args:
        sent: the request, in a few words. It quotes no secret.
        expected: the answer that the contract asks for.
        got: the answer.
    """

    def __init__(self, sent: str, expected: str, got: str) -> None:
        super().__init__(f"sent: {sent}; expected: {expected}; got: {got}")


class Doubtful(Exception):
    """The contract allows it, and DOFS can do less with it. The message says what it is."""


class NotSeen(Exception):
    """The check could not see whether the warehouse keeps the sentence. The message says why."""
