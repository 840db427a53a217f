"""What operators do about orders that failed for good: list them, look at one, send one or many again."""

import asyncio
import re
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Annotated, Any, Self, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from service.api import cursor
from service.api.body import read_json
from service.api.dependencies import Caller, TheOperatorCall
from service.api.problems import OrderNotFailed, OrderNotFound, Problem, ProblemRoute
from service.api.views import (
    DecimalResponse,
    FailedOrderDetailView,
    FailedOrderListView,
    OrderView,
    RedriveView,
)
from service.orders.dead_letters import remove_stale
from service.orders.identity import ID_PATTERN, is_id
from service.orders.json_views import failed_order_view, order_view
from service.orders.model import FailureKind, Order
from service.orders.paging import Span
from service.orders.ports import System
from service.orders.redrive import NotFailed, Outcome, Result, Selection, chosen, redrive, redrive_one_of_many
from service.orders.timestamps import YEARS, parse, text

router = APIRouter(route_class=ProblemRoute, tags=["operators"], default_response_class=DecimalResponse)

MOST = 100  # orders of one answer
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
NOTE_PATTERN = rf"^[^{_CONTROLS}]*[^\s{_CONTROLS}][^{_CONTROLS}]*$"
TIME = 20  # seconds after which a redrive of many begins no further order; API Gateway waits for 29
SHARE = 0.6  # of the function's timeout, which may be shorter
NOTE_LENGTH = 200


def _responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem} for status in statuses}


def _instant(written: object) -> datetime:
    try:
        instant = parse(written if isinstance(written, str) else "")
        if instant.year not in YEARS:
            raise ValueError
        return instant
    except (ValueError, OverflowError):
        raise PydanticCustomError("instant", "must be a time stamp with a time zone, as RFC 3339 has it") from None


def _note(written: object) -> object:
    if not isinstance(written, str) or len(written) > NOTE_LENGTH:  # a long text is no matter for the pattern
        return written
    if not re.fullmatch(NOTE_PATTERN, written):
        raise PydanticCustomError("note", "must be one line of text, and not empty")
    return written.strip()


Instant = Annotated[datetime, BeforeValidator(_instant)]
OrderId = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
Note = Annotated[
    str,
    BeforeValidator(_note),
    Field(
        min_length=1,
        max_length=NOTE_LENGTH,
        description="Why. It stands on the order's timeline; its customer reads it.",
        json_schema_extra={"pattern": NOTE_PATTERN},
    ),
]


class Filter(BaseModel):
    """Which failed orders are meant; all, if nothing is said."""

    model_config = ConfigDict(extra="forbid")

    reason: FailureKind | None = None
    failed_after: Instant | None = Field(None, description="This instant, or later.")
    failed_before: Instant | None = Field(None, description="Before this instant.")
    cursor: str | None = Field(
        None, description="`next_cursor` of the answer before.", json_schema_extra={"pattern": "^[A-Za-z0-9_-]+$"}
    )

    @property
    def span(self) -> Span:
        """When the orders failed."""
        return Span(self.failed_after, self.failed_before)

    @property
    def listing(self) -> str:
        """The list that a cursor belongs to."""
        bounds = (text(bound) if bound else "" for bound in (self.failed_after, self.failed_before))
        return f"failed reason={self.reason or ''} within={'/'.join(bounds)}"


class FailedListQuery(Filter):
    """Which failed orders to list."""

    limit: int = Field(20, ge=1, le=MOST)


