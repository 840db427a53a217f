"""The invariants of the lifecycle, checked on the stored rows.

I0 every 202 has a row; I1 every order becomes terminal; I2 a failed-orders row exists if and only if its order is
FAILED or PARTLY_FULFILLED; I3 an order is fulfilled at most once; I4 only legal transitions, one version each; I5 one
idempotency key, one order; I6 only a redrive, or the warehouse's word, leaves a terminal state, which is one of these
two; I7 at most ``max_attempts`` attempts in an epoch; I8 the dead-letter queue has a message of every order that an
attempt has failed; I9 the reconciler never intervenes; I10 the final state is the oracle's; I11 only the lease owner
writes before a lease expires; I12 no message is deleted unless its order is terminal or AT_WAREHOUSE; I13 no execution
fails because of a replay.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from service.orders.lifecycle import TERMINAL, UNSUCCESSFUL
from tests.transition_table import LEGAL_MOVES, MOVES

FROM_FAILED = {move for moves in MOVES.values() for move in moves if move[0] in UNSUCCESSFUL}
"""The moves of an order that an operator redrives, or about which the warehouse says what it did."""


@dataclass(kw_only=True)
class World:
    """The state that a run has left."""

    accepted: Sequence[str]
    """The order ids of all 202 responses, including those to retries."""
    orders: Mapping[str, Mapping[str, Any]]
    failed_orders: Mapping[str, Mapping[str, Any]]
    dead_letters: Sequence[str]
    """The order ids that the messages in the dead-letter queue name."""
    executions: Sequence[tuple[str, str]] | None
    """Name and status of each execution; None where Step Functions keeps none."""
    keys: Mapping[str, set[str]] = field(default_factory=dict)
    """The order ids in the responses to each idempotency key."""
    deletions: Sequence[tuple[str, str]] = ()
    """The order of each deleted message, and its status at that moment."""
    max_attempts: int = 3
    lease: float = 0


def rows(dynamodb: Any, table: str) -> dict[str, dict[str, Any]]:
    """All items of a table, by order id."""
    read = TypeDeserializer()
    items = [item for page in dynamodb.get_paginator("scan").paginate(TableName=table) for item in page["Items"]]
    plain = [{name: read.deserialize(value) for name, value in item.items()} for item in items]
    return {item["order_id"]: item for item in plain if "/" not in item["order_id"]}  # the brake has no order


def check_always(world: World) -> None:
    """Check the invariants that hold after any faults, once the system is idle."""
    missing = set(world.accepted) - world.orders.keys()
    assert not missing, f"I0: accepted, but no row: {missing}"
    stuck = {order_id: row["status"] for order_id, row in world.orders.items() if row["status"] not in TERMINAL}
    assert not stuck, f"I1: not terminal: {stuck}"
    failed = {order_id for order_id, row in world.orders.items() if row["status"] in UNSUCCESSFUL}
    assert failed == world.failed_orders.keys(), f"I2: failed {failed}, failed-orders {set(world.failed_orders)}"
    by_attempt = {each for each in failed if world.orders[each]["status"] == "FAILED"}
    by_attempt -= {each for each in by_attempt if failed_there(world.orders[each])}
    unnamed = by_attempt - set(world.dead_letters)
    assert not unnamed, f"I8: no dead-letter message for {unnamed}"
    shared = {key: ids for key, ids in world.keys.items() if len(ids) != 1}
    assert not shared, f"I5: keys with several orders: {shared}"
    early = [(order_id, status) for order_id, status in world.deletions if status not in {*TERMINAL, "AT_WAREHOUSE"}]
    assert not early, f"I12: messages deleted too early: {early}"
    for name, status in world.executions or ():
        order_id = name.partition("-")[0]
        if status != "SUCCEEDED":
            assert world.orders[order_id]["status"] == "REJECTED", f"I13: execution {name} is {status}"
    for order_id, row in world.orders.items():
        _check_timeline(order_id, row, world)


def failed_there(row: Mapping[str, Any]) -> bool:
    """Whether a FAILED order has failed at the warehouse: it needs no message."""
    states = [entry["to"] for entry in row["timeline"]]
    return next((state for state in reversed(states) if state != "FAILED"), None) == "AT_WAREHOUSE"


def _check_timeline(order_id: str, row: Mapping[str, Any], world: World) -> None:
    states = [entry["to"] for entry in row["timeline"]]
    moves = list(zip([None, *states], states, strict=False))
    assert set(moves) <= LEGAL_MOVES, f"I4: {order_id} moved {set(moves) - LEGAL_MOVES}"
    assert row["version"] == len(states), f"I4: {order_id} has version {row['version']} after {len(states)} writes"
    fulfilled = sum(after == "FULFILLED" != before for before, after in moves)
    assert fulfilled <= 1, f"I3: {order_id} was fulfilled {fulfilled} times"
    left = [move for move in moves if move[0] in TERMINAL and move[0] != move[1] and move not in FROM_FAILED]
    assert not left, f"I6: {order_id} left a terminal state: {left}"
    attempts = Counter(states[: _index(states, "FULFILLED")])["PROCESSING"]
    attempts -= sum(is_put_back(before, entry) for before, entry in pairwise(row["timeline"]))
    epochs = int(row["epoch"]) + 1
    assert attempts <= world.max_attempts * epochs, f"I7: {order_id} had {attempts} attempts in {epochs} epoch(s)"
    _check_leases(order_id, row["timeline"], world.lease)


def is_put_back(before: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether an entry ended an attempt so that it does not count: the warehouse did not take the order.

    Args:
        before: the entry before it. A stored entry does not name the status that it left.
        entry: the entry.
    """
    ended = (before["to"], entry["to"], entry["actor"]) == ("PROCESSING", "PENDING", "fulfillment")
    return ended and not entry.get("failure")


