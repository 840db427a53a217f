"""Routes that submit, show, list and cancel orders."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from service import logs
from service.api import cursor
from service.api.authentication import Caller
from service.api.body import KEY_PATTERN, parse_idempotency_key, prefers_lenient, read_json
from service.api.dependencies import ContextDep
from service.api.examples import FULL_ORDER, SHORT_ORDER
from service.api.parameters import Cursor, Instant, Owner
from service.api.problems import NotOperator, OrderNotFound, Problem, ProblemRoute
from service.api.views import AcceptedView, DecimalResponse, OrderListView, OrderView
from service.orders.deliveries import CUSTOMER, Deliveries
from service.orders.document import OrderRequest
from service.orders.identity import NAME_PATTERN, is_id
from service.orders.lifecycle import Status
from service.orders.listing import Listing, select_listing
from service.orders.model import Order
from service.orders.orders import Orders
from service.orders.paging import Span
from service.orders.submission import Submission
from service.settings import Settings

router = APIRouter(route_class=ProblemRoute, tags=["orders"], default_response_class=DecimalResponse)

ACCEPTED_HEADERS: dict[str, dict[str, Any]] = {
    "Location": {"description": "The URL of the order.", "required": True, "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "Present if the key was used before. The response repeats the first one.",
        "schema": {"const": "true"},
    },
    "Preference-Applied": {
        "description": "Present if the workflow validates the order.",
        "schema": {"const": "handling=lenient"},
    },
}
RESPONSES: dict[str, dict[int | str, dict[str, Any]]] = {
    "submit": {
        202: {"headers": ACCEPTED_HEADERS},
        **{status: {"model": Problem} for status in (400, 401, 408, 413, 415, 422, 503)},
    },
    "get": {status: {"model": Problem} for status in (401, 404, 422, 503)},
    "list": {status: {"model": Problem} for status in (400, 401, 403, 422, 503)},
    "cancel": {
        202: {"model": OrderView, "description": "The warehouse was asked to cancel it."},
        **{status: {"model": Problem} for status in (401, 404, 409, 422, 503)},
    },
}
PREFER = "`handling=lenient`: accept now, validate in the workflow. A deployment may ignore it."

SUBMISSION: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {
                "type": "string",
                "description": "1 to 255 printable ASCII characters, bare or quoted. Makes a retry safe.",
                "title": "Idempotency-Key",
                "pattern": KEY_PATTERN,
            },
            "description": "1 to 255 printable ASCII characters, bare or quoted. Makes a retry safe.",
        },
        {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "schema": {
                "type": "array",
                "items": {"type": "string"},
                "description": PREFER,
                "title": "Prefer",
            },
            "description": PREFER,
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{OrderRequest.__name__}"},
                "examples": {
                    "short": {"summary": "Required fields", "value": SHORT_ORDER},
                    "full": {"summary": "Every kind of field", "value": FULL_ORDER},
                },
            }
        },
    },
}
"""Headers and body of a submission, for the OpenAPI document. The route parses them itself: stricter and faster."""


class ListQuery(BaseModel):
    """Selects orders. Without any field, customers list their own orders, operators all."""

    model_config = ConfigDict(extra="forbid")

    customer_id: str | None = Field(
        None, pattern=NAME_PATTERN, max_length=128, description="Write a plus sign as `%2B`: `+` is a space."
    )
    status: Status | None = None
    reference: str | None = Field(
        None,
        pattern=NAME_PATTERN,
        max_length=128,
        description="The shop's own order number. Lists the orders that the caller has submitted, or `owner`.",
    )
    owner: Owner | None = Field(
        None,
        description=(
            "For operators: lists the orders that this caller has submitted, as `owner` of an order names them. "
            "Needs `reference`, except with `api_auth = cognito`."
        ),
    )
    created_after: Instant | None = Field(None, description="Created at this time or later. For lists by creation.")
    created_before: Instant | None = Field(None, description="Created before this time. For lists by creation.")
    updated_after: Instant | None = Field(None, description="Updated at this time or later. For lists by update.")
    updated_before: Instant | None = Field(None, description="Updated before this time. For lists by update.")
    limit: int = Field(20, ge=1, le=100)
    cursor: Cursor = None

    def listing(self, caller: Caller, settings: Settings) -> Listing:
        """The orders of the list. Customers list only their own.

        Raises:
            NotOperator: the caller may not list the orders of this owner.
            ListingRefused: no index has the list.
        """
        if self.owner not in (None, caller.name) and not caller.sees_all:
            raise NotOperator
        is_own = self.reference is not None or not caller.sees_all
        listing = Listing(
            owner=self.owner or (caller.name if is_own else None),
            reference=self.reference,
            customer_id=self.customer_id,
            status=self.status,
        )
        created = Span(self.created_after, self.created_before)
        updated = Span(self.updated_after, self.updated_before)
        return select_listing(listing, created, updated, has_owner_index=settings.has_owner_index)


@router.post(
    "/order", status_code=202, response_model=AcceptedView, responses=RESPONSES["submit"], openapi_extra=SUBMISSION
)
@router.post(
    "/orders", status_code=202, response_model=AcceptedView, responses=RESPONSES["submit"], openapi_extra=SUBMISSION
)
async def submit_order(request: Request, context: ContextDep) -> DecimalResponse:
    """Submit an order. 202: the order is stored durably and will be processed. `Location` is its URL.

    A retry with the same `Idempotency-Key` and the same order gets the first response again.
    """
    submission = Submission(
        document=await read_json(request),
        owner=context.caller.name,
        former_owner=context.caller.principal,
        lenient_bytes=context.settings.lenient_bytes if prefers_lenient(request.headers.getlist("Prefer")) else 0,
        idempotency_key=parse_idempotency_key(request.headers.getlist("Idempotency-Key")),
        traceparent=request.scope["traceparent"],
    )
    order, replayed = await context.offload(Orders(context.system).submit, submission)
    logs.note(order_id=order.order_id)
    headers = {"Location": f"{request.scope.get('root_path', '')}/orders/{order.order_id}"}
    if submission.lenient_bytes:
        headers["Preference-Applied"] = "handling=lenient"
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return DecimalResponse({"order_id": order.order_id, "status": Status.RECEIVED}, 202, headers)


@router.get("/orders", response_model=OrderListView, responses=RESPONSES["list"])
async def list_orders(query: Annotated[ListQuery, Query()], context: ContextDep) -> DecimalResponse:
    """List orders, newest first: by creation, or by their last update if `sorted_by` says so.

    Any page may have fewer orders than `limit`. Request further pages until `next_cursor` is null.
    """
    listing, system = query.listing(context.caller, context.settings), context.system

    def read() -> tuple[Sequence[Order], str | None]:
        after = cursor.decode(query.cursor, str(listing), system)
        page = system.store.list_orders(listing, query.limit, after)
        return page.orders, cursor.encode(page.next, str(listing), system)

    orders, following = await context.offload(read)
    views = [context.view(order) for order in orders]
    return DecimalResponse({"orders": views, "sorted_by": listing.sorted_by, "next_cursor": following})


@router.get("/orders/{order_id}", response_model=OrderView, responses=RESPONSES["get"])
async def get_order(order_id: str, context: ContextDep) -> DecimalResponse:
    """Show an order with its timeline."""
    order = await context.offload(context.system.store.get, order_id) if is_id(order_id) else None
    if order is None:
        raise OrderNotFound
    context.caller.check_can_see(order)
    return DecimalResponse(context.view(order))


@router.post("/orders/{order_id}/cancel", response_model=OrderView, responses=RESPONSES["cancel"])
async def cancel_order(order_id: str, context: ContextDep) -> DecimalResponse:
    """Cancel an order. Cancelling it again has no effect.

    200: it is CANCELLED; or PARTLY_FULFILLED, if a part was shipped and the rest is cancelled. 202: the warehouse may
    have it, and was asked to cancel it; read the order later. 409: it can no longer be cancelled.
    """
    caller = context.caller
    order = await context.offload(context.system.store.get, order_id) if is_id(order_id) else None
    if order is None:
        raise OrderNotFound
    caller.check_can_see(order)
    actor = CUSTOMER if order.owner == caller.name else caller.actor
    reason = f"cancellation asked for by the {actor.partition(':')[0]}"
    cancelled = await context.offload(Deliveries(context.system).cancel, order_id, actor, reason)
    return DecimalResponse(context.view(cancelled), 202 if cancelled.is_open else 200)
