"""Orders whose attempt never ended: how they are recognized, and how they are worked on alone."""

from dataclasses import replace
from threading import Event

import pytest

from service.handler import dispatch
from service.orders.deliveries import Deliveries
from service.orders.isolation import count_broken_attempts, group, must_wait
from service.orders.lifecycle import Status
from service.orders.message import Message, write
from service.orders.model import FailureKind
from service.orders.orders import Orders
from service.steps import batch, fulfill
from tests.polling import PATIENCE
from tests.steps.doubles import (
    DECLINED,
    DONE,
    REFUSED,
    CallbackFulfiller,
    PatchedStore,
    Scripted,
    deliver,
    later,
    message,
    pending,
    reconcile,
)
from tests.support import SETTINGS, Context, MemorySystem, sqs_event
from tests.warehouse_answers import CANCELLING


@pytest.fixture
def system():
    system = MemorySystem(settings=replace(SETTINGS, max_attempts=3))
    system.fulfiller = Scripted(DONE)
    return system


def break_off(system, order_id="ord_1"):
    """Begin an attempt that never ends, and let its lease expire."""
    Deliveries(system).claim(order_id)
    later(system, system.policy.lease)


def attempt(system, answer, order_id="ord_1"):
    usual, system.fulfiller = system.fulfiller, Scripted(answer, looks=answer)
    deliver(system, message(order_id))
    system.fulfiller = usual


def recover(system):
    later(system, system.policy.recover_after)
    assert reconcile(system) == {"recovered": 1}


def redrive(system, order_id="ord_1"):
    Orders(system).redrive(order_id, "operator", "the cause is fixed")


def ask_to_cancel(system):
    usual, system.fulfiller = system.fulfiller, Scripted(DONE, cancels=CANCELLING)
    Deliveries(system).cancel("ord_1", "customer", "cancelled by the customer")
    system.fulfiller = usual


def declined(system):
    attempt(system, DECLINED)


def unknown(system):
    attempt(system, TimeoutError())


def look_finds_nothing(system):
    attempt(system, Scripted(DONE).looks)


@pytest.mark.parametrize(
    ("history", "broken"),
    [
        ([], 0),
        ([declined, declined], 0),
        ([unknown, unknown, unknown], 0),
        ([unknown, unknown, unknown, unknown], 0),
        ([declined, declined, declined], 0),
        ([break_off], 1),
        ([break_off, break_off, break_off], 3),
        ([declined, break_off, declined], 1),
        ([break_off, recover], 1),
        ([break_off, recover, break_off], 2),
        ([break_off, recover, declined], 1),
        ([break_off, ask_to_cancel], 1),
        ([unknown, ask_to_cancel], 0),
        ([break_off, break_off, break_off, look_finds_nothing], 3),
        ([break_off, break_off, break_off, unknown], 3),
        ([break_off, break_off, break_off, look_finds_nothing, redrive], 3),
        ([break_off, break_off, break_off, look_finds_nothing, redrive, break_off], 4),
        ([declined, declined, declined, redrive, declined], 0),
    ],
    ids=lambda value: ", ".join(each.__name__ for each in value) if isinstance(value, list) else str(value),
)
def test_a_broken_attempt_is_one_that_was_claimed_and_did_not_end(history, broken, system):
    pending(system)
    for act in history:
        act(system)
    assert count_broken_attempts(system.store.get("ord_1")) == broken


def test_an_attempt_that_the_reconciler_gave_up_is_broken(system):
    pending(system)
    for _ in range(3):
        break_off(system)
    later(system, system.policy.recover_after)
    assert reconcile(system) == {"gave_up": 1}
    assert count_broken_attempts(system.store.get("ord_1")) == 3


def test_an_attempt_that_ended_after_a_cancellation_was_asked_for_is_not_broken(system):
    pending(system)
    system.fulfiller = CallbackFulfiller(lambda _: ask_to_cancel(system), TimeoutError())
    deliver(system, message("ord_1"))
    order = system.store.get("ord_1")
    assert (order.status, order.cancel_asked, count_broken_attempts(order)) == (Status.PENDING, 1, 0)


@pytest.mark.parametrize(
    ("history", "waits"),
    [([], False), ([declined], False), ([declined, declined], True), ([break_off], True), ([unknown] * 3, True)],
)
def test_an_order_waits_if_an_attempt_is_broken_or_only_one_is_left(history, waits, system):
    pending(system)
    for act in history:
        act(system)
    assert must_wait(system.store.get("ord_1"), 3) is waits


