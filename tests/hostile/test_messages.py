"""Messages of every kind, in records as SQS delivers them: the orders that they move, and the messages that stay."""

import hashlib
import json
from typing import Any

import pytest

from service.handler import dispatch
from service.orders.lifecycle import Status
from tests import events
from tests.hostile.documents import DEFECTS
from tests.hostile.logs import CANARY, LogCapture
from tests.steps.doubles import DECLINED, DONE, Scripted, standing
from tests.support import Context, MemorySystem, valid_order
from tests.transition_table import TERMINAL_STATES

ORDER = valid_order(customer_id=CANARY, metadata={"note": CANARY})
PADDING = CANARY * 40_000  # close to the 1 MiB that SQS takes

WITHOUT_ORDER = {
    "nothing": "",
    "a text": CANARY,
    "an id without JSON": "ord_pending",
    "JSON in JSON": json.dumps(json.dumps({"order_id": "ord_pending"})),
    "a number": "5",
    "null": "null",
    "a list of ids": '["ord_pending"]',
    "NaN": "NaN",
    "an id in capitals": '{"ORDER_ID": "ord_pending"}',
    "an id that is a number": '{"order_id": 1}',
    "an id that is an object": '{"order_id": {"S": "ord_pending"}}',
    "an id below": '{"detail": {"order_id": "ord_pending"}}',
    "another version, with the order": json.dumps({"version": 2, "order": {**ORDER, "order_id": "ord_pending"}}),
    "another version, with ids": json.dumps({"version": 3, "order_ids": ["ord_pending"]}),
    "the order as it was submitted": json.dumps(ORDER),
    "an envelope of SNS": json.dumps(
        {
            "Type": "Notification",
            "MessageId": "m",
            "TopicArn": "arn:aws:sns:x",
            "Message": '{"order_id": "ord_pending"}',
        }
    ),
    "an event of EventBridge": json.dumps(events.load("unknown_eventbridge")),
    "a batch in a message": json.dumps(events.load("sqs_batch")),
    "our envelope": json.dumps({"dofs": {"task": "store", "order_id": "ord_pending"}}),
    "a proxy event": json.dumps(events.load("api_post_order")),
    "a huge text": PADDING,
    "huge JSON": json.dumps({"note": PADDING}),
    "a huge id": json.dumps({"order_id": PADDING}),
    "deep JSON": "[" * 500_000,
    "a huge number": '{"order_id": ' + "9" * 500_000 + "}",
    "unicode": "🛒 pedido número ٣",
    "half of a pair": '{"order": "\\ud800"}',
    "a byte order mark": '\ufeff{"order_id": "ord_pending"}',
    "NUL": '\x00{"order_id": "ord_pending"}',
    **{f"an order with {name}": json.dumps({**ORDER, **wrong}) for name, wrong in DEFECTS.items()},
}
UNKNOWN = {
    "an order of another deployment": "ord_00000000000000000000000000000000",
    "an order of unicode": "ord_🛒٣",
    "an order of half a character": "ord_\ud800",
    "an order of NUL": "\x00",
    "an order in capitals": "ORD_PENDING",
    "an order with a blank": "ord_pending ",
    "an order of SQL": "' OR 1=1 --",
}
WITH_ORDER = {
    "as it is sent": '{"order_id":"ord_pending"}',
    "white space": ' {\n"order_id" :\t"ord_pending"}\r\n',
    "escapes": '{"order\\u005fid": "\\u006frd_pending"}',
    "fields beside": json.dumps({"order_id": "ord_pending", "version": 2, "note": CANARY}),
    "the whole row": json.dumps({**ORDER, "order_id": "ord_pending", "status": "FULFILLED", "attempts": 3}),
    "unicode beside": json.dumps({"order_id": "ord_pending", "ключ": "🛒"}, ensure_ascii=False),
    "a huge field beside": json.dumps({"order_id": "ord_pending", "note": PADDING}),
    "a task beside": '{"order_id": "ord_pending", "dofs": {"task": "reconcile"}}',
}


def record(body: str, number: int = 1, received: int = 1) -> dict[str, Any]:
    """A record as SQS delivers it."""
    made = events.load("sqs_batch")["Records"][0]
    made["messageId"] = f"059f36b4-87a3-44ab-83d2-{number:012}"
    made["receiptHandle"] = f"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a{number:04}=="
    made["attributes"]["ApproximateReceiveCount"] = str(received)
    made["body"], made["md5OfBody"] = (
        body,
        hashlib.md5(body.encode(errors="replace"), usedforsecurity=False).hexdigest(),
    )
    return made


