"""Prints the lifecycle of an order as Markdown: ``python -m service.orders.diagram > docs/lifecycle.md``."""

import sys
from collections.abc import Iterable

from service.orders.lifecycle import TERMINAL, UNSUCCESSFUL, Guard, Status, Transition
from service.orders.transitions import TRANSITIONS

_HEAD = """\
# The life of an order

Generated from the transition table in `service/orders/transitions.py` by `make fmt`.
"""

_NOTES = """
Every transition also adds one to `version`, sets `updated_at` and appends to the order's timeline. A transition whose
guards do not hold changes nothing. Those marked † write the failed-orders table in the same transaction.
"""


def document() -> str:
    """Write the document."""
    return "\n".join([_HEAD, *_diagram(), "", *_table(), _NOTES])


def _diagram() -> Iterable[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for transition in TRANSITIONS.values():
        for source in [str(source.status) for source in transition.sources] or ["[*]"]:
            yield f"    {source} --> {transition.target or source}: {transition.name}"
    for status in Status:
        if status in TERMINAL - UNSUCCESSFUL:
            yield f"    {status} --> [*]"
    yield "```"


def _table() -> Iterable[str]:
    yield "| transition | from | to | by | guards |"
    yield "|---|---|---|---|---|"
    for transition in TRANSITIONS.values():
        mark = " †" if transition.failed_orders else ""
        sources = ", ".join(source.status for source in transition.sources) or "–"
        guards = "; ".join(_guards(transition)) or "–"
        yield f"| {transition.name}{mark} | {sources} | {transition.target or 'same'} | {transition.by} | {guards} |"


def _guards(transition: Transition) -> Iterable[str]:
    if not transition.sources:
        yield "there is no order of this id"
    for source in transition.sources:
        for guard in source.guards:
            yield f"from {source.status}: {_guard(guard)}"
    for guard in transition.guards:
        yield _guard(guard)


def _guard(guard: Guard) -> str:
    absent = ", or absent" if guard.if_absent else ""
    return f"{guard.name} (`{guard.attribute} {guard.comparison} {guard.value}`{absent})"


if __name__ == "__main__":
    sys.stdout.write(document())
