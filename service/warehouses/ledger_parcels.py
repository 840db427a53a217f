"""The parcels of a simulated warehouse's ledger, and the lines of which more was shipped than ordered."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from service.warehouses.ledger_entries import Delivery, Doubled, Parcel, select_before


class Parcels:
    """All parcels of a ledger. Its ledger must be locked during each call.

    Args:
        seed: seed of the tracking numbers.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._parcels: list[Parcel] = []
        self._ordered: dict[tuple[str, str], int] = {}
        self._shipped: dict[tuple[str, str], list[Parcel]] = {}
        self._doubled: dict[tuple[str, str], None] = {}

    def __len__(self) -> int:
        return len(self._parcels)

    def expect(self, delivery: Delivery) -> None:
        """Remember the quantities of a new delivery. Those of an order's first delivery count."""
        for item in delivery.items:
            self._ordered.setdefault((delivery.order_id, item.line_id), item.quantity)

    def ship(self, delivery: Delivery, lines: Mapping[str, int], at: datetime) -> Parcel:
        """Add the next parcel of a delivery, and return it."""
        key, number = delivery.key, len(delivery.parcels) + 1
        tracking = hashlib.sha256(f"{self._seed}\n{key}\n{number}".encode()).hexdigest()[:12].upper()
        parcel = Parcel(len(self._parcels) + 1, key, f"s{number}", tracking, at, lines)
        self._parcels.append(parcel)
        for line_id in lines:
            line = (delivery.order_id, line_id)
            self._shipped.setdefault(line, []).append(parcel)
            if sum(each.lines[line_id] for each in self._shipped[line]) > self._ordered[line]:
                self._doubled[line] = None
        return parcel

    def read(self, limit: int, before: int | None) -> tuple[Parcel, ...]:
        """Read up to ``limit`` parcels with a number below ``before``, newest first."""
        return tuple(select_before(self._parcels, before, limit))

    def count_doubled_orders(self) -> int:
        """Count the orders with a line of which more was shipped than ordered."""
        return len({order_id for order_id, _ in self._doubled})

    def find_doubled(self, limit: int | None = None) -> tuple[Doubled, ...]:
        """List the lines of which more was shipped than ordered, newest first; by default, all of them."""
        lines = select_before(list(self._doubled), None, len(self._doubled) if limit is None else limit)
        return tuple(Doubled(*line, self._ordered[line], tuple(self._shipped[line])) for line in lines)
