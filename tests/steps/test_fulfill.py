"""Fulfillment of a batch: the orders that move, and the messages that stay on the queue."""

import pytest

from service.handler import dispatch
from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from service.orders.warehouse import Answer, State
from service.steps.batch import PARALLEL
from tests import events
from tests.steps.doubles import (
    DECLINED,
    DONE,
    REFUSED,
    BarrierFulfiller,
    CallbackFulfiller,
    PatchedStore,
    Scripted,
    break_store,
    deliver,
    later,
    message,
    pending,
    standing,
)
from tests.support import Context, MemorySystem, sqs_event


@pytest.fixture
def system():
    system = MemorySystem()
    system.fulfiller = Scripted(DONE)
    return system


def test_a_pending_order_is_fulfilled_and_its_message_acknowledged(system):
    pending(system)
    system.now.forward(3)
    assert deliver(system, message("ord_1")) == []
    order = system.store.get("ord_1")
    assert (order.status, order.attempts, order.version) == (Status.FULFILLED, 1, 4)
    assert [(entry.source, entry.target, entry.actor) for entry in order.timeline[2:]] == [
        (Status.PENDING, Status.PROCESSING, "fulfillment"),
        (Status.PROCESSING, Status.FULFILLED, "fulfillment"),
    ]
    assert order.timeline[-1].reason == "attempt 1 succeeded"


def test_a_batch_as_the_queue_delivers_it_is_fulfilled(system):
    for order_id in ("ord_1", "ord_2"):
        pending(system, order_id)
    batch = events.load("sqs_batch")
    unknown = batch["Records"][2]["messageId"]
    assert dispatch(batch, Context(), system) == {"batchItemFailures": [{"itemIdentifier": unknown}]}
    assert {order.status for order in system.store.orders.values()} == {Status.FULFILLED}


@pytest.mark.parametrize(
    ("status", "stays"),
    [
        (Status.RECEIVED, True),
        (Status.PENDING, False),
        (Status.PROCESSING, True),
        (Status.FULFILLED, False),
        (Status.REJECTED, False),
        (Status.CANCELLED, False),
        (Status.FAILED, True),
    ],
)
def test_a_message_is_acknowledged_only_if_its_order_is_terminal_and_did_not_fail(status, stays, system):
    before = standing(status, system)
    assert deliver(system, message("ord_1")) == (["m1"] if stays else [])
    if status is Status.PENDING:
        assert system.store.get("ord_1").status is Status.FULFILLED
    else:
        assert system.store.get("ord_1") == before
        assert system.fulfiller.asked == []


def test_the_message_of_an_unknown_order_stays_and_creates_no_order(system):
    assert deliver(system, message("ord_1")) == ["m1"]
    assert (system.store.orders, system.fulfiller.asked) == ({}, [])


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "not JSON",
        "[]",
        '["ord_1"]',
        "{}",
        "null",
        "5",
        "true",
        '"ord_1"',
        '{"order_id": 5}',
        '{"order_id": null}',
        '{"order_id": ""}',
        '{"order_id": ["ord_1"]}',
        '{"order_id": {"S": "ord_1"}}',
        '{"ORDER_ID": "ord_1"}',
        '{"order_id": "' + "o" * 300 + '"}',
        '{"order_id": "' + "o" * 65 + '"}',
        '{"order_id": "ord_1"',
        "[" * 100_000,
    ],
    ids=lambda body: body[:20] or "empty",
)
def test_a_poison_message_stays_and_the_others_are_processed(body, system, caplog):
    pending(system)
    real, asked = system.store, []
    system.store = PatchedStore(real, apply=lambda store, write: asked.append(write.order_id) or store.apply(write))
    assert deliver(system, body, message("ord_1"), body) == ["m1", "m3"]
    assert real.get("ord_1").status is Status.FULFILLED
    assert set(asked) == {"ord_1"}
    assert caplog.text.count("PoisonMessage") == 2
    assert len(caplog.text) < 1000


@pytest.mark.parametrize("record", [{}, {"body": None}, {"body": 5}, {"body": {"order_id": "ord_1"}}])
def test_a_record_whose_body_is_not_a_string_stays(record, system):
    event = sqs_event("")
    del event["Records"][0]["body"], event["Records"][0]["attributes"]
    event["Records"][0] |= record
    assert dispatch(event, Context(), system) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