class RedriveRequest(BaseModel):
    """Send one failed order again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    note: Note
    epoch: int | None = Field(
        None, ge=0, description="`epoch` of the failure that is meant; a later one is then left alone."
    )


class BulkRedriveRequest(Filter):
    """Send failed orders again: those that are named, or those that match."""

    note: Note
    order_ids: list[OrderId] = Field(default_factory=list, min_length=1, max_length=MOST)
    limit: int = Field(MOST, ge=1, le=MOST, strict=True)
    dry_run: bool = Field(False, strict=True, description="Say what would be done, and do nothing.")

    @model_validator(mode="after")
    def _named_or_matched(self) -> Self:
        if self.order_ids and (self.reason or self.failed_after or self.failed_before or self.cursor):
            raise PydanticCustomError("named_or_matched", "give either order_ids or a filter")
        return self

    @property
    def selection(self) -> Selection:
        """The orders that are meant.

        Raises:
            BadRequest: the cursor is none of this list.
        """
        after = cursor.decode(self.cursor, self.listing)
        return Selection(tuple(self.order_ids), self.reason, self.span, self.limit, after)


Body = TypeVar("Body", bound=BaseModel)


async def _read(request: Request, model: type[Body]) -> Body:
    document = await read_json(request)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from None


def _body(model: type[BaseModel]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.get("/failed-orders", response_model=FailedOrderListView, responses=_responses(400, 401, 403, 422, 503))
async def list_failed_orders(query: Annotated[FailedListQuery, Query()], call: TheOperatorCall) -> DecimalResponse:
    """List the orders that failed for good and were not redriven, newest first."""
    after = cursor.decode(query.cursor, query.listing)
    page = await call.offload(call.system.store.failed_orders, query.reason, query.span, query.limit, after)
    views = [failed_order_view(failed) for failed in page.orders]
    return DecimalResponse({"failed_orders": views, "next_cursor": cursor.encode(page.next, query.listing)})


@router.get(
    "/failed-orders/{order_id}", response_model=FailedOrderDetailView, responses=_responses(401, 403, 404, 422, 503)
)
async def get_failed_order(order_id: str, call: TheOperatorCall) -> DecimalResponse:
    """Show why an order failed, its whole story, and the id of its message in the dead-letter queue."""
    failed = await call.offload(call.system.store.failed, order_id) if is_id(order_id) else None
    order = await call.offload(call.system.store.get, order_id) if failed else None
    if failed is None or order is None:
        raise OrderNotFailed
    return DecimalResponse({**failed_order_view(failed), "order": order_view(order)})


@router.post(
    "/failed-orders/{order_id}/redrive",
    response_model=OrderView,
    responses=_responses(400, 401, 403, 404, 408, 409, 413, 415, 422, 503),
    openapi_extra=_body(RedriveRequest),
)
async def redrive_order(order_id: str, request: Request, call: TheOperatorCall) -> DecimalResponse:
    """Give a failed order all its attempts anew. To do it again changes nothing."""
    wanted = await _read(request, RedriveRequest)
    if not is_id(order_id):
        raise OrderNotFound
    return DecimalResponse(
        order_view(await call.offload(_redriven, order_id, wanted, _actor(call.caller), call.system))
    )


def _redriven(order_id: str, wanted: RedriveRequest, actor: str, system: System) -> Order:
    try:
        order = redrive(order_id, actor, wanted.note, system, wanted.epoch)
    except NotFailed as refused:
        if not refused.redriven:
            raise
        return refused.order
    remove_stale(system)
    return order


@router.post(
    "/failed-orders/redrive",
    response_model=RedriveView,
    responses=_responses(400, 401, 403, 408, 413, 415, 422, 503),
    openapi_extra=_body(BulkRedriveRequest),
)
async def redrive_orders(request: Request, call: TheOperatorCall) -> DecimalResponse:
    """Give failed orders all their attempts anew, a bounded number of them in a second; each is answered for.

    Go on with `next_cursor` until it is null.
    """
    wanted = await _read(request, BulkRedriveRequest)
    orders, following = await call.offload(chosen, wanted.selection, call.system)
    actor, began = _actor(call.caller), monotonic()
    results: list[Result] = []
    for order_id, epoch in orders:
        if monotonic() > began + min(TIME, SHARE * call.settings.function_timeout):
            results.append(Result(order_id, Outcome.ERROR, "no time was left for it; try again"))
            continue
        one = partial(redrive_one_of_many, epoch=epoch, dry_run=wanted.dry_run)
        results.append(await call.offload(one, order_id, actor, wanted.note, call.system))
        if results[-1].outcome is Outcome.REDRIVEN:
            await asyncio.sleep(1 / call.settings.redrive_rate)
    removed = 0 if wanted.dry_run else await call.offload(remove_stale, call.system)
    return DecimalResponse(
        {
            "dry_run": wanted.dry_run,
            "results": [
                {"order_id": each.order_id, "outcome": each.outcome, "detail": each.detail} for each in results
            ],
            "dead_letters_removed": removed,
            "next_cursor": cursor.encode(following, wanted.listing),
        }
    )


def _actor(operator: Caller) -> str:
    return f"operator:{operator.name}"
