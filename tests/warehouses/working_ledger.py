"""A ledger that works later, with a clock and a record of its events."""

from service.warehouses.ledger import Ledger
from service.warehouses.ledger_entries import Delivery, Event, Item
from service.warehouses.picking import Picking
from tests.warehouses.clock import Clock

ITEMS = [Item("1", "prod_456", 2), Item("2", "prod_789", 1)]
KEY = "ord_1-d1"


class WorkingLedger(Ledger):
    """By default, it accepts each delivery first, and ships it in three parcels, one each ten seconds."""

    def __init__(
        self, parcels: int = 3, accepted: float = 1, success_rate: float = 1, due: float | None = None
    ) -> None:
        self.clock = Clock()
        super().__init__("seed", success_rate, now=self.clock, picking=Picking(accepted, parcels, 10, due))
        self.events: list[Event] = []
        self.report = self.events.append

    def types(self) -> list[str]:
        """The types of all events until now."""
        self.advance()
        return [event.type for event in self.events]


def lines(delivery: Delivery) -> list[dict[str, int]]:
    """The lines of each parcel of a delivery."""
    return [dict(parcel.lines) for parcel in delivery.parcels]