def test_an_order_fails_after_its_last_declined_attempt(system):
    pending(system)
    system.fulfiller = Scripted(DECLINED)
    seen = []
    for _ in range(3):
        assert deliver(system, message("ord_1")) == ["m1"]
        order = system.store.get("ord_1")
        seen.append((order.status, order.attempts, system.store.get_failed("ord_1") is not None))
    assert seen == [(Status.PENDING, 1, False), (Status.PENDING, 2, False), (Status.FAILED, 3, True)]
    assert system.fulfiller.asked == [("ord_1", 0, 1), ("ord_1", 0, 2), ("ord_1", 0, 3)]
    reasons = [entry.reason for entry in order.timeline if entry.actor == "fulfillment" and entry.reason]
    assert reasons == [f"attempt {number} of 3: not today" for number in (1, 2, 3)]


def test_a_failed_order_has_one_row_with_the_reason(system):
    pending(system)
    system.fulfiller = Scripted(DECLINED)
    for _ in range(3):
        deliver(system, message("ord_1"))
    order, row = system.store.get("ord_1"), system.store.get_failed("ord_1")
    assert (row.kind, row.attempts, row.epoch) == (FailureKind.DECLINED, 3, 0)
    assert (row.detail, row.customer_id, row.failed_at) == ("not today", "cust_123", order.updated_at)
    later(system, system.policy.lease)
    assert deliver(system, message("ord_1"), message("ord_1")) == ["m1", "m2"]
    assert (system.store.get("ord_1"), system.store.get_failed("ord_1")) == (order, row)
    assert len(system.fulfiller.asked) == 3
    assert [entry.target for entry in order.timeline].count(Status.FAILED) == 1


@pytest.mark.parametrize("failures", [1, 2])
def test_an_order_that_succeeds_in_a_later_attempt_leaves_no_failed_row(failures, system):
    pending(system)
    system.fulfiller = Scripted(*[DECLINED] * failures, DONE)
    for _ in range(failures):
        assert deliver(system, message("ord_1")) == ["m1"]
    assert deliver(system, message("ord_1")) == []
    assert system.store.get("ord_1").attempts == failures + 1
    assert system.store.failures == {}


def test_a_permanent_refusal_fails_the_order_at_once(system):
    pending(system)
    system.fulfiller = Scripted(REFUSED)
    assert deliver(system, message("ord_1")) == ["m1"]
    order, row = system.store.get("ord_1"), system.store.get_failed("ord_1")
    assert (order.status, order.attempts) == (Status.FAILED, 1)
    assert (row.kind, row.detail, row.attempts) == (FailureKind.REFUSED, "no longer sold", 1)


def test_an_exception_of_the_fulfiller_costs_one_attempt(system):
    pending(system)
    system.fulfiller = Scripted(RuntimeError("canary"), DONE)
    assert deliver(system, message("ord_1")) == ["m1"]
    order = system.store.get("ord_1")
    assert (order.status, order.attempts) == (Status.PENDING, 1)
    assert order.timeline[-1].reason == (
        "attempt 1 of 3: the attempt raised RuntimeError; it is not known whether it was shipped"
    )
    assert (order.delivery, order.asked, order.timeline[-1].failure) == (1, 1, FailureKind.ERROR)
    assert deliver(system, message("ord_1")) == []


def test_an_exception_in_the_last_attempt_leaves_the_order_pending_until_a_look(system):
    pending(system)
    system.fulfiller = Scripted(RuntimeError("canary"), looks=RuntimeError("canary"))
    assert [deliver(system, message("ord_1")) for _ in range(3)] == [["m1"]] * 3
    order = system.store.get("ord_1")
    assert (order.status, order.attempts, order.asked) == (Status.PENDING, 3, 3)
    assert system.fulfiller.keys == ["ord_1-d1"] * 3
    assert deliver(system, message("ord_1")) == ["m1"]
    row = system.store.get_failed("ord_1")
    assert row.kind is FailureKind.UNKNOWN
    assert "canary" not in row.detail


