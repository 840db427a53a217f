"""The interface of the operators' commands: over the API, or with access to AWS alone."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from service.cli.errors import CliError, ExitCode
from service.cli.render import escape
from service.orders.identity import is_id, is_name

PAGE_SIZE = 100  # the largest page of the API


class Backend(Protocol):
    """The operators' commands. Each method returns the JSON of the API's answer, or raises CliError."""

    def order(self, order_id: str) -> Any:
        """Return the order."""

    def orders(self, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        """Return a page of the orders that match the parameters of ``GET /orders``."""

    def cancel(self, order_id: str) -> Any:
        """Cancel the order, and return it."""

    def look(self, order_id: str) -> Any:
        """Ask the warehouse now about the order, and return it."""

    def give_up(self, order_id: str, note: str) -> Any:
        """Give up the order at the warehouse, and return it."""

    def failed_orders(self, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        """Return a page of failed orders: by ``reason``, from ``failed_after``, before ``failed_before``."""

    def failed_order(self, order_id: str) -> Any:
        """Return the failed order with its timeline."""

    def redrive(self, selection: Mapping[str, Any]) -> Any:
        """Redrive the orders that are named or that match, and return the outcome of each."""

    def stats(self) -> Any:
        """Return the statistics of the system."""

    def close(self) -> None:
        """Close the connections."""


def check_id(text: str) -> str:
    """Return the id of an order from the command line.

    Raises:
        CliError: the text is not a valid id.
    """
    if not is_id(text) or not text.strip("."):
        raise CliError(ExitCode.USAGE, f"{escape(text)[:80]!r} is not the id of an order.")
    return text


def check_name(option: str, text: str) -> str:
    """Return the id of a customer, or a reference, from an option.

    Raises:
        CliError: no order can have it.
    """
    if not is_name(text):
        raise CliError(
            ExitCode.USAGE,
            f"{option} takes 1 to 128 printable characters without white space at the ends, not '{escape(text)[:80]}'.",
        )
    return text


def paginate(
    get_page: Callable[[Mapping[str, str], int, Any], Any], name: str, query: Mapping[str, str], limit: int | None
) -> Iterator[Any]:
    """Iterate over the entries of a list, page by page.

    Args:
        get_page: returns a page, given the query, a limit and a cursor.
        name: the member of a page that holds the entries.
        query: the filter of the list.
        limit: the largest number of entries; None for all.
    """
    cursor, left = None, limit
    while left is None or left > 0:
        page = get_page(query, PAGE_SIZE if left is None else min(PAGE_SIZE, left), cursor)
        yield from page[name][:left]
        left = None if left is None else left - len(page[name])
        cursor = page["next_cursor"]
        if cursor is None:
            return
