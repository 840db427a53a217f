"""Ports: the protocols through which the domain uses other services. Each has an adapter on AWS and one for tests.

Any method of a store, a queue or the workflow raises ``Unavailable`` when the service behind it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from service.orders.errors import UnreadableRow
from service.orders.lifecycle import Status
from service.orders.message import Message
from service.orders.metric import Metric
from service.orders.model import FailedOrder, FailureKind, Order, Write
from service.orders.policy import Policy
from service.orders.warehouse import Answer

if TYPE_CHECKING:  # an event that lists nothing does not load these
    from service.orders.brake import Brake
    from service.orders.counts import Depth, Ended, Tally
    from service.orders.listing import Listing
    from service.orders.paging import Page, Position, Span


class Unavailable(Exception):
    """A service behind a port does not answer, or refuses the call. The same call may succeed later.

    Adapters raise it for every failure of that service, with the failure as its cause. The message is for the log: it
    names the operation and the error code (``dynamodb PutItem: ThrottlingException``) and holds no data. ``throttled``:
    the service works, and refuses calls that come too fast.
    """

    def __init__(self, message: str = "", *, throttled: bool = False) -> None:
        super().__init__(message)
        self.throttled = throttled


def error_name(error: BaseException) -> str:
    """Name an error for a log line: by its message if that holds no data, else by its class."""
    return str(error) if isinstance(error, (Unavailable, UnreadableRow)) else type(error).__name__


class OrderExists(Exception):
    """Another write has created an order of this id."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"order {order.order_id} exists already")
        self.order = order


class TransitionRefused(Exception):
    """The guards of a transition did not hold. ``order`` is the stored order; None if there is none."""

    def __init__(self, write: Write, order: Order | None) -> None:
        found = f"is {order.status}, version {order.version}" if order else "does not exist"
        super().__init__(f"transition {write.name} was refused: order {write.order_id} {found}")
        self.write = write
        self.order = order


class OrderStore(Protocol):
    """Stores orders. ``create`` and ``apply`` are the only writes.

    A method that returns one order raises ``UnreadableRow`` if its row cannot be read. A list omits and reports it.
    """

    def create(self, order: Order) -> Order:
        """Write a RECEIVED order, unless there is an order of its id. A retry of the same write succeeds.

        Raises:
            OrderExists: another write has created an order of this id.
        """

    def apply(self, write: Write) -> Order:
        """Apply one transition if its guards hold at the moment of the write. A retry of the same write succeeds.

        Returns:
            The order after the write.

        Raises:
            TransitionRefused: the guards do not hold, or the order does not exist.
        """

    def get(self, order_id: str) -> Order | None:
        """Read an order, consistently: the result includes every write that finished before the call."""

    def list_orders(self, listing: Listing, limit: int, after: Position | None = None) -> Page[Order]:
        """List orders, newest first. A page may have fewer orders than ``limit``; only the last one has no ``next``."""

    def list_waiting(self, status: Status, before: datetime, page: int) -> Iterator[tuple[Order, ...]]:
        """List the orders in a state that were last updated before a time, the oldest first.

        Args:
            status: the state.
            before: the time.
            page: the most orders of one page. A page is read when it is asked for; it can be empty.
        """

    def get_failed(self, order_id: str) -> FailedOrder | None:
        """Read the order's row in the failed-orders table."""

    def failed_orders(
        self, kind: FailureKind | None, span: Span, limit: int, after: Position | None = None
    ) -> Page[FailedOrder]:
        """List the failed orders of one kind of failure, or of all kinds, that failed within a span, newest first."""

    def list_failed(self, kind: FailureKind, page: int) -> Iterator[tuple[Order, ...]]:
        """List the failed orders of one kind of failure, newest failure first, in pages as ``list_waiting`` does."""

    def tally(self, group: Status | FailureKind, most: int) -> Tally:
        """Count the orders in a state, or the failed orders of one kind of failure.

        Args:
            group: the state, or the kind of failure.
            most: maximum number of orders to count in each partition.
        """

    def list_ended(self, status: Status, since: datetime, most: int) -> Ended:
        """List the orders that reached a terminal state since a time, newest first.

        Args:
            status: the state.
            since: the beginning of the time span.
            most: maximum number of orders to read from each partition; if there are more, the span begins later.
        """

    def durations(self, order_ids: Sequence[str]) -> list[timedelta]:
        """The time of each of up to 100 orders from its creation to its last update."""

    def ready(self) -> None:
        """Check that the store answers.

        Raises:
            Unavailable: it does not.
        """


