"""Operator routes for failed orders: list them, show one, redrive one or many."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Self

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from service.api import cursor
from service.api.dependencies import OperatorDep
from service.api.operator_requests import Note, problems, read_model, request_body
from service.api.parameters import Cursor, Instant
from service.api.problems import OrderNotFailed, OrderNotFound, ProblemRoute
from service.api.views import (
    DecimalResponse,
    FailedOrderDetailView,
    FailedOrderListView,
    OrderView,
    RedriveView,
)
from service.orders.identity import ID_PATTERN, is_id
from service.orders.json_views import bulk_result_view, failed_order_view
from service.orders.model import FailedOrder, FailureKind
from service.orders.paging import Span
from service.orders.ports import System
from service.orders.redrive import (
    REDRIVE_SECONDS,
    BulkResult,
    Pace,
    Selection,
    redrive_many,
    redrive_one,
)

router = APIRouter(route_class=ProblemRoute, tags=["operators"], default_response_class=DecimalResponse)

MAX_ORDERS = 100  # of one response
SHARE = 0.6  # of the function's timeout, in which a bulk redrive may start another order


def _check_id(value: str) -> str:
    if not is_id(value):
        raise PydanticCustomError("id", "must be the id of an order")
    return value


OrderId = Annotated[str, AfterValidator(_check_id), Field(json_schema_extra={"pattern": f"^{ID_PATTERN}$"})]
NewDelivery = Annotated[
    bool,
    Field(
        strict=True,
        description=(
            "Send an order under a new number, after the warehouse has confirmed that the old one is cancelled. "
            "Only for orders that are named by their ids."
        ),
    ),
]


class Filter(BaseModel):
    """Selects failed orders; without any field, all."""

    model_config = ConfigDict(extra="forbid")

    reason: FailureKind | None = None
    failed_after: Instant | None = Field(None, description="Failed at this time or later.")
    failed_before: Instant | None = Field(None, description="Failed before this time.")
    cursor: Cursor = None

    @property
    def span(self) -> Span:
        """The time span in which the orders failed."""
        return Span(self.failed_after, self.failed_before)

    @property
    def listing(self) -> str:
        """The filter that a cursor is bound to."""
        return f"failed {self.reason} {self.span}"


class FailedListQuery(Filter):
    """Selects the failed orders to list."""

    limit: int = Field(20, ge=1, le=MAX_ORDERS)


class RedriveRequest(BaseModel):
    """Redrive one failed order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    note: Note
    epoch: int | None = Field(
        None, ge=0, description="The `epoch` of the failure to redrive. A later failure is not redriven."
    )
    new_delivery: NewDelivery = False


class BulkRedriveRequest(Filter):
    """Redrive the failed orders with these ids, or those that match the filter."""

    note: Note
    order_ids: list[OrderId] = Field(default_factory=list, min_length=1, max_length=MAX_ORDERS)
    limit: int = Field(MAX_ORDERS, ge=1, le=MAX_ORDERS, strict=True)
    dry_run: bool = Field(False, strict=True, description="Report the outcomes without any change.")
    new_delivery: NewDelivery = False

    @model_validator(mode="after")
    def _check_ids_or_filter(self) -> Self:
        if self.order_ids and (self.reason or self.failed_after or self.failed_before or self.cursor):
            raise PydanticCustomError("named_or_matched", "give either order_ids or a filter")
        if self.new_delivery and not self.order_ids:
            raise PydanticCustomError("named", "new_delivery needs order_ids")
        return self

    def selection(self, system: System) -> Selection:
        """The selected orders.

        Raises:
            BadRequest: the cursor does not belong to this list.
            Unavailable: the key of the cursor's seal cannot be read.
        """
        after = cursor.decode(self.cursor, self.listing, system)
        return Selection(tuple(self.order_ids), self.reason, self.span, self.limit, after)


@router.get("/failed-orders", response_model=FailedOrderListView, responses=problems(400, 401, 403, 422, 503))
async def list_failed_orders(query: Annotated[FailedListQuery, Query()], context: OperatorDep) -> DecimalResponse:
    """List the FAILED orders, newest failure first."""
    system = context.system

    def read() -> tuple[Sequence[FailedOrder], str | None]:
        after = cursor.decode(query.cursor, query.listing, system)
        page = system.store.failed_orders(query.reason, query.span, query.limit, after)
        return page.orders, cursor.encode(page.next, query.listing, system)

    orders, following = await context.offload(read)
    return DecimalResponse({"failed_orders": [failed_order_view(each) for each in orders], "next_cursor": following})


@router.get(
    "/failed-orders/{order_id}",
    response_model=FailedOrderDetailView,
    responses=problems(401, 403, 404, 422, 503),
)
async def get_failed_order(order_id: str, context: OperatorDep) -> DecimalResponse:
    """Show a FAILED order: its last error, its timeline, and the id of its message in the dead-letter queue."""
    failed = await context.offload(context.system.store.get_failed, order_id) if is_id(order_id) else None
    order = await context.offload(context.system.store.get, order_id) if failed else None
    if failed is None or order is None:
        raise OrderNotFailed
    return DecimalResponse({**failed_order_view(failed), "order": context.view(order)})


@router.post(
    "/failed-orders/{order_id}/redrive",
    response_model=OrderView,
    responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 503),
    openapi_extra=request_body(RedriveRequest),
)
async def redrive_order(order_id: str, request: Request, context: OperatorDep) -> DecimalResponse:
    """Return a FAILED order to PENDING with all its attempts. Repeating the request has no effect.

    While the warehouse may have the order, it is sent again under the same number, so that nothing is shipped twice.
    """
    wanted = await read_model(request, RedriveRequest)
    if not is_id(order_id):
        raise OrderNotFound
    redrive = partial(redrive_one, new_delivery=wanted.new_delivery)
    order = await context.offload(redrive, order_id, context.caller.actor, wanted.note, context.system, wanted.epoch)
    return DecimalResponse(context.view(order))


@router.post(
    "/failed-orders/redrive",
    response_model=RedriveView,
    responses=problems(400, 401, 403, 408, 413, 415, 422, 503),
    openapi_extra=request_body(BulkRedriveRequest),
)
async def redrive_orders(request: Request, context: OperatorDep) -> DecimalResponse:
    """Return FAILED orders to PENDING with all their attempts, at a bounded rate. Each order has a result.

    Continue with `next_cursor` until it is null.
    """
    wanted = await read_model(request, BulkRedriveRequest)
    seconds = min(REDRIVE_SECONDS, SHARE * context.settings.function_timeout)
    if wanted.new_delivery:
        seconds -= (
            2 * context.system.policy.cancel_seconds
        )  # the last order asks the warehouse twice: to cancel, and what became of it
    pace = Pace(context.settings.redrive_rate, seconds, time.monotonic, time.sleep)
    many = partial(redrive_many, dry_run=wanted.dry_run, new_delivery=wanted.new_delivery)
    system = context.system

    def redrive() -> tuple[BulkResult, str | None]:
        done = many(wanted.selection(system), context.caller.actor, wanted.note, pace, system)
        return done, cursor.encode(done.next, wanted.listing, system)

    done, following = await context.offload(redrive)
    return DecimalResponse(bulk_result_view(done, following, dry_run=wanted.dry_run))
