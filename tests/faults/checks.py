"""Checks a run: the invariants, and the exact result that its one order must have."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from service.orders.warehouse import State
from tests.faults.driver import Run
from tests.faults.fault_injector import ABSORBED, Call, Fault
from tests.faults.flows import MAX_ATTEMPTS, Flow, outcome
from tests.invariants import check_always, check_without_faults, is_put_back
from tests.simulation.checker import parcel_violations

Entry = Mapping[str, Any]
TRIES = {Fault.THROTTLED_ONCE: 2, Fault.LOST_ONCE: 2, Fault.THROTTLED: 3, Fault.LOST: 3}
WRITES = ("UpdateItem", "TransactWriteItems")


@dataclass(frozen=True)
class Baseline:
    """A run of a flow without a fault: its calls, and its order's states with their actors."""

    calls: Sequence[Call]
    history: Sequence[tuple[str, str]]
    failures: Sequence[tuple[str, str]]


def check_baseline(flow: Flow, run: Run) -> Baseline:
    """Check a run without a fault, and return it for comparison."""
    world = run.world()
    check_always(world)
    timeline = world.orders[flow.order_id]["timeline"]
    if not flow.reconciled and not flow.unfinished:
        expected = {"FULFILLED": _last_outcome(flow), "FAILED": ("FAILED", MAX_ATTEMPTS)}
        check_without_faults(world, lambda _: expected.get(flow.status, (flow.status, 0)))
    if flow.epoch and flow.status == "FULFILLED":
        assert not world.dead_letters, "the dead-letter queue holds a message of a failure that was redriven"
    interventions = [entry["actor"] for entry in timeline].count("reconciler")
    assert interventions == flow.reconciled, f"the reconciler intervened {interventions} times"
    _check_result(flow, run, None, world.orders, world.failed_orders)
    _check_writers(run, timeline)
    return Baseline(tuple(run.cloud.injector.calls), _history(timeline), run.failures)


def check(flow: Flow, run: Run, number: int, fault: Fault, baseline: Baseline) -> None:
    """Check a run in which the call of that number had that fault."""
    injector, call = run.cloud.injector, baseline.calls[number]
    assert injector.calls[: number + 1] == list(baseline.calls[: number + 1]), "another call had the fault"
    tries = 1 if call.is_to_warehouse or call.has_one_try else TRIES.get(fault, 1)
    assert injector.tries == tries, f"the call was tried {injector.tries} times"
    world = run.world()
    check_always(world)
    timeline = world.orders[flow.order_id]["timeline"]
    _check_result(flow, run, (call, fault), world.orders, world.failed_orders)
    _check_writers(run, timeline)
    sends_twice = call.operation == "SendMessage" and fault is Fault.LOST_ONCE
    if call.absorbs(fault) and not (sends_twice and _times_put_back(timeline)):  # each message is one refusal more
        assert _history(timeline) == baseline.history, f"the retry did not hide the fault: {_history(timeline)}"
        assert run.failures == baseline.failures, f"the retry did not hide the fault: {run.failures}"
        # A message that is sent twice causes more calls. A receive whose answer was lost hides its message for a while.
        if call.operation not in ("SendMessage", "ReceiveMessage"):
            assert injector.calls == list(baseline.calls), f"the retry did not hide the fault: {injector.calls}"
    if call == Call("api", "StartExecution") and fault in (Fault.THROTTLED, Fault.LOST):
        assert run.failures == baseline.failures, f"an order with a row was not accepted: {run.failures}"


def _check_result(
    flow: Flow, run: Run, failed_call: tuple[Call, Fault] | None, orders: Mapping[str, Any], failed: Mapping[str, Any]
) -> None:
    assert list(orders) == [flow.order_id], f"the table holds {list(orders)}"
    row = orders[flow.order_id]
    _check_ledger(run, row)
    if flow.status == "REJECTED" or run.cancelled in (200, 202):
        assert row["status"] == flow.status, f"the order is {row['status']}"
        return
    if flow.status == row["status"] == "CANCELLED" and run.cancelled is None:  # its customer has asked before
        return
    if flow.status == "CANCELLED":
        assert run.cancelled in (409, None), f"the cancellation was answered with {run.cancelled}"
        assert failed_call, "the order could not be cancelled in a run without a fault"
        explained = failed_call[0].by == "api" or failed_call[0].operation == "cancel"
        assert explained, "the order could not be cancelled, although no call of the API or to cancel it failed"
    assert int(row["epoch"]) == flow.epoch, f"the order is in epoch {row['epoch']}"
    unfinished = [_unfinished(entries) for entries in _epochs(row["timeline"])]
    more = sum(map(len, unfinished)) - len(flow.unfinished) - _times_not_taken(row["timeline"])
    if more:
        assert more == 1, f"attempts {unfinished} never ended"
        assert failed_call, f"attempts {unfinished} never ended in a run without a fault"
        assert may_leave_attempt_unfinished(*failed_call), f"attempts {unfinished} never ended; no fault explains it"
    delivery, deliveries = 1, run.cloud.system.fulfiller.ledger.deliveries
    for epoch, entries in enumerate(_epochs(row["timeline"])):
        found = entries[-1]["to"], _attempts(entries)
        if found[0] == "FAILED" and _failure(entries) in (
            "unknown",
            "abandoned",
        ):  # a look may have found another state since
            expected = ["FAILED", MAX_ATTEMPTS]
            delivery += MAX_ATTEMPTS - len(unfinished[epoch])  # each of the other attempts was declined
            delivery += deliveries.get(f"{flow.order_id}-d{delivery}") is State.CANCELLED
        elif found[0] == "FULFILLED" and entries[-1]["actor"] != "fulfillment":  # the answer to a cancellation shows it
            shipped = deliveries.get(f"{flow.order_id}-d{row['delivery']}")
            assert shipped is State.SHIPPED, f"the order is FULFILLED, and the warehouse says: {shipped}"
            expected = [*found]
        else:
            *expected, delivery = outcome(flow.order_id, delivery, unfinished[epoch], deliveries.get)
        assert found == tuple(expected), f"epoch {epoch} ended with {found}, and the oracle says {expected}"
    if row["status"] == "FAILED":
        shown = {name: failed[flow.order_id][name] for name in ("reason", "attempts", "epoch")}
        reason = _reason(row, deliveries)
        expected = {"reason": reason, "attempts": int(row["attempts"]), "epoch": flow.epoch}
        assert shown == expected, f"the failed-orders row has {shown}"


