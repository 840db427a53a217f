"""The message to the fulfillment queue: it holds the order's id, and no content of the order.

The workflow's own message is ``{"order_id": …}``. A message that is sent after a redrive also holds
the order's epoch, so that an older message in the dead-letter queue is recognized without comparing clocks. The order's
trace is in the message, if it has one.
"""

import json
from dataclasses import dataclass

from service.orders.identity import is_id
from service.orders.trace import valid_traceparent


class PoisonMessage(Exception):
    """The message's body names no order; SQS will move it to the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Message:
    """An order's id, its epoch when the message was sent, and its trace."""

    order_id: str
    epoch: int = 0
    traceparent: str | None = None


def write(message: Message) -> str:
    """Write the body of a message."""
    epoch = {"epoch": message.epoch} if message.epoch else {}
    trace = {"traceparent": message.traceparent} if message.traceparent else {}
    return json.dumps({"order_id": message.order_id, **epoch, **trace})


def read(body: object) -> Message:
    """Read the body of a message.

    Raises:
        PoisonMessage: the body is not a message; the error does not quote it.
    """
    try:
        content = json.loads(body)  # type: ignore[arg-type]
        order_id, epoch = content["order_id"], content.get("epoch", 0)
        traceparent = valid_traceparent(content.get("traceparent"))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise PoisonMessage('the body is not {"order_id": …}') from None
    if not is_id(order_id):
        raise PoisonMessage("the body's order_id is not an id")
    if type(epoch) is not int or epoch < 0:
        raise PoisonMessage("the body's epoch is not a number of redrives")
    return Message(order_id, epoch, traceparent)
