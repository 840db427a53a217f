"""New orders: from a submitted document to the first row of an order."""

from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Any

from service.orders import strict_json, validation
from service.orders.errors import OrderInvalid
from service.orders.identity import derive_id, order_id_for
from service.orders.lifecycle import Status
from service.orders.model import FieldError, Order, TimelineEntry
from service.orders.ports import System


@dataclass(frozen=True, slots=True)
class Submission:
    """A request to submit an order.

    Args:
        document: the parsed body.
        owner: the caller.
        lenient_bytes: the size up to which an invalid JSON object is accepted, too, for the workflow to reject; 0 if
            every invalid document is refused now.
        idempotency_key: makes a retry safe.
        traceparent: the trace of the request.
        former_owner: the owner as version 0.1.0 named them, if it may be another one.
    """

    document: Any
    owner: str
    _: KW_ONLY
    lenient_bytes: int = 0
    idempotency_key: str | None = None
    traceparent: str | None = None
    former_owner: str | None = None

    @property
    def former_order_id(self) -> str | None:
        """The id that version 0.1.0 derived from the idempotency key, if it is another one."""
        if self.idempotency_key is None or self.former_owner in (None, self.owner):
            return None
        return derive_id("key", self.former_owner, self.idempotency_key)


def order_from(submission: Submission, system: System) -> Order:
    """Validate a submission and make its order; nothing is stored.

    Raises:
        OrderInvalid: the document is not a valid order, nor one that the workflow shall reject.
        MalformedDocument: the document is too large to be stored.
    """
    verdict = validation.validate(submission.document)
    if verdict.errors and (why := _why_refused_now(submission)) is not None:
        raise OrderInvalid((*verdict.errors, *why))
    return new_order(
        verdict.document if verdict.document is not None else submission.document,
        order_id=order_id_for(submission.owner, submission.idempotency_key, system.new_id),
        owner=submission.owner,
        actor="api",
        at=system.now(),
        write_id=system.new_id(),
        traceparent=submission.traceparent,
    )


def _why_refused_now(submission: Submission) -> tuple[FieldError, ...] | None:
    """The further errors of an invalid document; None if it is accepted for the workflow to reject."""
    if not submission.lenient_bytes or not isinstance(submission.document, dict):
        return ()
    if len(strict_json.canonical_text(submission.document).encode()) <= submission.lenient_bytes:
        return None
    return (FieldError("", f"is larger than {submission.lenient_bytes:,} bytes, the limit of invalid orders"),)


def new_order(
    content: dict[str, Any],
    *,
    order_id: str,
    owner: str,
    actor: str,
    at: datetime,
    write_id: str,
    traceparent: str | None = None,
) -> Order:
    """Make a RECEIVED order around a document.

    Raises:
        MalformedDocument: it is too large to be stored.
    """
    text = strict_json.canonical_text(content)
    if len(text.encode()) > strict_json.MAX_SIZE:
        raise strict_json.MalformedDocument(f"The order is larger than {strict_json.MAX_SIZE:,} bytes.")
    return Order(
        order_id=order_id,
        owner=owner,
        submission=text,
        fingerprint=strict_json.fingerprint(text),
        customer_id=validation.customer_of(content),
        reference=validation.reference_of(content),
        created_at=at,
        updated_at=at,
        write_id=write_id,
        traceparent=traceparent,
        timeline=(TimelineEntry(at, None, Status.RECEIVED, actor),),
    )
