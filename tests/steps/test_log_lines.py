"""Each invocation logs its outcome in one line, and each delivery of a message in another."""

from dataclasses import replace

import pytest

from service.handler import dispatch
from service.orders.errors import OrderInvalid
from service.orders.lifecycle import Status
from service.orders.orders import Orders
from service.orders.warehouse import Answer, OtherItems, State
from tests import events
from tests.log_lines import logged, said
from tests.steps.doubles import (
    CLOSED,
    IN_WORK,
    Scripted,
    break_store,
    deliver,
    invalid,
    message,
    pending,
    reconcile,
    standing,
)
from tests.support import Context, MemorySystem, sqs_event

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def system():
    return MemorySystem()


def task(name, **given):
    return {"dofs": {"task": name, "execution": "execution-1", "input": {"order_id": "ord_1", **given}}}


def lines_of(event, system, level="INFO"):
    with logged(level) as lines:
        dispatch(event, Context(), system)
    return lines


@pytest.mark.parametrize("name", ["validate", "store"])
def test_a_task_logs_one_line_with_its_order_and_execution(name, system):
    system.receive()
    (line,) = lines_of(task(name, traceparent=TRACEPARENT), system)
    assert said(line, "level", "event", "outcome", "message") == ("INFO", name, "ok", f"{name}: ok")
    assert said(line, "order_id", "execution", "trace_id", "request_id") == ("ord_1", "execution-1", TRACE, "test")
    assert line["duration_ms"] >= 0
    assert line["cold_start"] in (True, False)


def test_only_the_first_invocation_of_a_process_is_a_cold_start(system, monkeypatch):
    monkeypatch.setattr("service.logs._environment", {"cold": True})
    system.receive()
    starts = [lines_of(task("store"), system)[-1]["cold_start"] for _ in range(3)]
    assert starts == [True, False, False]


def test_an_invalid_order_is_not_logged_as_an_error(system):
    invalid(system)
    with logged() as lines, pytest.raises(OrderInvalid):
        dispatch(task("validate"), Context(), system)
    (line,) = lines
    assert said(line, "level", "outcome", "order_id") == ("INFO", "OrderInvalid", "ord_1")
    assert [line["outcome"] for line in lines_of(task("reject"), system)] == ["ok"]


def test_a_failed_task_logs_the_name_of_its_error(system):
    break_store(system, "apply", "ord_1")
    system.receive()
    with logged() as lines, pytest.raises(ConnectionError):
        dispatch(task("store"), Context(), system)
    (line,) = lines
    assert said(line, "level", "outcome", "error") == ("ERROR", "ConnectionError", "ConnectionError")
    assert said(line, "order_id", "execution") == ("ord_1", "execution-1")


def test_an_unknown_event_is_logged(system):
    with logged() as lines, pytest.raises(Exception, match="no handler"):
        dispatch({"canary": 1}, Context(), system)
    assert [said(line, "event", "outcome") for line in lines] == [("unknown", "UnknownEvent")]


DECLINED = Answer(State.DECLINED, "no")
REFUSED = Answer(State.REFUSED, "never")


@pytest.mark.parametrize(
    ("status", "outcome", "expected", "level", "reason"),
    [
        (Status.PENDING, None, "fulfilled", "INFO", None),
        (Status.PENDING, DECLINED, "attempt_failed", "INFO", "declined"),
        (Status.PENDING, REFUSED, "failed", "ERROR", "refused"),
        (Status.PENDING, IN_WORK, "fulfilled", "INFO", None),
        (Status.PENDING, CLOSED, "failed", "ERROR", "closed"),
        (Status.PENDING, RuntimeError("x"), "attempt_failed", "INFO", "error"),
        (Status.PROCESSING, None, "not_free", "INFO", None),
        (Status.CANCELLED, None, "ended", "INFO", None),
    ],
)
def test_a_delivery_logs_the_outcome_of_its_order(status, outcome, expected, level, reason, system):
    standing(status, system)
    if outcome:
        system.fulfiller = Scripted(outcome)
    *_, line, batch = lines_of(sqs_event(message("ord_1")), system)
    assert said(line, "event", "outcome", "level", "reason", "order_id") == ("batch", expected, level, reason, "ord_1")
    assert said(line, "attempt", "request_id") == (system.store.get("ord_1").attempts, "test")
    assert line["duration_ms"] >= 0
    assert said(batch, "event", "outcome") == (
        "batch",
        "ok" if expected in ("fulfilled", "ended") or outcome is CLOSED else "kept",
    )