def _check_leases(order_id: str, timeline: Sequence[Mapping[str, Any]], lease: float) -> None:
    for before, entry in pairwise(timeline):
        if before["to"] == "PROCESSING" and (entry["to"] == "PROCESSING" or entry["actor"] == "reconciler"):
            held = _instant(entry["at"]) - _instant(before["at"])
            assert held.total_seconds() >= lease, f"I11: {order_id}'s lease was broken after {held}"


def check_without_faults(world: World, oracle: Callable[[str], tuple[str, int]]) -> None:
    """Check the invariants that hold in addition without faults.

    Args:
        world: the state that the run has left.
        oracle: returns the expected final status and attempts of an order id.
    """
    for order_id, row in world.orders.items():
        interventions = [entry for entry in row["timeline"] if entry["actor"] == "reconciler"]
        assert not interventions, f"I9: the reconciler touched {order_id}: {interventions}"
        found = (row["status"], int(row["attempts"]))
        assert found == oracle(order_id), f"I10: {order_id} is {found}, the oracle says {oracle(order_id)}"
    if world.executions is not None:
        assert len(world.executions) == len(world.orders), "I10: not one execution for each order"


def broken_off(row: Mapping[str, Any]) -> set[int]:
    """The attempts in the first epoch that lost their lease before their outcome was stored."""
    lost, attempt = set(), 0
    for before, entry in pairwise(row["timeline"]):
        attempt += before["to"] == "PROCESSING"
        if before["to"] == "PROCESSING" and (entry["to"] == "PROCESSING" or entry["actor"] == "reconciler"):
            lost.add(attempt)
    return lost


def check_interventions(world: World, overdue: Mapping[str, timedelta]) -> int:
    """Check that the reconciler moved overdue orders only; return the number of its moves.

    Args:
        world: the state that the run has left.
        overdue: the shortest time in each status before the reconciler may move an order.
    """
    found = 0
    for order_id, row in world.orders.items():
        for before, entry in pairwise(row["timeline"]):
            if entry["actor"] == "reconciler":
                found += 1
                spent = before["to"] == "PENDING" and int(row["attempts"]) >= world.max_attempts
                waited = _instant(entry["at"]) - _instant(before["at"])
                assert spent or waited >= overdue[before["to"]], f"I9: {order_id} was not overdue after {waited}"
    return found


def _index(states: Sequence[str], state: str) -> int:
    return states.index(state) if state in states else len(states)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
