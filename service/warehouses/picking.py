"""How a simulated warehouse picks a delivery: at once or later, and in how many parcels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.orders.warehouse import State
from service.warehouses.decision import draw
from service.warehouses.ledger_entries import Item


@dataclass(frozen=True, slots=True)
class Picking:
    """The rules of the work.

    Args:
        accepted: share of the deliveries that are accepted first, and worked on later.
        parcels: the most parcels of a delivery, from 1. A delivery of fewer units has one parcel for each.
        seconds: the time until an accepted delivery ships its first parcel, and between its parcels.
        due_seconds: the time from the receipt of an accepted delivery until it is due; None names no time.
    """

    accepted: float = 0
    parcels: int = 1
    seconds: float = 1
    due_seconds: float | None = None

    def accepts_first(self, seed: str, key: str) -> bool:
        """Return whether a delivery is accepted first. The seed and the key determine it."""
        return draw(seed, "accepted", key) < self.accepted

    def split(self, seed: str, key: str, items: Sequence[Item], end: State) -> list[Mapping[str, int]]:
        """Divide the units that are shipped of a delivery among parcels of nearly equal size.

        Args:
            seed: seed of the decisions.
            key: the delivery key.
            items: the lines of the delivery, in the order in which they are picked.
            end: the state in which the delivery ends. One that is closed short ships at least one unit, and not all.

        Returns:
            The quantity of each line in each parcel. No parcel is empty.
        """
        units = count_units(items)
        if end is State.CLOSED:
            units = 1 + (units - 1) * int(1000 * draw(seed, "units", key)) // 1000  # of whole numbers, of any size
        elif end is not State.SHIPPED:
            return []
        count = min(self.parcels, units)
        ends = [units * number // count for number in range(1, count + 1)]
        parcels: list[dict[str, int]] = [{} for _ in ends]
        picked, parcel = 0, 0
        for item in items:
            left = min(item.quantity, units - picked)
            while left:
                taken = min(left, ends[parcel] - picked)
                parcels[parcel][item.line_id] = taken
                picked, left = picked + taken, left - taken
                parcel += picked == ends[parcel]
        return [*parcels]


AT_ONCE = Picking()
"""All of a delivery is shipped at once in one parcel."""


def count_units(items: Sequence[Item]) -> int:
    """Return the sum of the quantities."""
    return sum(item.quantity for item in items)
