"""Which orders a list has, and by which time they are sorted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from service.orders.errors import ListingRefused
from service.orders.lifecycle import Status
from service.orders.model import FieldError, Order
from service.orders.paging import ALWAYS, MOST_READ, Span

Stamp = Literal["created_at", "updated_at"]
OWNER_BYTES = 1024
"""Of an owner. A key of DynamoDB has at most 2,048 bytes, and one key has an owner and a reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The orders that match every given field, the newest first; all orders without a field.

    A store reads one index for a list: that of the first given field, and omits orders that do not match the others.

    Args:
        owner: the caller who submitted them.
        reference: the shop's order number; only together with ``owner``.
        customer_id: the customer.
        status: the state.
        span: the time span of their ``sorted_by``: creation or last update.
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

    @property
    def is_filtered(self) -> bool:
        """Whether the index of the list has orders that do not match it."""
        if self.sorted_by == "updated_at":
            return False
        return self.status is not None or None not in (self.owner, self.customer_id)

    def keys_to_read(self, limit: int) -> int:
        """The number of keys to read for a page, so that a page with few matching orders ends after a bounded work."""
        return MOST_READ if self.is_filtered else limit

    def __contains__(self, order: Order) -> bool:
        return (
            self.owner in (None, order.owner)
            and self.reference in (None, order.reference)
            and self.customer_id in (None, order.customer_id)
            and self.status in (None, order.status)
            and getattr(order, self.sorted_by) in self.span
        )


def select_listing(listing: Listing, created: Span, updated: Span, *, has_owner_index: bool) -> Listing:
    """Return the listing within the span of the time by which it is sorted.

    Args:
        listing: the listing without a span.
        created: when the orders were created.
        updated: when the orders were last updated.
        has_owner_index: whether the orders table has the index ``by-owner``.

    Raises:
        ListingRefused: no index has the list.
    """
    if listing.owner is not None and listing.reference is None and not has_owner_index:
        detail = "needs a reference, too: only a deployment with api_auth = cognito has an index of owners"
        raise ListingRefused((FieldError("owner", detail),))
    time, other = ("created", "updated") if listing.sorted_by == "created_at" else ("updated", "created")
    span, wrong = (created, updated) if time == "created" else (updated, created)
    reason = f"cannot be given, because the list is sorted by {listing.sorted_by}; give {time}"
    bounds = {"after": wrong.start, "before": wrong.end}
    errors = [FieldError(f"{other}_{name}", f"{reason}_{name}") for name, bound in bounds.items() if bound]
    if errors:
        raise ListingRefused(tuple(errors))
    return replace(listing, span=span)
