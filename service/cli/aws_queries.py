"""The filters of lists without the API, from the parameters that the API has for them."""

from collections.abc import Mapping
from typing import Any

from service.cli.errors import CliError, ExitCode
from service.orders.errors import ListingRefused
from service.orders.identity import ANONYMOUS
from service.orders.json_views import error_views
from service.orders.lifecycle import Status
from service.orders.listing import Listing, select_listing
from service.orders.model import FailureKind
from service.orders.paging import Span
from service.orders.timestamps import parse
from service.settings import Settings


def listing_of(query: Mapping[str, str], settings: Settings) -> Listing:
    """Return the listing of orders.

    Raises:
        CliError: no index has the list.
    """
    owner = query.get("owner")
    if owner is None and "reference" in query:
        if settings.api_auth != "none":
            raise CliError(
                ExitCode.USAGE,
                "With --aws, --reference needs --owner: two callers of the API may use the same reference. "
                "`dofs show` names the owner of an order.",
            )
        owner = ANONYMOUS
    listing = Listing(
        owner=owner,
        reference=query.get("reference"),
        customer_id=query.get("customer_id"),
        status=Status(query["status"]) if "status" in query else None,
    )
    created, updated = _span(query, "created"), _span(query, "updated")
    try:
        return select_listing(listing, created, updated, has_owner_index=settings.has_owner_index)
    except ListingRefused as refused:
        raise CliError(ExitCode.USAGE, "The list: no index has it.", error_views(refused.errors)) from None


def failures_of(query: Mapping[str, Any]) -> tuple[FailureKind | None, Span]:
    """Return the reason and the time span of failed orders."""
    return FailureKind(query["reason"]) if "reason" in query else None, _span(query, "failed")


def _span(query: Mapping[str, Any], time: str) -> Span:
    bounds = (f"{time}_after", f"{time}_before")
    return Span(*(parse(query[name]) if name in query else None for name in bounds))
