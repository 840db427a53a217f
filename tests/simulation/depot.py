"""A warehouse that takes its time: it accepts deliveries, ships them in parcels later, and calls back.

It ships by its own ledger, and keeps its contract, but for a rare breach: it ships under a key that it has ended.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from service.orders.callbacks import EventType
from service.orders.shipments import Lines, Shipment, shipped
from service.orders.warehouse import Answer, OtherItems, State
from tests.simulation.profiles import MINUTE
from tests.support import START

if TYPE_CHECKING:
    from tests.simulation.world import World

LONGEST_STEP = 20 * MINUTE
"""The longest time until the warehouse does something about a delivery."""
LONGEST_WORK = 5 * MINUTE
"""The time by which the warehouse says that it has ended a delivery. It often needs longer."""
EVENTS = {
    State.REFUSED: EventType.REFUSED,
    State.CLOSED: EventType.CLOSED,
    State.CANCELLED: EventType.CANCELLED,
}
"""The events of ends. Nothing tells that a delivery was declined."""


@dataclass(slots=True)
class Delivery:
    """One delivery, as the warehouse knows it. It was never asked for ``lines`` if these are empty."""

    lines: Lines
    state: State
    due_at: int = 0
    shipments: list[Shipment] = field(default_factory=list)
    cancellation: str = ""
    """``asked`` while the warehouse tries to cancel it, then ``refused`` if it does not."""

    def rest(self) -> Lines:
        sent = shipped(self.shipments)
        return tuple((line, quantity - sent[line]) for line, quantity in self.lines if quantity > sent[line])


class Depot:
    """The deliveries that the warehouse knows, by their keys."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.deliveries: dict[str, Delivery] = {}
        self.conflicts: list[str] = []
        """The keys that were asked for again with other lines."""
        self.in_breach: dict[str, set[tuple[int, str]]] = {}
        """The parcels that it has shipped under keys that it had ended, by their orders."""

    def ask(self, key: str, lines: Lines, *, refuse: bool = False) -> Answer:
        """Take a request: decide about a new delivery; repeat the answer about a known one.

        Raises:
            OtherItems: the key is known with other lines.
        """
        known = self.deliveries.get(key)
        if known is None:
            self._take(key, lines, refuse=refuse)
        elif known.lines and known.lines != lines:
            self.conflicts.append(key)
            raise OtherItems(key)
        return self.look(key)

    def _take(self, key: str, lines: Lines, *, refuse: bool) -> None:
        delivery = self.deliveries[key] = Delivery(lines, State.ACCEPTED)
        if refuse or self._happens("declines", key, 0.12):
            self._end(key, State.REFUSED if refuse else State.DECLINED)
        elif self._happens("accepts", key, self._world.profile.accepts):
            early = self._happens("due early", key, 0.3)
            delivery.due_at = self._world.loop.now + (LONGEST_WORK if early else 10 * LONGEST_STEP)
            self._tell(key, EventType.ACCEPTED)
            self._schedule(key)
        elif self._is_divisible(key) and self._happens("closes at once", key, 0.1):
            self._ship(key, part=True)
            self._end(key, State.CLOSED)
        else:
            self._ship(key, part=False)

    def look(self, key: str) -> Answer:
        """The state of a delivery, with all of its parcels."""
        known = self.deliveries.get(key)
        if known is None:
            return Answer(State.NOT_FOUND)
        due = START + timedelta(milliseconds=known.due_at) if known.state is State.ACCEPTED else None
        return Answer(known.state, shipments=tuple(known.shipments), due_at=due)

    def cancel(self, key: str) -> Answer:
        """Cancel a delivery, try it, or refuse it. One that is unknown is cancelled: later requests ship nothing."""
        known = self.deliveries.setdefault(key, Delivery((), State.CANCELLED))
        if known.state is State.ACCEPTED and known.cancellation != "refused":
            if self._happens("cancels", key, 0.4):
                self._end(key, State.CANCELLED)
            elif known.cancellation or self._happens("tries to cancel", key, 0.5):
                known.cancellation = "asked"
                return Answer(State.CANCELLING)
            else:
                known.cancellation = "refused"
        return self.look(key)

    def parcels(self) -> dict[str, list[Shipment]]:
        """The parcels of each order."""
        found: dict[str, list[Shipment]] = {}
        for key, delivery in self.deliveries.items():
            found.setdefault(key.rpartition("-d")[0], []).extend(delivery.shipments)
        return found

    def _schedule(self, key: str) -> None:
        after = self._world.rng.between(f"works/{self._label(key)}", 0, 1) ** 3 * LONGEST_STEP
        self._world.loop.at(self._world.loop.now + after, lambda: self._work(key))

    def _work(self, key: str) -> None:
        """Ship a parcel, end the delivery, or decide about its cancellation."""
        known = self.deliveries[key]
        if known.state is not State.ACCEPTED:
            return
        if known.cancellation == "asked":
            if self._happens("is cancelled", key, 0.6):
                self._end(key, State.CANCELLED)
                return
            known.cancellation = "refused"
            self._tell(key, EventType.CANCEL_REFUSED)
        if self._is_divisible(key) and self._happens("a part", key, 0.5):
            self._ship(key, part=True)
            if self._happens("two at once", key, 0.3):
                self._ship(key, part=False)
            self._schedule(key)
        elif self._happens("closes", key, 0.2):
            self._end(key, State.CLOSED)
        elif not known.shipments and self._happens("refuses late", key, 0.1):
            self._end(key, State.DECLINED if self._happens("not now", key, 0.4) else State.REFUSED)
        else:
            self._ship(key, part=False)

    def _is_divisible(self, key: str) -> bool:
        return sum(quantity for _, quantity in self.deliveries[key].rest()) > 1

    def _ship(self, key: str, *, part: bool) -> Shipment:
        """Ship one unit, or all that is left."""
        known, number = self.deliveries[key], int(key.rpartition("-d")[2])
        lines = ((known.rest()[0][0], 1),) if part else known.rest()
        shipment = Shipment(delivery=number, id=f"p{len(known.shipments) + 1}", lines=lines)
        known.shipments.append(shipment)
        if known.state is State.ACCEPTED and not known.rest():
            known.state = State.SHIPPED
        self._world.trace(f"ships/{self._label(key)}", lines)
        self._tell(key, EventType.SHIPPED, shipment)
        return shipment

    def _end(self, key: str, state: State) -> None:
        known = self.deliveries[key]
        known.state = state
        self._world.trace(f"ends/{self._label(key)}", state)
        if state in EVENTS:
            self._tell(key, EVENTS[state])
        if known.rest() and self._happens("breach", key, self._world.profile.breach):
            after = self._world.rng.between(f"breach/{self._label(key)}", 0, LONGEST_STEP)
            self._world.loop.at(self._world.loop.now + after, lambda: self._breach(key))

    def _breach(self, key: str) -> None:
        parcels = self.in_breach.setdefault(key.rpartition("-d")[0], set())
        parcels.add(self._ship(key, part=False).key)

    def _tell(self, key: str, kind: EventType, shipment: Shipment | None = None) -> None:
        self._world.callbacks.send(key, kind, shipment)

    def _happens(self, what: str, key: str, rate: float) -> bool:
        return self._world.happens(f"{what}/{self._label(key)}", rate)

    def _label(self, key: str) -> str:
        order_id, _, number = key.rpartition("-d")
        return f"{self._world.label(order_id)}-d{number}"
