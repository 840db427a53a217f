"""A warehouse with a configurable outcome, so that orders fail for each reason."""

import hashlib
import time
from dataclasses import dataclass
from enum import Enum, auto

from service.orders.model import Failure, FailureKind, Order
from service.orders.ports import Fulfilled, NotFulfilled


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

    def fulfill(self, order: Order, _seconds: float) -> Fulfilled | NotFulfilled:
        time.sleep(self.pace * hashlib.sha256(order.order_id.encode()).digest()[0] / 256)
        match self.mood:
            case Mood.SUCCEEDS:
                return Fulfilled()
            case Mood.SUCCEEDS_LATER if order.attempts > 1:
                return Fulfilled()
            case Mood.REFUSES:
                return NotFulfilled(Failure(FailureKind.REFUSED, "no carrier goes to this address"), permanent=True)
            case Mood.BREAKS:
                raise KeyError("weight")
        return NotFulfilled(Failure(FailureKind.DECLINED, "the warehouse is out of stock"))