class FulfillmentQueue(Protocol):
    """Delivers order ids to fulfillment, at least once and in any order."""

    def send(self, message: Message) -> None:
        """Send one message."""

    def deliver_again(self, receipt_handle: str, delay: timedelta) -> None:
        """Deliver a received message again after a delay instead of the visibility timeout.

        Args:
            receipt_handle: the handle of the record, as it was received.
            delay: whole seconds, from now on.
        """

    def depth(self) -> Depth:
        """The approximate number of messages in the queue."""

    def ready(self) -> None:
        """Check that the queue answers.

        Raises:
            Unavailable: it does not.
        """


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message in the dead-letter queue."""

    message_id: str
    body: str


class DeadLetterQueue(Protocol):
    """The dead-letter queue. An alarm watches its depth, so a message is removed only after its order was redriven."""

    def peek(self) -> tuple[DeadLetter, ...]:
        """Read some of the messages, without hiding them from other readers."""

    def remove(self, unwanted: Callable[[DeadLetter], bool], most: int) -> int:
        """Examine up to ``most`` messages, and remove the unwanted ones.

        The other ones are hidden from other readers meanwhile, for a second or two.

        Returns:
            The number of messages that were removed.
        """

    def depth(self) -> Depth:
        """The approximate number of messages in the queue."""


class Workflow(Protocol):
    """Runs the order workflow."""

    def start(self, order_id: str, name: str, traceparent: str | None = None) -> bool:
        """Start an execution for an order.

        Args:
            order_id: the order; the execution's input holds its id alone.
            name: the execution's name. A STANDARD execution of one name runs once; an EXPRESS one at each start.
            traceparent: the order's trace; the execution passes it on.

        Returns:
            False if an execution of that name was started before.
        """

    def ready(self) -> None:
        """Check that the workflow service answers.

        Raises:
            Unavailable: it does not.
        """


class Fulfiller(Protocol):
    """The warehouse: picks, packs and ships.

    It knows a delivery by ``order.delivery_key``, and answers a repeated request with the delivery's present state. Any
    exception means that the outcome is unknown: the warehouse may have the delivery.
    """

    def ask(self, order: Order, seconds: float) -> Answer:
        """Ask for the order's present delivery. One call is one attempt.

        Args:
            order: the order as it was claimed.
            seconds: time that the call may take.

        Raises:
            OtherItems: the warehouse has the delivery with other items.
            Exception: any other error.
        """

    def look(self, order: Order, seconds: float) -> Answer:
        """Read the state of the order's present delivery. Arguments are those of ``ask``.

        Raises:
            Exception: any error; nothing is known.
        """

    def cancel(self, order: Order, seconds: float) -> Answer:
        """Ask the warehouse to cancel the order's present delivery. Arguments are those of ``ask``.

        After CANCELLED, the key is dead: a request under it that arrives later ships nothing.

        Returns:
            CANCELLED with all parcels of the delivery; CANCELLING; or else it is too late, and a look shows the state.

        Raises:
            Exception: any error; nothing is known.
        """


class BrakeStore(Protocol):
    """Stores the brake, one row that all processes share."""

    def read(self) -> Brake:
        """Read the row, consistently; a ``Brake()`` if there is none.

        Raises:
            Unavailable: the store does not answer.
        """

    def replace(self, brake: Brake) -> bool:
        """Write the row, if the stored version is one less than that of ``brake``.

        Returns:
            False if another process has changed it.

        Raises:
            Unavailable: the store does not answer.
        """


class Metrics(Protocol):
    """Records metrics, for dashboards and alarms."""

    def record(self, metric: Metric, value: int = 1, **dimensions: str) -> None:
        """Add to a count, or record a value.

        Args:
            metric: the metric.
            value: the number to add, or the value, in the metric's unit.
            dimensions: the value of the metric's own dimension, if it has one.
        """

    def flush(self) -> None:
        """Write the values that were recorded since the last flush. Never raises."""


class System(Protocol):
    """The ports and the policy together, as steps and routes receive them."""

    @property
    def policy(self) -> Policy: ...
    @property
    def store(self) -> OrderStore: ...
    @property
    def queue(self) -> FulfillmentQueue: ...
    @property
    def dead_letters(self) -> DeadLetterQueue: ...
    @property
    def workflow(self) -> Workflow: ...
    @property
    def fulfiller(self) -> Fulfiller: ...
    @property
    def brake(self) -> BrakeStore: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def cursor_key(self) -> bytes:
        """The key of this deployment that seals cursors.

        Raises:
            Unavailable: it cannot be read.
        """

    def is_from_warehouse(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the warehouse has signed a request. Without a warehouse over HTTP, no request is.

        Args:
            headers: the request's headers, with names in lower case.
            body: the body as it arrived.

        Raises:
            Unavailable: the secret cannot be read, so nobody can say.
        """

    @property
    def now(self) -> Callable[[], datetime]:
        """The present time in UTC, cut to the millisecond."""

    @property
    def new_id(self) -> Callable[[], str]:
        """A random id of 128 bits, as 32 hexadecimal digits."""