def deliver(system: MemorySystem, *records: dict[str, Any]) -> list[int]:
    """Deliver a batch; return the positions of the records that stay on the queue."""
    answer = dispatch({"Records": list(records)}, Context(), system)
    assert json.loads(json.dumps(answer)) == answer
    assert answer.keys() == {"batchItemFailures"}
    assert all(failure.keys() == {"itemIdentifier"} for failure in answer["batchItemFailures"])
    ids = [each["messageId"] for each in records]
    return sorted(ids.index(failure["itemIdentifier"]) for failure in answer["batchItemFailures"])


@pytest.fixture
def system() -> MemorySystem:
    """A system with an order in every state, in which every attempt succeeds."""
    system = MemorySystem()
    for status in Status:
        standing(status, system, f"ord_{status.lower()}")
    system.fulfiller = Scripted(DONE)
    return system


def statuses(system: MemorySystem) -> dict[str, str]:
    return {order_id: str(order.status) for order_id, order in system.store.orders.items()}


@pytest.mark.parametrize("received", [1, 3, 1000])
@pytest.mark.parametrize("body", WITHOUT_ORDER.values(), ids=WITHOUT_ORDER)
def test_a_message_without_an_order_id_stays_and_moves_no_order(body, received, system, logs):
    before = dict(system.store.orders)
    assert deliver(system, record(body, received=received)) == [0]
    assert system.store.orders == before
    assert_one_short_line(logs, "PoisonMessage", received)


@pytest.mark.parametrize("order_id", UNKNOWN.values(), ids=UNKNOWN)
def test_a_message_of_an_unknown_order_stays_and_creates_no_order(order_id, system, logs):
    before = dict(system.store.orders)
    assert deliver(system, record(json.dumps({"order_id": order_id}))) == [0]
    assert system.store.orders == before
    assert len(logs.lines[-1]) < 300


def assert_one_short_line(logs: LogCapture, error: str, received: int) -> None:
    """Operators find the message by its id; the body is not logged."""
    telling = [line for line in logs.lines if error in line]
    assert len(telling) == 1
    assert f"059f36b4-87a3-44ab-83d2-{1:012}, received {received} time(s)" in telling[0]
    assert len(telling[0]) < 500


@pytest.mark.parametrize("body", WITH_ORDER.values(), ids=WITH_ORDER)
def test_other_fields_beside_the_order_id_are_ignored(body, system):
    before = statuses(system)
    assert deliver(system, record(body)) == []
    assert statuses(system) == {**before, "ord_pending": "FULFILLED"}


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("status", TERMINAL_STATES)
def test_the_message_of_a_terminal_order_never_revives_it(status, times, system):
    before = system.store.get(f"ord_{status.lower()}")
    body = json.dumps({"order_id": before.order_id})
    for received in range(1, times + 1):
        assert deliver(system, record(body, received=received)) == ([0] if status is Status.FAILED else [])
        system.now.forward(1_000)
    assert system.store.get(before.order_id) == before
    assert system.fulfiller.asked == []


@pytest.mark.parametrize(("outcome", "stays", "end"), [(DONE, [], "FULFILLED"), (DECLINED, [0], "PENDING")])
def test_the_same_message_twice_in_a_batch_is_one_attempt(outcome, stays, end, system):
    system.fulfiller = Scripted(outcome)
    twice = record('{"order_id":"ord_pending"}')
    assert deliver(system, twice, dict(twice)) == stays
    assert (statuses(system)["ord_pending"], len(system.fulfiller.asked)) == (end, 1)


def test_a_batch_with_bad_messages_processes_the_good_one(system, logs):
    bodies = [*WITHOUT_ORDER.values(), '{"order_id":"ord_pending"}', '{"order_id":"ord_0"}', *WITHOUT_ORDER.values()]
    before = statuses(system)
    stays = deliver(system, *(record(body, number) for number, body in enumerate(bodies)))
    assert stays == [number for number in range(len(bodies)) if number != len(WITHOUT_ORDER)]
    assert statuses(system) == {**before, "ord_pending": "FULFILLED"}
    assert sum("PoisonMessage" in line for line in logs.lines) == 2 * len(WITHOUT_ORDER)
