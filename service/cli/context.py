"""What the global options make of a command: where it works, as whom, and how it writes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from service.cli.errors import CliError, ExitCode
from service.cli.render import Output, plain
from service.orders.identity import is_id

if TYPE_CHECKING:
    from service.cli.aws_backend import AwsBackend
    from service.cli.http_api import ApiEndpoint

PAGE = 100  # the most that the API shows at a time


class Backend(Protocol):
    """The operators' commands, over the API or directly. Each returns the API's JSON, or raises CliError."""

    def order(self, order_id: str) -> Any:
        """The order."""

    def orders(self, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        """A page of the orders of a ``customer_id`` or a ``status``."""

    def cancel(self, order_id: str) -> Any:
        """Cancel the order; the order as it is then."""

    def failed_orders(self, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        """A page of failed orders, of a ``reason``, from ``failed_after``, before ``failed_before``."""

    def failed_order(self, order_id: str) -> Any:
        """The failed order with its story."""

    def redrive(self, selection: Mapping[str, Any]) -> Any:
        """Redrive the orders that are named or that match; what came of each."""

    def stats(self) -> Any:
        """How the system does."""

    def close(self) -> None:
        """Close its connections."""


@dataclass(frozen=True)
class CommandContext:
    """The global options."""

    url: str
    api_key: str | None
    token: str | None
    sigv4: bool
    region: str | None
    aws: bool
    function: str
    output: Output

    @cached_property
    def endpoint(self) -> "ApiEndpoint":
        """The API; for commands that no operator's access to AWS can stand in for.

        Raises:
            CliError: ``--aws`` was given.
        """
        from service.cli.http_api import ApiEndpoint

        if self.aws:
            raise CliError(
                ExitCode.USAGE, "Orders are submitted to the API, never past it: leave --aws away and give --api."
            )
        return ApiEndpoint(url=self.url, api_key=self.api_key, token=self.token, sigv4=self.sigv4, region=self.region)

    @cached_property
    def backend(self) -> Backend:
        """Where operators' commands work."""
        if self.aws:
            return self.aws_backend
        from service.cli.api import Api

        return Api(self.endpoint)

    @cached_property
    def aws_backend(self) -> "AwsBackend":
        """The deployment by its own resources."""
        from service.cli.aws_backend import AwsBackend

        return AwsBackend(self.function, self.region)

    def close(self) -> None:
        """Close what was opened."""
        if "backend" in self.__dict__:
            self.backend.close()


def checked_id(written: str, what: str = "an order") -> str:
    """An id from the command line.

    Raises:
        CliError: it can be no id at all.
    """
    if not is_id(written) or not written.strip("."):
        raise CliError(ExitCode.USAGE, f"{plain(written)[:80]!r} is not the id of {what}.")
    return written


def paged(pages: Any, name: str, query: Mapping[str, str], limit: int | None) -> Iterator[Any]:
    """The entries of a list, page by page.

    Args:
        pages: what reads a page of it, given the query, a limit and a cursor.
        name: the list's name in an answer.
        query: what is listed.
        limit: entries to stop after; None for all.
    """
    cursor, left = None, limit
    while left is None or left > 0:
        page = pages(query, PAGE if left is None else min(PAGE, left), cursor)
        yield from page[name][:left]
        left = None if left is None else left - len(page[name])
        cursor = page["next_cursor"]
        if cursor is None:
            return
