"""A message names an order, and after a redrive how often that was redriven; anything else is poison."""

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
