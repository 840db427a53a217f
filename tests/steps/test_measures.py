"""Metrics: each event is counted once, after it has happened; replays are not counted again."""

from dataclasses import replace

import pytest

from service.handler import dispatch
from service.orders import strict_json
from service.orders.deliveries import Deliveries
from service.orders.errors import KeyReused, OrderInvalid
from service.orders.lifecycle import Status
from service.orders.orders import Orders
from service.orders.submission import Submission
from service.orders.warehouse import Answer, OtherItems, State
from tests import events
from tests.steps.doubles import (
    PatchedStore,
    Scripted,
    deliver,
    invalid,
    message,
    pending,
    processing,
    reconcile,
    standing,
)
from tests.support import Context, MemorySystem, valid_order

DECLINED = Answer(State.DECLINED, "no")


@pytest.fixture
def system():
    return MemorySystem()


def counted(system):
    return {"/".join(name): count for name, count in system.metrics.counts.items()}


def submission(content=None, **given):
    text = strict_json.canonical_text(valid_order() if content is None else content)
    return Submission(document=strict_json.parse(text), owner="anonymous", **given)


def task(name, given, system, execution="e"):
    return dispatch({"dofs": {"task": name, "execution": execution, "input": given}}, Context(), system)


def test_an_order_is_counted_as_received_once_and_its_retries_as_replays(system):
    for _ in range(3):
        Orders(system).submit(submission(idempotency_key="a-key-of-16-chars"))
    assert counted(system) == {"OrdersReceived": 1, "IdempotentReplays": 2}


def test_submissions_refused_by_the_api_are_counted(system):
    with pytest.raises(OrderInvalid):
        Orders(system).submit(submission({}))
    Orders(system).submit(submission(idempotency_key="a-key-of-16-chars"))
    with pytest.raises(KeyReused):
        Orders(system).submit(submission(valid_order(customer_id="c"), idempotency_key="a-key-of-16-chars"))
    assert counted(system) == {"SubmissionsRefused": 2, "OrdersReceived": 1}


def test_an_order_of_an_execution_started_by_hand_is_counted_as_received(system):
    for _ in range(2):
        task("validate", {"order": valid_order()}, system)
    assert counted(system) == {"OrdersReceived": 1}


def test_an_order_is_counted_as_stored_once(system):
    system.receive()
    for _ in range(2):
        task("store", {"order_id": "ord_1"}, system)
    assert counted(system) == {"OrdersStored": 1}


def test_an_order_is_counted_as_rejected_once(system):
    invalid(system)
    for _ in range(2):
        task("reject", {"order_id": "ord_1"}, system)
    assert counted(system) == {"OrdersRejected": 1}


def test_a_fulfilled_order_is_counted_with_the_time_since_its_receipt(system):
    system.receive()
    system.now.forward(1.5)
    task("store", {"order_id": "ord_1"}, system)
    system.now.forward(2.5)
    deliver(system, message("ord_1"), message("ord_1"))
    assert counted(system) == {"OrdersStored": 1, "OrdersFulfilled": 1}
    assert system.metrics.values == [4000]


def test_an_order_that_the_warehouse_accepts_is_counted_as_handed_over(system):
    pending(system)
    system.fulfiller = Scripted(Answer(State.ACCEPTED))
    deliver(system, message("ord_1"))
    assert counted(system) == {"OrdersStored": 1, "OrdersHandedOver": 1}


def test_a_clock_that_is_behind_records_a_duration_of_zero(system):
    """The clocks of two containers differ; a negative duration would distort CloudWatch's averages."""
    pending(system)
    system.now.forward(-0.2)
    deliver(system, message("ord_1"))
    assert system.metrics.values == [0]


def test_each_failed_attempt_is_counted_by_its_reason_and_the_order_once(system):
    pending(system)
    system.fulfiller = Scripted(DECLINED, RuntimeError("x"), DECLINED)
    for _ in range(4):
        deliver(system, message("ord_1"))
    assert counted(system) == {
        "OrdersStored": 1,
        "AttemptsFailed/declined": 2,
        "AttemptsFailed/error": 1,
        "OrdersFailed": 1,
    }


def test_an_abandoned_order_is_counted_as_failed(system):
    system.settings = replace(system.settings, max_attempts=1)
    system.fulfiller = Scripted(DECLINED)
    processing(system)
    system.now.forward(system.policy.lease.total_seconds() + 1)
    deliver(system, message("ord_1"))
    assert counted(system) == {"OrdersStored": 1, "AttemptsFailed/abandoned": 1, "OrdersFailed": 1}


def test_an_order_is_counted_as_cancelled_once(system):
    system.receive()
    for _ in range(2):
        Deliveries(system).cancel("ord_1", "api", "why")
    assert counted(system) == {"OrdersCancelled": 1}


def test_a_redriven_order_is_counted(system):
    standing(Status.FAILED, system)
    before = counted(system)
    Orders(system).redrive("ord_1", "operator", "why")
    assert {name: count for name, count in counted(system).items() if name not in before} == {"OrdersRedriven": 1}


def test_poison_messages_are_counted_at_each_delivery(system):
    deliver(system, "poison", "{}", message("ord_unknown"))
    assert counted(system) == {"PoisonMessages": 2}


def test_a_delivery_key_with_other_items_is_counted_besides_the_failed_attempt(system):
    pending(system)
    system.fulfiller = Scripted(OtherItems("canary"))
    deliver(system, message("ord_1"))
    assert counted(system) == {"OrdersStored": 1, "AttemptsFailed/error": 1, "DeliveryConflicts": 1}


def test_an_attempt_whose_outcome_was_not_stored_is_not_counted(system):
    pending(system)
    system.fulfiller = Scripted(DECLINED)
    real, system.store = system.store, PatchedStore(system.store, apply=refusing("decline"))
    deliver(system, message("ord_1"))
    assert counted(system) == {"OrdersStored": 1}
    system.store = real


def refusing(name):
    def apply(store, write):
        if write.name == name:
            raise ConnectionError
        return store.apply(write)

    return apply


def test_a_failed_intervention_is_counted_as_an_error(system):
    """Otherwise no alarm would report a workflow that cannot be started, while the API accepts orders."""
    system.receive()
    system.workflow.broken = ConnectionError()
    system.now.forward(system.policy.restart_after.total_seconds() + 1)
    reconcile(system)
    assert counted(system) == {"ReconcilerInterventions/errors": 1, "ReconcilerRuns": 1}


def test_a_failed_read_of_the_reconciler_is_counted_as_an_error(system):
    system.store = PatchedStore(system.store, list_waiting=lambda *_: 1 / 0)
    reconcile(system)
    assert counted(system) == {"ReconcilerInterventions/errors": 4, "ReconcilerRuns": 1}


def test_every_run_of_the_reconciler_is_counted(system):
    dispatch(events.load("task_reconcile"), Context(), system)
    assert counted(system) == {"ReconcilerRuns": 1}