def test_each_answer_that_ends_a_delivery_gives_the_next_one_another_key(system):
    pending(system)
    system.fulfiller = Scripted(DECLINED)
    assert [deliver(system, message("ord_1")) for _ in range(3)] == [["m1"]] * 3
    assert system.fulfiller.keys == ["ord_1-d1", "ord_1-d2", "ord_1-d3"]
    order = system.store.get("ord_1")
    assert (order.status, order.delivery, order.asked) == (Status.FAILED, 4, 0)


def test_an_answer_that_the_request_was_not_taken_keeps_the_key_and_forgets_the_request(system):
    pending(system)
    system.fulfiller = Scripted(TimeoutError(), Answer(State.NOT_TAKEN, "it answered 503"), DONE)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert deliver(system, message("ord_1")) == ["m1"]
    order = system.store.get("ord_1")
    assert (order.status, order.delivery, order.asked) == (Status.PENDING, 1, 1), "the first request may have arrived"
    assert deliver(system, message("ord_1")) == []
    assert system.fulfiller.keys == ["ord_1-d1"] * 3


def test_an_answer_that_is_no_outcome_leaves_the_outcome_unknown(system):
    pending(system)
    system.fulfiller = Scripted(Answer(State.NOT_FOUND))
    assert deliver(system, message("ord_1")) == ["m1"]
    order = system.store.get("ord_1")
    assert (order.status, order.delivery, order.asked) == (Status.PENDING, 1, 1)


def test_an_error_of_the_table_for_one_record_leaves_the_others_unaffected(system):
    for order_id in ("ord_1", "ord_2", "ord_3"):
        pending(system, order_id)
    real = system.store
    break_store(system, "apply", "ord_2")
    assert deliver(system, message("ord_1"), message("ord_2"), message("ord_3")) == ["m2"]
    assert {real.get(order_id).status for order_id in ("ord_1", "ord_3")} == {Status.FULFILLED}


def test_a_success_that_could_not_be_stored_is_attempted_again(system):
    pending(system)
    real = system.store

    def loses_the_success(store, write):
        if write.name == "fulfill":
            raise ConnectionError
        return store.apply(write)

    system.store = PatchedStore(real, apply=loses_the_success)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert real.get("ord_1").status is Status.PROCESSING
    system.store = real
    assert deliver(system, message("ord_1")) == ["m1"]  # the lease has not expired
    later(system, system.policy.lease)
    assert deliver(system, message("ord_1")) == []
    assert real.get("ord_1").attempts == 2


def test_ten_attempts_run_at_once(system):
    ids = [f"ord_{number}" for number in range(10)]
    for order_id in ids:
        pending(system, order_id)
    system.fulfiller = BarrierFulfiller(10)
    assert deliver(system, *map(message, ids)) == []
    assert {order.status for order in system.store.orders.values()} == {Status.FULFILLED}


def test_a_batch_of_more_than_ten_records_runs_ten_attempts_at_a_time(system):
    ids = [f"ord_{number}" for number in range(30)]
    for order_id in ids:
        pending(system, order_id)
    ten, running, seen = BarrierFulfiller(10), set(), []

    def attempt(order):
        running.add(order.order_id)
        seen.append(len(running))
        ten.ask(order, 0)
        running.remove(order.order_id)

    system.fulfiller = CallbackFulfiller(attempt)
    assert deliver(system, *map(message, ids)) == []
    assert {order.status for order in system.store.orders.values()} == {Status.FULFILLED}
    assert max(seen) == PARALLEL == 10


def test_fulfillment_sends_no_messages(system):
    pending(system)
    system.fulfiller = Scripted(DECLINED, RuntimeError(), REFUSED)
    for _ in range(4):
        deliver(system, message("ord_1"), message("ord_2"), "poison")
    assert (system.queue.sent, system.workflow.started) == ([], [])


def test_an_attempt_is_counted_before_the_warehouse_is_called(system):
    pending(system)
    seen = []
    system.fulfiller = CallbackFulfiller(lambda order: seen.append(system.store.get("ord_1")))
    deliver(system, message("ord_1"))
    assert [(order.status, order.attempts) for order in seen] == [(Status.PROCESSING, 1)]
    assert seen[0].lease_until == system.now() + system.policy.lease
