"""Ports: the protocols through which the domain uses other services. Each has an adapter on AWS and one for tests.

Any method of a store, a queue or the workflow raises ``Unavailable`` when the service behind it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from service.orders.lifecycle import Status
from service.orders.message import Message
from service.orders.metric import Metric
from service.orders.model import FailedOrder, Failure, FailureKind, Order, Write
from service.orders.policy import Policy

if TYPE_CHECKING:  # an event that lists nothing has no need of them
    from service.orders.counts import Depth, Ended, Tally
    from service.orders.paging import Page, Position, Span


class Unavailable(Exception):
    """A service behind a port does not answer, or refuses the call. The same call may succeed later.

    Adapters raise it for every failure of that service, with the failure as its cause. The message is for the log: it
    names the operation and the error code (``dynamodb PutItem: ThrottlingException``) and holds no data.
    """


def error_name(error: BaseException) -> str:
    """Name an error for a log line: ``Unavailable`` by its message, others by their class, since they may hold data."""
    return str(error) if isinstance(error, Unavailable) else type(error).__name__


class OrderExists(Exception):
    """``create`` met an order of the same id that another write had put there."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"order {order.order_id} exists already")
        self.order = order


class TransitionRefused(Exception):
    """The guards of a transition did not hold. ``order`` is what stood there instead; None if there is none."""

    def __init__(self, write: Write, order: Order | None) -> None:
        found = f"is {order.status}, version {order.version}" if order else "does not exist"
        super().__init__(f"transition {write.name} was refused: order {write.order_id} {found}")
        self.write = write
        self.order = order


class OrderStore(Protocol):
    """Keeps orders. Every change of an order goes through ``create`` or ``apply``."""

    def create(self, order: Order) -> Order:
        """Write a RECEIVED order, if there is none of its id.

        Raises:
            OrderExists: there is one that another write put there. Meeting the same write again is no conflict.
        """

    def apply(self, write: Write) -> Order:
        """Apply one transition, if its guards hold at that moment; returns the order as it is then.

        A write whose response was lost and that is sent again meets its own work and succeeds.

        Raises:
            TransitionRefused: the guards do not hold, or the order does not exist.
        """

    def get(self, order_id: str) -> Order | None:
        """The order as of the last write that finished before the call."""

    def by_customer(self, customer_id: str, limit: int, after: Position | None = None) -> Page[Order]:
        """A customer's orders, newest first."""

    def by_status(self, status: Status, limit: int, after: Position | None = None) -> Page[Order]:
        """The orders that stand in one state, the most lately changed first."""

    def waiting(self, status: Status, before: datetime, limit: int) -> tuple[Order, ...]:
        """Up to ``limit`` orders that have stood unchanged in a state since ``before``, the longest first."""

    def failed(self, order_id: str) -> FailedOrder | None:
        """The order's row among the failed orders."""

    def failed_orders(
        self, kind: FailureKind | None, span: Span, limit: int, after: Position | None = None
    ) -> Page[FailedOrder]:
        """The failed orders of one kind of failure, or of all, that failed within a span; the newest first."""

    def tally(self, what: Status | FailureKind, most: int) -> Tally:
        """How many orders stand in a state, or among the failed ones by a kind of failure.

        Args:
            what: the state, or the kind.
            most: how many of each partition are counted, at most.
        """

    def ended(self, status: Status, since: datetime, most: int) -> Ended:
        """The orders that have stood in a terminal state since a time within a span that ends now, the newest first.

        Args:
            status: the state.
            since: where the span begins.
            most: how many of each partition are looked at, at most; the span begins later when there are more.
        """

    def durations(self, order_ids: Sequence[str]) -> list[timedelta]:
        """How long each of up to 100 orders took, from its creation to its last change."""

    def ready(self) -> None:
        """Check that the store answers.

        Raises:
            Unavailable: it does not.
        """


class FulfillmentQueue(Protocol):
    """Carries order ids to fulfillment, at least once, in no order."""

    def send(self, message: Message) -> None:
        """Put one message on the queue."""

    def depth(self) -> Depth:
        """How many messages are on the queue, about."""

    def ready(self) -> None:
        """Check that the queue answers.

        Raises:
            Unavailable: it does not.
        """


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that the queue gave up."""

    message_id: str
    body: str


class DeadLetterQueue(Protocol):
    """Holds the messages that the queue gave up: the alarm's signal, so one goes only when its order was redriven."""

    def peek(self) -> tuple[DeadLetter, ...]:
        """Some of the messages; each stays where it is, visible to everybody else."""

    def remove(self, unwanted: Callable[[DeadLetter], bool], most: int) -> int:
        """Look at up to ``most`` messages, and take out those that are unwanted; how many that were.

        Those that stay are hidden from others meanwhile, for a second or two.
        """

    def depth(self) -> Depth:
        """How many messages are there, about."""


class Workflow(Protocol):
    """Runs the order workflow."""

    def start(self, order_id: str, name: str, traceparent: str | None = None) -> bool:
        """Start an execution for an order.

        Args:
            order_id: the order, which is all of it that the execution carries.
            name: the execution's name; one name runs once, or as often as it is started if the type is EXPRESS.
            traceparent: the trace that the order belongs to; the execution carries it on.

        Returns:
            False when an execution of that name was started before.
        """

    def ready(self) -> None:
        """Check that the workflow service answers.

        Raises:
            Unavailable: it does not.
        """


@dataclass(frozen=True, slots=True)
class Fulfilled:
    """The attempt succeeded."""


@dataclass(frozen=True, slots=True)
class NotFulfilled:
    """The attempt did not succeed; a ``permanent`` failure will not succeed in any other attempt either."""

    failure: Failure
    permanent: bool = False


class Fulfiller(Protocol):
    """Does the work outside: picks, packs and ships. One call is one attempt."""

    def fulfill(self, order: Order, seconds: float) -> Fulfilled | NotFulfilled:
        """Try to fulfill an order.

        Args:
            order: the order, claimed. An attempt whose success could not be written down is made again, under another
                number: who ships must take ``(order_id, epoch)`` as one and the same delivery.
            seconds: how long the attempt may take.

        Raises:
            Exception: anything; it counts as a failed attempt that may be tried again.
        """


class Metrics(Protocol):
    """Measures what happens, for dashboards and alarms."""

    def record(self, metric: Metric, value: int = 1, **dimensions: str) -> None:
        """Add to a count, or give a measure one more value.

        Args:
            metric: what is measured.
            value: how much is added, or the value, in the metric's unit.
            dimensions: a value for the metric's own dimension, if it has one.
        """

    def flush(self) -> None:
        """Write down what was recorded since the last time. Never raises."""


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
    def metrics(self) -> Metrics: ...
    @property
    def now(self) -> Callable[[], datetime]:
        """The time, in UTC, cut to the millisecond."""

    @property
    def new_id(self) -> Callable[[], str]:
        """128 bits of randomness as 32 hexadecimal digits."""
