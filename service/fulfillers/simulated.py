"""A simulated warehouse."""

import hashlib
import time
from dataclasses import dataclass

from service.orders.model import Failure, FailureKind, Order
from service.orders.ports import Fulfilled, NotFulfilled

DECLINED = "the simulated warehouse declined"


@dataclass(frozen=True, slots=True)
class SimulatedFulfiller:
    """Fulfills orders at a fixed success rate. The seed and the attempt determine each outcome.

    ``latency`` is the duration of an attempt in seconds.
    """

    success_rate: float
    seed: str
    latency: float = 0

    def fulfill(self, order: Order, seconds: float) -> Fulfilled | NotFulfilled:
        if self.latency:
            time.sleep(min(self.latency, seconds))
        if self.latency > seconds:
            return NotFulfilled(Failure(FailureKind.DECLINED, f"no answer in the {seconds:.1f} s that were left"))
        if succeeds(self.seed, self.success_rate, order.order_id, order.epoch, order.attempts):
            return Fulfilled()
        return NotFulfilled(Failure(FailureKind.DECLINED, DECLINED))


def succeeds(seed: str, success_rate: float, order_id: str, epoch: int, attempt: int) -> bool:
    """Return whether an attempt succeeds: whether a hash of it, as a fraction of one, is below the success rate."""
    digest = hashlib.sha256(f"{seed}\n{order_id}\n{epoch}\n{attempt}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> 11) / 2**53 < success_rate
