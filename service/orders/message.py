"""The message that has an order fulfilled: it names the order, and carries nothing of it.

The workflow's own message is ``{"order_id": …}``. One that is sent after a redrive also says how often the order was
redriven, so that a dead letter of before can be told from one of after without looking at any clock. The trace that the
order belongs to goes with it, where there is one.
"""

import json
from dataclasses import dataclass

from service.orders.identity import is_id
from service.orders.trace import valid_traceparent


class PoisonMessage(Exception):
    """The message's body names no order; it will end in the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Message:
    """An order, how often it had been redriven when the message was sent, and its trace."""

    order_id: str
    epoch: int = 0
    traceparent: str | None = None


def write(message: Message) -> str:
    """The body of a message."""
    epoch = {"epoch": message.epoch} if message.epoch else {}
    trace = {"traceparent": message.traceparent} if message.traceparent else {}
    return json.dumps({"order_id": message.order_id, **epoch, **trace})


def read(body: object) -> Message:
    """The message that a body is.

    Raises:
        PoisonMessage: it is none; what it says of the body quotes nothing.
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