def _check_ledger(run: Run, row: Mapping[str, Any]) -> None:
    """Compare the order with what the warehouse shipped, by its own ledger."""
    parcels = run.cloud.system.fulfiller.ledger.parcels()
    standing = f"delivery {row['delivery']}, asked {row['asked']}"
    broken = [*parcel_violations(row["status"], parcels.get(row["order_id"], 0), standing)]
    assert not broken, broken


def _reason(row: Mapping[str, Any], deliveries: Mapping[str, State]) -> str:
    """The reason of a FAILED order by its timeline, compared with the warehouse's ledger."""
    reason = _failure(row["timeline"])
    present, ended = (deliveries.get(f"{row['order_id']}-d{int(row['delivery']) - back}") for back in (0, 1))
    assert present is None, f"a look must find that the warehouse has {present} the delivery"
    if reason in ("declined", "refused"):
        assert (reason, row["asked"]) == (ended, 0), f"it failed as {reason}, and the warehouse has {ended} it"
    else:
        assert reason == ("abandoned" if row["asked"] else "error"), f"it failed as {reason}, asked {row['asked']}"
    return reason


def _last_outcome(flow: Flow) -> tuple[str, int]:
    """The outcome of the flow's last epoch, in a run without a fault."""
    status, attempts, delivery = outcome(flow.order_id)
    for _ in range(flow.epoch):
        status, attempts, delivery = outcome(flow.order_id, delivery)
    return status, attempts


def may_leave_attempt_unfinished(call: Call, fault: Fault) -> bool:
    """Whether a claimed attempt may have no answer that is on record.

    The answer to the claim was lost, the brake or the end was not written, or the warehouse gave no answer.
    """
    if call.operation == "ask":
        return fault not in (Fault.DECLINED, Fault.REFUSED)
    return call.by == "fulfill" and call.operation in (*WRITES, "PutItem") and fault not in ABSORBED


def _check_writers(run: Run, timeline: Sequence[Entry]) -> None:
    """Check what readers saw during the run, how executions ended, and who wrote each entry."""
    assert not run.violations, "; ".join(run.violations)
    errors = {end.error for end in run.ended if end.status == "FAILED"}
    assert errors <= {"OrderRejected"}, f"I13: executions failed with {errors}"
    for actor, by in (("reconciler", "reconcile"), ("operator", "operator")):
        entries = Counter(entry["to"] for entry in timeline if entry["actor"] == actor)
        count = run.cloud.injector.count(by, "SendMessage")  # each comes after its write
        assert count <= entries["PENDING"], f"{actor}: {count} SendMessage, but {entries['PENDING']} timeline entries"
    for entries in _epochs(timeline):
        attempt, before = 0, None
        for entry in entries:
            attempt += entry["to"] == "PROCESSING"
            named = re.match(r"attempt (\d+)", entry.get("reason", ""))
            assert not named or int(named[1]) == attempt, f"I11: the holder of attempt {attempt} did not write {entry}"
            attempt -= before is not None and is_put_back(before, entry)
            before = entry


def _failure(timeline: Sequence[Entry]) -> str:
    """The kind of the last failure, or an empty string. A look that found nothing new has no failure of its own."""
    return next((str(entry["failure"]) for entry in reversed(timeline) if entry.get("failure")), "")


def _history(timeline: Sequence[Entry]) -> list[tuple[str, str]]:
    return [(entry["to"], entry["actor"]) for entry in timeline]


def _epochs(timeline: Sequence[Entry]) -> list[list[Entry]]:
    """A timeline split at each redrive."""
    epochs: list[list[Entry]] = [[]]
    for entry in timeline:
        if epochs[-1] and (epochs[-1][-1]["to"], entry["to"]) == ("FAILED", "PENDING"):
            epochs.append([])
        epochs[-1].append(entry)
    return epochs


def _attempts(entries: Sequence[Entry]) -> int:
    return [entry["to"] for entry in entries].count("PROCESSING") - _times_put_back(entries)


def _times_put_back(entries: Sequence[Entry]) -> int:
    return sum(is_put_back(before, entry) for before, entry in pairwise(entries))


def _times_not_taken(timeline: Sequence[Entry]) -> int:
    """How many attempts the warehouse did not take and that count, as too many of the epoch had not been taken."""
    return sum(entry.get("reason", "").endswith("did not take it") for entry in timeline)


def _unfinished(entries: Sequence[Entry]) -> set[int]:
    """The attempts of an epoch without an answer of the warehouse on record."""
    unfinished, attempt = set(), 0
    for entry, following in zip(entries, [*entries[1:], None], strict=True):
        if entry["to"] != "PROCESSING" or (following and is_put_back(entry, following)):
            continue
        attempt += 1
        reason = following.get("reason", "") if following and following["actor"] == "fulfillment" else ""
        has_no_answer = following is not None and following.get("failure") == "error"
        if has_no_answer or not reason.startswith("attempt ") or "never ended" in reason:  # a look has another reason
            unfinished.add(attempt)
    return unfinished
