"""A warehouse with a configurable outcome, so that orders fail for each reason."""

import hashlib
import time
from dataclasses import dataclass
from enum import Enum, auto

from service.orders.model import Order
from service.orders.warehouse import Answer, State
from tests.warehouse_answers import TOO_LATE


class Mood(Enum):
    SUCCEEDS = auto()
    SUCCEEDS_LATER = auto()
    DECLINES = auto()
    REFUSES = auto()
    BREAKS = auto()


@dataclass
class Warehouse:
    """``pace`` is the maximum duration of an attempt in seconds. Each order has its own duration."""

    mood: Mood = Mood.SUCCEEDS
    pace: float = 0

    def ask(self, order: Order, _seconds: float) -> Answer:
        time.sleep(self.pace * hashlib.sha256(order.order_id.encode()).digest()[0] / 256)
        match self.mood:
            case Mood.SUCCEEDS:
                return Answer(State.SHIPPED)
            case Mood.SUCCEEDS_LATER if order.attempts > 1:
                return Answer(State.SHIPPED)
            case Mood.REFUSES:
                return Answer(State.REFUSED, "no carrier goes to this address")
            case Mood.BREAKS:
                raise KeyError("weight")
        return Answer(State.DECLINED, "the warehouse is out of stock")

    def look(self, _order: Order, _seconds: float) -> Answer:
        return Answer(State.NOT_FOUND)

    def cancel(self, _order: Order, _seconds: float) -> Answer:
        return TOO_LATE
