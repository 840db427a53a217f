"""When a dead letter has nothing left to say, and taking such ones out."""

import logging

from service.orders import message
from service.orders.lifecycle import Status
from service.orders.model import Order
from service.orders.ports import DeadLetter, System, error_name

log = logging.getLogger(__name__)

LETTERS = 200
"""Dead letters that are looked at for stale ones at a time."""


def is_stale(letter: DeadLetter, order: Order, system: System) -> bool:
    """Whether a dead letter tells of nothing but a failure that an operator has redriven since.

    A message of before the redrive can be the one on which its order failed anew, and may be the only one that is left.

    Raises:
        PoisonMessage: it tells of nothing.
    """
    if message.read(letter.body).epoch >= order.epoch:
        return False
    failed = system.store.failed(order.order_id) if order.status is Status.FAILED else None
    return failed is None or failed.message_id not in (None, letter.message_id)


def remove_stale(system: System) -> int:
    """Take dead letters out whose orders were redriven, so that the alarm on those that are left can clear.

    What this does not reach, or what dies only now, the reconciler takes out.

    Returns:
        How many were taken out.
    """

    def stale(letter: DeadLetter) -> bool:
        try:
            order = system.store.get(message.read(letter.body).order_id)
            return order is not None and is_stale(letter, order, system)
        except message.PoisonMessage:
            return False

    try:
        return system.dead_letters.remove(stale, LETTERS)
    except Exception as error:  # the orders are on their way; a letter too many harms none of them
        log.warning("stale dead letters not taken out (%s); the reconciler will try again", error_name(error))
        return 0
