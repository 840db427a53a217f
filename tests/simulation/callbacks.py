"""The warehouse's events: on their way they can be lost, doubled, delayed and reordered; some are forged."""

from typing import TYPE_CHECKING

from service.orders.callbacks import Event, EventType, Verdict
from service.orders.shipments import Shipment
from service.orders.warehouse_events import WarehouseEvents
from tests.simulation.function import FunctionFailed
from tests.simulation.ports import Ports

if TYPE_CHECKING:
    from tests.simulation.world import World

TRIES = 10
"""How often an event is sent; one of a breach of the contract is sent until it is taken, because no look shows it."""
WAY = 300  # milliseconds; an event arrives within that time
DELAY = 1_200_000  # milliseconds; a delayed event arrives within that time


class Callbacks:
    """Sends events, each by an actor of its own."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.is_silent = world.happens("silent warehouse", world.profile.silent)
        """Whether the warehouse never calls back, so that only looks show what it did."""
        self.accepted_forgeries: list[str] = []

    def send(self, key: str, kind: EventType, shipment: Shipment | None) -> None:
        """Send an event; it can be lost, and can arrive twice."""
        world = self._world
        order_id, _, number = key.rpartition("-d")
        event = Event(kind, order_id, int(number), shipment)
        name = f"{world.label(order_id)}-d{number}/{kind}"
        in_breach = order_id in world.ledger.in_breach
        if self.is_silent and not in_breach:
            return
        fault, latency, detail = world.draw_fault("callback", f"callback/{name}")
        world.trace(f"callback/{name}", fault)
        if fault == "lost" and not in_breach:
            return
        wait = detail * DELAY if fault == "delayed" else WAY * latency
        world.spawn(self._deliver, event, wait, in_breach)
        if fault == "doubled":
            world.spawn(self._deliver, event, detail * DELAY, False)
        if fault == "forged":
            world.spawn(self._forge, event)

    def _deliver(self, event: Event, wait: float, until_taken: bool) -> None:
        """Send an event, and send it again while the answer is not 2xx."""
        world, tried = self._world, 0
        world.loop.sleep(wait)
        while until_taken or tried < TRIES:
            verdict = self._send_once(event)
            if verdict not in (None, Verdict.TOO_EARLY):
                world.trace(f"called back/{world.label(event.order_id)}", f"d{event.delivery} {event.type}: {verdict}")
                return
            world.loop.sleep(2_000 * 2 ** min(tried, 7))
            tried += 1

    def _send_once(self, event: Event) -> Verdict | None:
        """The verdict; None if there was no answer."""
        if self._world.is_down("function"):
            return None
        try:
            verdict, _ = self._world.function.run(lambda ports, _: self._take(event, ports))
        except FunctionFailed:
            return None
        answered: Verdict = verdict
        return answered

    def _take(self, event: Event, ports: Ports) -> Verdict:
        order = ports.get(event.order_id)
        return WarehouseEvents(ports).take(event, order) if order else Verdict.UNKNOWN

    def _forge(self, event: Event) -> None:
        """Send the event for a delivery that was never asked for, and for an order that there is not."""
        orders = self._world.tables.store.orders
        unknown = Event(event.type, "ord_nobody", event.delivery, event.shipment)
        later = Event(event.type, event.order_id, orders[event.order_id].delivery + 5, event.shipment)
        for forged in (unknown, later):
            if self._send_once(forged) not in (Verdict.UNKNOWN, None):
                self.accepted_forgeries.append(f"{forged.order_id}-d{forged.delivery}")
