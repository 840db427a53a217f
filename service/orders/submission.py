"""Taking an order in: the row comes first, then the workflow is started.

Once ``submit`` returns, the order is durable. If its workflow could not be started, the reconciler starts it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.orders import strict_json, validation
from service.orders.identity import order_id_for
from service.orders.launch import start
from service.orders.lifecycle import Status
from service.orders.metric import Metric
from service.orders.model import FieldError, Order, TimelineEntry
from service.orders.ports import OrderExists, System


class OrderInvalid(Exception):
    """The submitted document is not a valid order; ``errors`` says everything that is wrong with it."""

    def __init__(self, errors: tuple[FieldError, ...], order_id: str | None = None) -> None:
        named = f"order {order_id}" if order_id else "the order"
        super().__init__(f"{named} is not valid; field errors: {len(errors)}")
        self.errors = errors


class KeyReused(Exception):
    """The idempotency key was used before, for another order."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What arrived with a request to submit an order."""

    document: Any
    owner: str
    lenient: bool = False
    idempotency_key: str | None = None
    traceparent: str | None = None


def submit(submission: Submission, system: System) -> tuple[Order, bool]:
    """Take an order in.

    Args:
        submission: the document, who sends it, and how.
        system: the ports.

    Returns:
        The order as it was received, and whether this was a replay of an earlier submission by its idempotency key.

    Raises:
        OrderInvalid: the document is not a valid order (or, when lenient, not a JSON object); nothing is stored.
        KeyReused: the idempotency key belongs to another order.
    """
    verdict = validation.validate(submission.document)
    if verdict.errors and not (submission.lenient and isinstance(submission.document, dict)):
        system.metrics.record(Metric.SUBMISSIONS_REFUSED)
        raise OrderInvalid(verdict.errors)
    content = verdict.document if verdict.document is not None else submission.document
    order = received(
        content,
        order_id=order_id_for(submission.owner, submission.idempotency_key, system.new_id),
        owner=submission.owner,
        actor="api",
        at=system.now(),
        write_id=system.new_id(),
        traceparent=submission.traceparent,
    )
    try:
        system.store.create(order)
    except OrderExists as exists:
        if exists.order.fingerprint != order.fingerprint:
            system.metrics.record(Metric.SUBMISSIONS_REFUSED)
            raise KeyReused from None
        system.metrics.record(Metric.IDEMPOTENT_REPLAYS)
        return exists.order, True
    system.metrics.record(Metric.ORDERS_RECEIVED)
    start(order, order.order_id, system)
    return order, False


def received(
    content: dict[str, Any],
    *,
    order_id: str,
    owner: str,
    actor: str,
    at: datetime,
    write_id: str,
    traceparent: str | None = None,
) -> Order:
    """A new order in its first state, around a document."""
    text = strict_json.canonical_text(content)
    return Order(
        order_id=order_id,
        owner=owner,
        submission=text,
        fingerprint=strict_json.fingerprint(text),
        customer_id=validation.customer_of(content),
        created_at=at,
        updated_at=at,
        write_id=write_id,
        traceparent=traceparent,
        timeline=(TimelineEntry(at, None, Status.RECEIVED, actor),),
    )
