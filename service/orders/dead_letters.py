"""Superseded messages in the dead-letter queue: nobody has to act on them any more."""

import logging

from service.orders import message
from service.orders.errors import UnreadableRow
from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.model import Order
from service.orders.ports import DeadLetter, System, error_name

log = logging.getLogger(__name__)

MOST_MESSAGES = 200
"""The most messages that one call examines."""

WITHOUT_MESSAGE = frozenset({Status.AT_WAREHOUSE, Status.FULFILLED, Status.CANCELLED})
"""Statuses that no message changes."""


def is_superseded(dead: DeadLetter, order: Order, system: System) -> bool:
    """Whether a message is superseded: its order needs none any more, or was redriven after this failure.

    An order at the warehouse, a FULFILLED one and a CANCELLED one need no message.

    A FAILED order becomes FULFILLED without a redrive if a look finds that the warehouse has shipped it. A message that
    was sent before a redrive can be the one on which the order failed again. Then it is the only message of that
    failure, and stays.

    Raises:
        PoisonMessage: its body names no order.
    """
    sent_in = message.read(dead.body).epoch
    if order.status in WITHOUT_MESSAGE:
        return True
    if sent_in >= order.epoch:
        return False
    failed = system.store.get_failed(order.order_id) if order.status in UNSUCCESSFUL else None
    return failed is None or failed.message_id not in (None, dead.message_id)


def remove_superseded(system: System) -> int:
    """Remove superseded messages from the dead-letter queue, so that the alarm on the other ones can clear.

    The reconciler removes messages that this call does not reach, or that arrive there later.

    Returns:
        How many messages were removed.
    """

    def is_unwanted(dead: DeadLetter) -> bool:
        try:
            order = system.store.get(message.read(dead.body).order_id)
            return order is not None and is_superseded(dead, order, system)
        except (message.PoisonMessage, UnreadableRow):
            return False

    try:
        return system.dead_letters.remove(is_unwanted, MOST_MESSAGES)
    except Exception as error:  # a leftover message does no harm
        log.warning("superseded dead-letter messages not removed (%s); the reconciler tries again", error_name(error))
        return 0
