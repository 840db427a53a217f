"""What must hold after a run: the invariants, and of its one order exactly how it must have ended."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faults.driver import Run
from tests.faults.fault_injector import ABSORBED, Call, Fault
from tests.faults.flows import MOST, Flow, outcome
from tests.invariants import check_always, check_without_faults

Entry = Mapping[str, Any]
TRIES = {Fault.THROTTLED_ONCE: 2, Fault.LOST_ONCE: 2, Fault.THROTTLED: 3, Fault.LOST: 3}
WRITES = ("UpdateItem", "TransactWriteItems")


@dataclass(frozen=True)
class Plain:
    """A run of a flow without a fault: its calls, and the states and actors that its order has seen."""

    calls: Sequence[Call]
    story: Sequence[tuple[str, str]]
    noticed: Sequence[tuple[str, str]]


def plain(flow: Flow, run: Run) -> Plain:
    """Check a run without a fault, and keep what those with one are compared with."""
    world = run.world()
    check_always(world)
    timeline = world.orders[flow.order_id]["timeline"]
    ends = {"FULFILLED": outcome(flow.order_id, flow.epoch, flow.lost), "FAILED": ("FAILED", MOST)}
    if not flow.mended and not flow.lost:
        check_without_faults(world, lambda _: ends.get(flow.ends, (flow.ends, 0)))
    if flow.epoch and flow.ends == "FULFILLED":
        assert not world.dead_letters, "a dead letter tells of a failure that was redriven"
    interventions = [entry["actor"] for entry in timeline].count("reconciler")
    assert interventions == flow.mended, f"the reconciler intervened {interventions} times"
    _check_end(flow, run, None, world.orders, world.failed_orders)
    _check_conduct(run, timeline)
    return Plain(tuple(run.cloud.injector.calls), _story(timeline), run.noticed)


def check(flow: Flow, run: Run, number: int, fault: Fault, without: Plain) -> None:
    """Check a run whose call of that number had that fault."""
    injector, call = run.cloud.injector, without.calls[number]
    assert injector.calls[: number + 1] == list(without.calls[: number + 1]), "the fault struck another call"
    assert injector.tries == TRIES.get(fault, 1), f"botocore tried {injector.tries} times"
    world = run.world()
    check_always(world)
    timeline = world.orders[flow.order_id]["timeline"]
    _check_end(flow, run, (call, fault), world.orders, world.failed_orders)
    _check_conduct(run, timeline)
    if call.absorbs(fault):
        assert _story(timeline) == without.story, f"botocore's retry did not make it good: {_story(timeline)}"
        assert run.noticed == without.noticed, f"botocore's retry did not make it good: {run.noticed}"
        # What is sent twice makes calls of its own; what was received and not told of is hidden from the next receive.
        if call.operation not in ("SendMessage", "ReceiveMessage"):
            assert injector.calls == list(without.calls), f"botocore's retry did not make it good: {injector.calls}"
    if call == Call("api", "StartExecution") and fault in (Fault.THROTTLED, Fault.LOST):
        assert run.noticed == without.noticed, f"an order that has its row was not accepted: {run.noticed}"


def _check_end(
    flow: Flow, run: Run, struck: tuple[Call, Fault] | None, orders: Mapping[str, Any], failed: Mapping[str, Any]
) -> None:
    assert list(orders) == [flow.order_id], f"these orders are there: {list(orders)}"
    row = orders[flow.order_id]
    if flow.ends == "REJECTED" or run.cancelled == 200:
        assert row["status"] == flow.ends, f"the order is {row['status']}"
        return
    if flow.ends == "CANCELLED":
        assert run.cancelled == 409, f"cancelling was answered with {run.cancelled}"
        assert struck and struck[0].by == "api", "it was too late to cancel, although nothing held the client up"
    assert int(row["epoch"]) == flow.epoch, f"the order is in its epoch {row['epoch']}"
    lost = [_lost(entries) for entries in _epochs(row["timeline"])]
    more = sum(map(len, lost)) - len(flow.lost)
    if more:
        assert more == 1, f"attempts {lost} never came to an end"
        assert struck and may_cost_an_attempt(*struck), f"attempts {lost} never came to an end, which no fault explains"
    for epoch, entries in enumerate(_epochs(row["timeline"])):
        found = entries[-1]["to"], _attempts(entries)
        should = outcome(flow.order_id, epoch, lost[epoch])
        assert found == should, f"epoch {epoch} came to {found}, and should have to {should}"
    if row["status"] == "FAILED":
        why = "abandoned" if MOST in lost[-1] else "declined"
        shown = {name: failed[flow.order_id][name] for name in ("reason", "attempts", "epoch")}
        assert shown == {"reason": why, "attempts": MOST, "epoch": flow.epoch}, f"the failed order says {shown}"


def may_cost_an_attempt(call: Call, fault: Fault) -> bool:
    """Whether an attempt that was claimed may have had no end: its claim was not known of, or its end not written."""
    return call.by == "fulfill" and call.operation in WRITES and fault not in ABSORBED


def _check_conduct(run: Run, timeline: Sequence[Entry]) -> None:
    """What can be said of a run besides its end."""
    assert not run.wrong, "; ".join(run.wrong)
    errors = {end.error for end in run.ends if end.status == "FAILED"}
    assert errors <= {"OrderRejected"}, f"I13: executions failed with {errors}"
    for actor, by in (("reconciler", "reconcile"), ("operator", "operator")):
        entries = Counter(entry["to"] for entry in timeline if entry["actor"] == actor)
        for operation, state in (("SendMessage", "PENDING"), ("StartExecution", "RECEIVED")):
            made = run.cloud.injector.made(by, operation)
            assert made <= entries[state], f"the {actor} made {made} × {operation}, and {entries[state]} are on record"
    for entries in _epochs(timeline):
        attempt = 0
        for entry in entries:
            attempt += entry["to"] == "PROCESSING"
            named = re.match(r"attempt (\d+)", entry.get("reason", ""))
            assert not named or int(named[1]) == attempt, f"I11: the holder of attempt {attempt} did not write {entry}"


def _story(timeline: Sequence[Entry]) -> list[tuple[str, str]]:
    return [(entry["to"], entry["actor"]) for entry in timeline]


def _epochs(timeline: Sequence[Entry]) -> list[list[Entry]]:
    """A timeline cut where the order was sent again."""
    epochs: list[list[Entry]] = [[]]
    for entry in timeline:
        if epochs[-1] and epochs[-1][-1]["to"] == "FAILED":
            epochs.append([])
        epochs[-1].append(entry)
    return epochs


def _attempts(entries: Sequence[Entry]) -> int:
    return [entry["to"] for entry in entries].count("PROCESSING")


def _lost(entries: Sequence[Entry]) -> set[int]:
    """The attempts of an epoch after which their holder wrote nothing more."""
    lost, attempt = set(), 0
    for entry, following in zip(entries, [*entries[1:], None], strict=True):
        if entry["to"] != "PROCESSING":
            continue
        attempt += 1
        ended = following and following["actor"] == "fulfillment" and following["to"] != "PROCESSING"
        if not ended or "never came to an end" in following.get("reason", ""):
            lost.add(attempt)
    return lost
