"""A simulated warehouse inside the process."""

import time
from dataclasses import dataclass

from service.orders.model import Order
from service.orders.warehouse import Answer, State
from service.warehouses.decision import ships

DECLINED = "the simulated warehouse declined"


@dataclass(frozen=True, slots=True)
class SimulatedWarehouse:
    """Ships deliveries at a fixed success rate.

    The seed and the delivery determine the answer, so it needs no memory: a repeated request has the same answer, and
    a look shows it. ``latency`` is the duration of an attempt in seconds.
    """

    success_rate: float
    seed: str
    latency: float = 0

    def ask(self, order: Order, seconds: float) -> Answer:
        """Ship or decline the delivery.

        Raises:
            TimeoutError: the latency exceeds the time that is left.
        """
        if self.latency:
            time.sleep(max(0.0, min(self.latency, seconds)))
        if self.latency > seconds:
            raise TimeoutError(f"no answer in the {seconds:.1f} s that were left")
        return self.look(order, seconds)

    def look(self, order: Order, _seconds: float) -> Answer:
        if not order.asked:
            return Answer(State.NOT_FOUND)
        return Answer(State.SHIPPED) if self._ships(order) else Answer(State.DECLINED, DECLINED)

    def cancel(self, order: Order, _seconds: float) -> Answer:
        return Answer(State.SHIPPED if self._ships(order) else State.CANCELLED)

    def _ships(self, order: Order) -> bool:
        return ships(self.seed, self.success_rate, order.delivery_key)
