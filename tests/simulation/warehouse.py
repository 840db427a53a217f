"""A warehouse that is no part of the system: it ships by its own ledger, and keeps its contract."""

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from service.orders.lines import asked_for
from service.orders.model import Order
from service.orders.shipments import Lines
from service.orders.warehouse import Answer, State
from service.warehouses.decision import ships
from tests.simulation.loop import Crash
from tests.warehouse_answers import CANCELLED, TOO_LATE

if TYPE_CHECKING:
    from tests.simulation.ports import Ports

LATE = 300_000  # milliseconds; a request that was given up takes effect within that time

CLOSED = "closed"
"""The fault of every request while the warehouse takes nothing."""


def is_poison(order: Order) -> bool:
    """Whether an order kills every process that asks the warehouse for it."""
    return '"poison"' in order.submission


class NoAnswer(ConnectionError):
    """The request or its answer was lost."""


class Ledger:
    """The deliveries that the warehouse knows, by their keys."""

    def __init__(self, seed: str, success_rate: float) -> None:
        self.seed, self.success_rate = seed, success_rate
        self.deliveries: dict[str, State] = {}

    def ask(self, key: str, _lines: Lines = (), *, refuse: bool = False) -> Answer:
        """Take a request: ship, decline or refuse a new delivery; repeat the answer about a known one."""
        shipped = ships(self.seed, self.success_rate, key)
        first = State.REFUSED if refuse else State.SHIPPED if shipped else State.DECLINED
        return Answer(self.deliveries.setdefault(key, first))

    def look(self, key: str) -> Answer:
        return Answer(self.deliveries.get(key, State.NOT_FOUND))

    def cancel(self, key: str) -> Answer:
        """Cancel a delivery; an unknown one too, so that a request that arrives later ships nothing."""
        state = self.deliveries.setdefault(key, State.CANCELLED)
        return CANCELLED if state is State.CANCELLED else TOO_LATE

    def parcels(self) -> dict[str, int]:
        """The number of parcels of each order."""
        found: dict[str, int] = defaultdict(int)
        for key, state in self.deliveries.items():
            found[key.rpartition("-d")[0]] += state is State.SHIPPED
        return found


class Warehouse:
    """The way to the warehouse: requests and answers can be lost, late or slow."""

    def __init__(self, ports: "Ports") -> None:
        self._ports = ports

    def ask(self, order: Order, seconds: float) -> Answer:
        world, key = self._ports.world, order.delivery_key
        fault, detail = self._travel("attempt", order, seconds)
        if is_poison(order):
            world.poisoned.add(self._ports.invocation.name)
            raise Crash
        if fault in ("not taken", CLOSED) or world.is_unwanted(order.order_id):
            return Answer(State.NOT_TAKEN)
        if fault == "arrives later":
            world.loop.at(world.loop.now + detail * LATE, partial(world.ledger.ask, key, asked_for(order)))
        if fault in ("lost", "arrives later"):
            raise NoAnswer
        answer = world.ledger.ask(key, asked_for(order), refuse=fault == "refuses")
        if fault == "answer lost":
            raise NoAnswer
        return answer

    def look(self, order: Order, seconds: float) -> Answer:
        fault, _ = self._travel("look", order, seconds)
        if fault == "lost":
            raise NoAnswer
        return Answer(State.NOT_TAKEN) if fault == CLOSED else self._ports.world.ledger.look(order.delivery_key)

    def cancel(self, order: Order, seconds: float) -> Answer:
        fault, _ = self._travel("cancellation", order, seconds)
        if fault == "lost":
            raise NoAnswer
        answer = self._ports.world.ledger.cancel(order.delivery_key)
        if fault == "answer lost":
            raise NoAnswer
        return answer

    def _travel(self, kind: str, order: Order, seconds: float) -> tuple[str | None, float]:
        world = self._ports.world
        name = f"{kind}/{world.label(order.order_id)}"
        fault, latency, detail = world.draw_fault(kind, name)
        world.trace(name, fault)
        world.loop.sleep(detail * 2_000 * seconds if fault == "slow" else 50 + 200 * latency)
        return CLOSED if world.is_down("warehouse") else fault, detail
