"""The memory store and the DynamoDB store behave alike for any sequence of writes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.aws.clients import Clients
from service.aws.store import DynamoDbOrderStore
from service.orders.lifecycle import TERMINAL, Status
from service.orders.listing import Listing
from service.orders.model import Order
from service.orders.ports import OrderStore, TransitionRefused
from service.orders.transitions import TRANSITIONS, TransitionName
from service.settings import Settings
from tests.contract.support import order_in, write_of
from tests.memory.store import InMemoryOrderStore
from tests.support import START
from tests.transition_table import NAMES

LEASE = timedelta(seconds=10)
IDS = ("ord_a", "ord_b")
ARROWS = {(source.status, row.target) for row in TRANSITIONS.values() for source in row.sources}


@dataclass(frozen=True)
class Step:
    """One write of a sequence, by a writer that read the order some versions ago."""

    name: TransitionName
    order_id: str
    pause: int
    versions_ago: int
    again: bool


STEPS = st.builds(
    Step,
    name=st.sampled_from(NAMES) | st.sampled_from(["store", "claim", "claim", "release", "fail", "redrive"]),
    order_id=st.sampled_from(IDS),
    pause=st.sampled_from([0, 1, 10, 11]),
    versions_ago=st.sampled_from([0, 0, 0, 1, 2]),
    again=st.booleans(),
)


def apply_steps(store: OrderStore, steps: list[Step]) -> tuple[list[Any], dict[str, list[Order]]]:
    """Apply a sequence of writes; returns every result, and every version of each order."""
    now = START
    fresh: dict[str, Any] = {"version": 1, "attempts": 0, "lease_owner": None, "lease_until": None}
    versions = {order_id: [store.create(order_in(order_id=order_id, **fresh))] for order_id in IDS}
    answers: list[Any] = []
    for number, step in enumerate(steps):
        now += timedelta(seconds=step.pause)
        seen = versions[step.order_id][-1 - min(step.versions_ago, len(versions[step.order_id]) - 1)]
        name = f"w-{number}"
        owner = name if step.name == "claim" else seen.lease_owner or "nobody"
        write = write_of(step.name, seen, id=name, at=now)
        write = replace(
            write, values={**write.values, "max_attempts": 2, "lease_owner": owner, "lease_until": now + LEASE}
        )
        for _ in range(1 + step.again):
            try:
                answers.append(store.apply(write))
            except TransitionRefused as refused:
                answers.append(("refused", refused.order))
        if isinstance(answers[-1], Order):
            versions[step.order_id].append(answers[-1])
    return answers, versions


def rows(store: OrderStore) -> list[Any]:
    """Everything that a reader finds in a store."""
    lists = [{order.order_id for order in store.list_orders(Listing(status=status), 10).orders} for status in Status]
    return [*(store.get(each) for each in IDS), *(store.get_failed(each) for each in IDS), *lists]


@settings(max_examples=30)
@given(steps=st.lists(STEPS, min_size=1, max_size=14))
def test_both_stores_return_and_keep_the_same_for_any_writes(
    clients: Clients, new_tables: Callable[..., Settings], steps: list[Step]
):
    memory, dynamodb = InMemoryOrderStore(), DynamoDbOrderStore(clients, new_tables(status_shards=2))
    assert apply_steps(dynamodb, steps) == apply_steps(memory, steps)
    assert rows(dynamodb) == rows(memory)


@given(steps=st.lists(STEPS, min_size=1, max_size=30))
def test_no_sequence_of_writes_violates_the_lifecycle(steps: list[Step]):
    store = InMemoryOrderStore()
    _, versions = apply_steps(store, steps)
    for order_id, history in versions.items():
        order = store.get(order_id)
        assert [each.version for each in history] == list(range(1, len(history) + 1))
        assert (store.get_failed(order_id) is not None) is (order.status is Status.FAILED)
        assert all(each.attempts <= 2 for each in history)
        for before, after in pairwise(history):
            assert (before.status, after.status) in ARROWS
            assert before.status not in TERMINAL or after.epoch == before.epoch + 1
