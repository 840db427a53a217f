"""I20: no order fails because of another order's crash, checked on the claims of one run."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.transition_table import LEASED

if TYPE_CHECKING:
    from tests.simulation.checker import Record, Step


def check_isolation(history: Sequence["Step"], record: "Record") -> Iterator[tuple[str, str]]:
    """Another order's crash ends at most one attempt of each epoch, and never the last one.

    So no order fails because of another order's crash: an attempt remains, and nothing else runs beside it.
    """
    ended = {step.writer for step in history if step.name in LEASED} | record.failed_writers
    victims = Counter[int]()
    for step in history:
        if step.name == "claim" and _invocation(step) in record.poisoned and step.writer not in ended:
            victims[step.after.epoch] += 1
            if step.after.attempts == record.max_attempts:
                yield "I20", f"its last attempt of epoch {step.after.epoch} ended by the crash of another order"
    for epoch, count in victims.items():
        if count > 1:
            yield "I20", f"{count} attempts of epoch {epoch} ended by crashes of other orders"


def check_turns(record: "Record") -> Iterator[tuple[str, str]]:
    """An invocation claims orders with more broken attempts after those with fewer.

    The first attempt of an epoch does not count: a message of an earlier epoch may claim it without a read.
    """
    claims = defaultdict(list)
    for order_id, history in record.histories.items():
        for step in history:
            if step.name == "claim" and step.before and step.before.attempts:
                claims[_invocation(step)].append((step.at, step.before.broken, order_id))
    for invocation, claimed in claims.items():
        for (_, one, first), (_, other, second) in pairwise(sorted(claimed)):
            if other < one:
                yield "I20", f"{invocation} claimed {first}, {one} attempts broken, before {second}, {other} broken"


def _invocation(step: "Step") -> str:
    return step.writer.partition(":")[0]
