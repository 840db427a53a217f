"""Which orders a list has, and by which time they are sorted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from service.orders.lifecycle import Status
from service.orders.model import Order
from service.orders.paging import ALWAYS, Span

Stamp = Literal["created_at", "updated_at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The orders that match every given field, the newest first; all orders without a field.

    A store reads one index for a list: that of the first given field, and omits orders that do not match the others.

    Args:
        owner: the caller who submitted them.
        reference: the shop's order number; only together with ``owner``.
        customer_id: the customer.
        status: the state.
        span: the time span within which they were created, or updated: whatever ``sorted_by`` says.
    """

    owner: str | None = None
    reference: str | None = None
    customer_id: str | None = None
    status: Status | None = None
    span: Span = ALWAYS

    @property
    def sorted_by(self) -> Stamp:
        """The time by which the orders are sorted. Lists by state, and of all orders, are sorted by change."""
        return "updated_at" if self.owner is None and self.customer_id is None else "created_at"

    @property
    def statuses(self) -> Iterator[Status]:
        """The states of the orders."""
        return iter(Status if self.status is None else (self.status,))

    def __contains__(self, order: Order) -> bool:
        return (
            self.owner in (None, order.owner)
            and self.reference in (None, order.reference)
            and self.customer_id in (None, order.customer_id)
            and self.status in (None, order.status)
        )
