"""The transition table as tests read it: states, moves, and an evaluation of its rows in plain Python.

The DynamoDB store compiles a row into a condition expression. Nothing here calls that code, so a test that compares
the two shows that they mean the same. Whether the table itself is right is checked in ``tests/unit/test_lifecycle.py``
only, which holds an independent copy of it.

The sets are computed at import. A test that patches ``TRANSITIONS`` does not change what the checks expect.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from service.orders.lifecycle import (
    LEASE_IS_MINE,
    OPEN,
    TERMINAL,
    Assign,
    Change,
    Guard,
    Increment,
    Reset,
    Source,
    Status,
    Transition,
)
from service.orders.model import Write
from service.orders.transitions import TRANSITIONS, TransitionName

Move = tuple[str | None, str]
"""The states before and after a write; None before the first."""

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {"=": operator.eq, "<": operator.lt, ">=": operator.ge}
OPEN_STATES = sorted(OPEN)
TERMINAL_STATES = sorted(TERMINAL)

MOVES: Mapping[str, set[Move]] = {
    name: {(source.status, row.target or source.status) for source in row.sources} or {(None, row.target)}
    for name, row in TRANSITIONS.items()
}
LEGAL_MOVES = frozenset(move for moves in MOVES.values() for move in moves)
NAMES: tuple[TransitionName, ...] = tuple(name for name, row in TRANSITIONS.items() if row.sources)
"""The transitions of an order that exists."""
LEASED = frozenset(name for name, row in TRANSITIONS.items() if LEASE_IS_MINE in row.guards)
"""The transitions that only the holder of the lease may make."""
UNLEASED = frozenset(
    name for name, row in TRANSITIONS.items() if row.target is None and Source(Status.PROCESSING) in row.sources
)
"""The transitions that leave an attempt alone, and need no lease."""


def sources_of(name: TransitionName) -> list[Status]:
    """The states that a transition may leave."""
    return [source.status for source in TRANSITIONS[name].sources]


def guards_of(row: Transition) -> set[Guard]:
    """All guards of a row, whichever state it leaves."""
    return {*row.guards, *(guard for source in row.sources for guard in source.guards)}


def values_of(write: Write) -> dict[str, Any]:
    """The values that a write brings for guards and changes."""
    seen = {"seen_version": write.seen.version} if write.seen else {}
    return {"now": write.at, **seen, **write.values}


def permits(row: Transition, order: Any, values: Mapping[str, Any]) -> bool:
    """Whether a transition may be made.

    Args:
        row: a row of the table.
        order: anything that has a ``status`` and the attributes that the guards name.
        values: the right-hand sides of the guards, such as ``max_attempts``.
    """
    for source in row.sources:
        if source.status == order.status:
            return all(_holds(guard, order, values) for guard in (*row.guards, *source.guards))
    return False


def changed_by(row: Transition, order: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that a transition changes, with their new values; without those that every write changes."""
    return {change.attribute: _changed(change, order, values) for change in row.changes}


def _holds(guard: Guard, order: Any, values: Mapping[str, Any]) -> bool:
    stored = getattr(order, guard.attribute)
    brought = values.get(guard.value) if isinstance(guard.value, str) else guard.value
    return stored is not None and brought is not None and COMPARE[guard.comparison](stored, brought)


def _changed(change: Change, order: Any, values: Mapping[str, Any]) -> Any:
    match change:
        case Assign(attribute):
            return values[attribute]
        case Reset(_, to):
            return to
        case Increment(attribute, by):
            return getattr(order, attribute) + by