def test_a_delivery_key_with_other_items_is_logged_as_an_error_that_names_the_key(system):
    pending(system)
    system.fulfiller = Scripted(OtherItems("canary"))
    conflict, attempt, _ = lines_of(sqs_event(message("ord_1")), system)
    assert said(conflict, "level", "outcome", "order_id", "attempt") == ("ERROR", "other_items", "ord_1", 1)
    assert "ord_1-d1" in conflict["message"]
    assert said(attempt, "level", "outcome", "reason") == ("INFO", "attempt_failed", "error")
    assert "canary" not in str([conflict, attempt])


def test_abandoned_orders_poison_messages_and_unknown_orders_are_logged(system):
    standing(Status.PROCESSING, system, "ord_spent")
    system.fulfiller = Scripted(Answer(State.SHIPPED))
    system.settings = replace(system.settings, max_attempts=1)
    system.now.forward(system.policy.lease.total_seconds() + 1)
    lines = lines_of(sqs_event(message("ord_spent"), "poison", message("ord_unknown")), system)
    assert {said(line, "outcome", "order_id") for line in lines[:-1]} == {
        ("gave_up", "ord_spent"),
        ("poison", None),
        ("unknown_order", "ord_unknown"),
    }


def test_each_line_of_a_batch_names_its_own_order_and_message(system):
    for number in range(10):
        pending(system, f"ord_{number}")
    event = sqs_event(*(message(f"ord_{number}") for number in range(10)))
    for number, record in enumerate(event["Records"]):
        record["messageId"] = f"059f36b4-87a3-44ab-83d2-{number:012}"
    *lines, batch = lines_of(event, system)
    found = {said(line, "order_id", "message_id") for line in lines}
    assert found == {(f"ord_{number}", f"059f36b4-87a3-44ab-83d2-{number:012}") for number in range(10)}
    assert "order_id" not in batch


def test_the_reconciler_logs_each_order_and_nothing_without_orders(system):
    with logged() as lines:
        reconcile(system)
    assert lines == []
    standing(Status.RECEIVED, system, "ord_lost")
    system.now.forward(system.policy.restart_after.total_seconds() + 1)
    with logged() as lines:
        reconcile(system)
    assert ("WARNING", "restarted", "ord_lost", "reconcile") in {
        said(line, "level", "outcome", "order_id", "event") for line in lines
    }


def test_only_well_formed_ids_are_logged(system):
    task = {"task": "validate", "execution": "Bob +49 170", "input": {"order_id": "John Smith, 4111"}}
    with logged() as lines, pytest.raises(Exception, match="no row"):
        dispatch({"dofs": task}, Context(), system)
    (line,) = lines
    assert said(line, "order_id", "execution") == (None, None)


def test_the_trace_is_passed_through_every_step_and_message(system):
    order = system.receive()
    system.store.orders["ord_1"] = replace(order, traceparent=TRACEPARENT)
    payload = {"order_id": "ord_1", "traceparent": TRACEPARENT}
    assert dispatch(task("validate"), Context(), system) == payload
    assert dispatch(task("store"), Context(), system) == payload
    system.now.forward(system.policy.resend_after.total_seconds() + 1)
    reconcile(system)
    assert [sent.traceparent for sent in system.queue.messages] == [TRACEPARENT]
    system.fulfiller = Scripted(REFUSED, Answer(State.SHIPPED))
    deliver(system, message("ord_1"))
    Orders(system).redrive("ord_1", "operator", "why")
    assert system.queue.messages[-1].traceparent == TRACEPARENT
    (line, _) = lines_of(sqs_event(message("ord_1")), system)
    assert said(line, "outcome", "trace_id") == ("fulfilled", TRACE)


def test_metrics_are_flushed_after_every_invocation(system):
    with pytest.raises(Exception, match="no handler"):
        dispatch({}, Context(), system)
    reconcile(system)
    dispatch(events.load("sqs_batch"), Context(), system)
    assert system.metrics.flushed == 3