def test_orders_without_a_broken_attempt_are_one_group_and_each_other_is_one_by_itself(system):
    for number, broken in enumerate([2, 0, 1, 0, 1]):
        pending(system, f"ord_{number}")
        for _ in range(broken):
            break_off(system, f"ord_{number}")
    waiting = [(f"m{number}", system.store.get(f"ord_{number}")) for number in range(5)]
    assert [[name for name, _ in each] for each in group(waiting)] == [["m1", "m3"], ["m2"], ["m4"], ["m0"]]
    assert group([]) == []


class Recorder(Scripted):
    """Records how many attempts run at once, and in which order they begin."""

    def __init__(self, system, answer=DONE, together=1):
        super().__init__(answer)
        self.system, self.together = system, together
        self.began, self.beside, self.running, self.all_run = [], {}, set(), Event()

    def ask(self, order, seconds):
        self.began.append(order.order_id)
        self.running.add(order.order_id)
        if len(self.running) >= self.together:
            self.all_run.set()
        self.all_run.wait(PATIENCE)
        claimed = {each.order_id for each in self.system.store.orders.values() if each.status is Status.PROCESSING}
        self.beside[order.order_id] = claimed - {order.order_id}
        self.running.discard(order.order_id)
        return super().ask(order, seconds)


def test_suspects_are_claimed_one_after_the_other_the_most_broken_last(system):
    for order_id in ("ord_new", "ord_once", "ord_twice", "ord_too"):
        pending(system, order_id)
    for order_id in ("ord_twice", "ord_twice", "ord_once"):
        break_off(system, order_id)
    for order_id in ("ord_once", "ord_twice"):  # PENDING again, so that only a present claim makes them PROCESSING
        later(system, system.policy.recover_after)
        Orders(system).push(system.store.get(order_id), 1)
    system.fulfiller = Recorder(system, together=2)
    assert deliver(system, *map(message, ("ord_twice", "ord_new", "ord_once", "ord_too"))) == []
    assert (set(system.fulfiller.began[:2]), system.fulfiller.began[2:]) == (
        {"ord_new", "ord_too"},
        ["ord_once", "ord_twice"],
    )
    assert system.fulfiller.beside["ord_once"] == system.fulfiller.beside["ord_twice"] == set()


def test_last_attempts_run_together_after_the_others(system):
    """They have ended before, so they do not end the process; a first attempt beside them could."""
    for order_id in ("ord_1", "ord_2", "ord_new"):
        pending(system, order_id)
        for _ in range(2 if order_id != "ord_new" else 0):
            attempt(system, DECLINED, order_id)
    system.fulfiller = Recorder(system)
    assert deliver(system, *map(message, ("ord_1", "ord_2", "ord_new"))) == []
    assert system.fulfiller.began[0] == "ord_new"
    assert system.fulfiller.beside["ord_new"] == set()
    assert [system.store.get(order_id).attempts for order_id in ("ord_1", "ord_2", "ord_new")] == [3, 3, 1]


