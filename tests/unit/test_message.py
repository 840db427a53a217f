"""A message names an order, and after a redrive how often that was redriven; anything else is poison."""

import json

import pytest

from service.orders.message import Message, PoisonMessage, read, write


def test_the_message_of_an_order_that_was_never_redriven_is_the_workflows_own():
    assert write(Message("ord_1")) == '{"order_id": "ord_1"}'
    assert read('{"order_id": "ord_1"}') == Message("ord_1", 0)


@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_what_is_written_is_read(epoch):
    assert read(write(Message("ord_1", epoch))) == Message("ord_1", epoch)


def test_what_else_a_message_carries_is_passed_over():
    assert read('{"order_id": "ord_1", "sent_by": "hand"}') == Message("ord_1")


@pytest.mark.parametrize(
    "body",
    [None, 5, "", "canary", "[]", "null", '"ord_1"', "{}", '{"order_id": 5}', '{"order_id": "canary canary"}']
    + [f'{{"order_id": "ord_1", "epoch": {epoch}}}' for epoch in ("-1", "1.0", "true", "null", '"1"', "[]")],
)
def test_a_body_that_is_no_message_is_poison_and_the_error_quotes_nothing_of_it(body):
    with pytest.raises(PoisonMessage) as poison:
        read(body)
    assert "canary" not in str(poison.value)


TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_message_carries_the_orders_trace():
    message = Message("ord_1", 2, TRACEPARENT)
    assert read(write(message)) == message


@pytest.mark.parametrize("other", ["canary", 5, None, [], {"canary": 1}, TRACEPARENT.upper()])
def test_what_is_no_trace_is_passed_over_and_the_order_is_not(other):
    assert read(json.dumps({"order_id": "ord_1", "traceparent": other})) == Message("ord_1")
