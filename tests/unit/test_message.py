"""A message contains an order id, an epoch after a redrive, and a trace; any other body is a poison message."""

import json

import pytest

from service.orders.message import Message, PoisonMessage, read, write


def test_the_message_of_a_first_epoch_has_only_the_order_id():
    assert write(Message("ord_1")) == '{"order_id": "ord_1"}'
    assert read('{"order_id": "ord_1"}') == Message("ord_1", 0)


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_a_written_message_is_read_back(epoch):
    assert read(write(Message("ord_1", epoch))) == Message("ord_1", epoch)


def test_other_fields_of_a_message_are_ignored():
    assert read('{"order_id": "ord_1", "sent_by": "hand"}') == Message("ord_1")


@pytest.mark.parametrize(
    "body",
    [None, 5, "", "canary", "[]", "null", '"ord_1"', "{}", '{"order_id": 5}', '{"order_id": "canary canary"}']
    + [f'{{"order_id": "ord_1", "epoch": {epoch}}}' for epoch in ("-1", "1.0", "true", "null", '"1"', "[]")],
)
def test_an_invalid_body_is_poison_and_is_not_quoted_in_the_error(body):
    with pytest.raises(PoisonMessage) as poison:
        read(body)
    assert "canary" not in str(poison.value)


TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_message_contains_the_trace_of_its_order():
    message = Message("ord_1", 2, TRACEPARENT)
    assert read(write(message)) == message


@pytest.mark.parametrize("other", ["canary", 5, None, [], {"canary": 1}, TRACEPARENT.upper()])
def test_an_invalid_trace_in_a_message_is_ignored(other):
    assert read(json.dumps({"order_id": "ord_1", "traceparent": other})) == Message("ord_1")