def test_an_order_that_was_read_is_not_claimed_for_its_last_attempt_beside_others(system):
    """Another delivery makes an attempt between the read and the claim."""
    pending(system)
    attempt(system, DECLINED)
    real = system.store
    other = MemorySystem(store=real, now=system.now, new_id=system.new_id)

    def attempt_after_the_read(store, order_id):
        read = store.get(order_id)
        attempt(other, DECLINED)
        return read

    system.store = PatchedStore(real, get=attempt_after_the_read)
    record = sqs_event(message("ord_1"))
    record["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
    dispatch(record, Context(), system)
    order = real.get("ord_1")
    assert (order.status, order.attempts, system.fulfiller.asked) == (Status.PENDING, 2, [])


@pytest.mark.parametrize(("rest", "stays"), [(13.3, ["m1"]), (13.4, [])])
def test_a_suspect_is_not_claimed_with_a_third_of_the_time_or_less(rest, stays, system):
    """Its attempt would end without an answer only because the others took long. It keeps its attempts."""
    for order_id in ("ord_new", "ord_suspect"):
        pending(system, order_id)
    break_off(system, "ord_suspect")
    before, left = system.store.get("ord_suspect"), [30.0]

    def take_long(_order):
        left[0] = rest  # with the margin of 5 seconds; there were 30

    system.fulfiller = CallbackFulfiller(take_long)
    records = sqs_event(message("ord_suspect"), message("ord_new"))["Records"]
    answer = fulfill.run(records, system, lambda: left[0])
    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == stays
    assert (system.store.get("ord_suspect") == before) is bool(stays)
    assert system.store.get("ord_new").status is Status.FULFILLED


def test_suspects_stay_on_the_queue_while_an_attempt_beside_the_others_does_not_end(system, monkeypatch):
    for order_id in ("ord_hangs", "ord_suspect"):
        pending(system, order_id)
    break_off(system, "ord_suspect")
    before, left, released = system.store.get("ord_suspect"), [30.0], Event()
    wait = batch.wait

    def wait_until_the_suspect_is_read_and_the_other_hangs(running, seconds, until):
        if len(running) > 1:
            return wait(running, PATIENCE, until)
        left[0] -= seconds
        return set(), running

    monkeypatch.setattr(batch, "wait", wait_until_the_suspect_is_read_and_the_other_hangs)
    system.fulfiller = CallbackFulfiller(lambda _order: released.wait(PATIENCE))
    try:
        records = sqs_event(message("ord_suspect"), message("ord_hangs"))["Records"]
        answer = fulfill.run(records, system, lambda: left[0])
    finally:
        released.set()
    assert {each["itemIdentifier"] for each in answer["batchItemFailures"]} == {"m1", "m2"}
    assert system.store.get("ord_suspect") == before


@pytest.mark.parametrize(("received", "epoch", "reads"), [("1", 0, 0), ("2", 0, 1), ("1", 1, 1)])
def test_only_the_first_receive_of_a_first_message_claims_without_a_read(received, epoch, reads, system):
    pending(system)
    read, writes = [], []
    system.store = PatchedStore(
        system.store,
        get=lambda store, order_id: read.append(order_id) or store.get(order_id),
        apply=lambda store, each: writes.append(each.name) or store.apply(each),
    )
    event = sqs_event(write(Message("ord_1", epoch)))
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = received
    assert dispatch(event, Context(), system) == {"batchItemFailures": []}
    assert (len(read), writes) == (reads, ["claim", "fulfill"])


def test_a_second_message_of_a_suspect_does_not_hide_its_broken_attempt(system):
    """The reconciler sends a message anew: it is received for the first time, and claims nothing without a read."""
    for order_id in ("ord_new", "ord_1"):
        pending(system, order_id)
    break_off(system)
    recover(system)
    system.fulfiller = Recorder(system)
    assert deliver(system, message("ord_1"), message("ord_new")) == []
    assert system.fulfiller.began == ["ord_new", "ord_1"]


def test_a_claim_of_a_suspect_is_logged_with_the_order(system, caplog):
    pending(system)
    break_off(system)
    assert deliver(system, message("ord_1")) == []
    (line,) = [each for each in caplog.records if getattr(each, "outcome", None) == "alone"]
    assert (line.levelname, line.getMessage()) == ("WARNING", "order ord_1: worked on alone, 1 attempt(s) never ended")


def test_a_message_that_died_before_its_order_was_worked_on_fails_nobody(system):
    """It waited behind others until its last receive. The reconciler sends the order again, and nothing was charged."""
    pending(system)
    break_off(system)
    system.dead_letters.put(message("ord_1"))
    later(system, system.policy.recover_after)
    assert reconcile(system) == {"recovered": 1}
    order = system.store.get("ord_1")
    assert (order.status, order.attempts, system.store.failures) == (Status.PENDING, 1, {})
    (sent,) = system.queue.messages
    assert deliver(system, write(sent)) == []
    assert system.store.get("ord_1").status is Status.FULFILLED


def test_an_order_that_ends_the_process_fails_as_abandoned_and_counts(system, caplog):
    pending(system)
    for _ in range(3):
        break_off(system)
    assert deliver(system, message("ord_1")) == ["m1"]
    assert system.store.get_failed("ord_1").kind is FailureKind.ABANDONED
    assert system.metrics.counts["AttemptsFailed", "abandoned"] == 1
    assert "order ord_1: FAILED, attempt 3 of 3 never ended" in caplog.text


def test_a_refused_order_is_no_suspect_after_its_redrive(system):
    pending(system)
    attempt(system, REFUSED)
    redrive(system)
    assert not must_wait(system.store.get("ord_1"), 3)
