"""Submit, show, list and cancel orders."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from service import logs
from service.api import cursor
from service.api.body import KEY_PATTERN, idempotency_key, prefers_lenient, read_json
from service.api.dependencies import TheCall
from service.api.problems import OrderNotFound, Problem, ProblemRoute
from service.api.views import AcceptedView, DecimalResponse, OrderListView, OrderView
from service.orders.cancel import cancel
from service.orders.identity import ID_PATTERN, is_id
from service.orders.json_views import order_view
from service.orders.lifecycle import Status
from service.orders.submission import Submission, submit
from service.orders.validation import OrderRequest

router = APIRouter(route_class=ProblemRoute, tags=["orders"], default_response_class=DecimalResponse)

ACCEPTED_HEADERS: dict[str, dict[str, Any]] = {
    "Location": {"description": "Where the order is shown.", "required": True, "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "The key was used before, and this is the first answer again.",
        "schema": {"const": "true"},
    },
    "Preference-Applied": {
        "description": "The workflow judges the order.",
        "schema": {"const": "handling=lenient"},
    },
}
RESPONSES: dict[str, dict[int | str, dict[str, Any]]] = {
    "submit": {
        202: {"headers": ACCEPTED_HEADERS},
        **{status: {"model": Problem} for status in (400, 401, 408, 413, 415, 422, 503)},
    },
    "get": {status: {"model": Problem} for status in (401, 404, 422, 503)},
    "list": {status: {"model": Problem} for status in (400, 401, 422, 503)},
    "cancel": {status: {"model": Problem} for status in (401, 404, 409, 422, 503)},
}
SUBMISSION: dict[str, Any] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {
                "type": "string",
                "description": "16 to 128 printable ASCII characters, bare or quoted, that make a retry safe.",
                "title": "Idempotency-Key",
                "pattern": KEY_PATTERN,
            },
            "description": "16 to 128 printable ASCII characters, bare or quoted, that make a retry safe.",
        },
        {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "schema": {
                "type": "array",
                "items": {"type": "string"},
                "description": "`handling=lenient` leaves the judgment of the order to the workflow.",
                "title": "Prefer",
            },
            "description": "`handling=lenient` leaves the judgment of the order to the workflow.",
        },
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{OrderRequest.__name__}"}}},
    },
}
"""What a submission is made of, for the documentation: the route reads it itself, strictly and faster."""


class ListQuery(BaseModel):
    """Which orders to list: those of one customer, or those in one state."""

    model_config = ConfigDict(extra="forbid")

    customer_id: str | None = Field(None, pattern=f"^{ID_PATTERN}$")
    status: Status | None = None
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(
        None, description="`next_cursor` of the page before.", json_schema_extra={"pattern": "^[A-Za-z0-9_-]+$"}
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> "ListQuery":
        if (self.customer_id is None) == (self.status is None):
            raise PydanticCustomError("one_of_two", "give either customer_id or status")
        return self

    @property
    def listing(self) -> str:
        """The list that a cursor belongs to."""
        return f"customer_id={self.customer_id}" if self.customer_id else f"status={self.status}"


@router.post(
    "/order", status_code=202, response_model=AcceptedView, responses=RESPONSES["submit"], openapi_extra=SUBMISSION
)
@router.post(
    "/orders", status_code=202, response_model=AcceptedView, responses=RESPONSES["submit"], openapi_extra=SUBMISSION
)
async def submit_order(request: Request, call: TheCall) -> DecimalResponse:
    """Submit an order. 202 means that it is durable and on its way; follow it at `Location`.

    A repeat with the same `Idempotency-Key` and the same order gets the first answer again.
    """
    submission = Submission(
        document=await read_json(request),
        owner=call.caller.name,
        lenient=prefers_lenient(request.headers.getlist("Prefer")),
        idempotency_key=idempotency_key(request.headers.getlist("Idempotency-Key")),
        traceparent=request.scope["traceparent"],
    )
    order, replayed = await call.offload(submit, submission, call.system)
    logs.note(order_id=order.order_id)
    headers = {"Location": f"{request.scope.get('root_path', '')}/orders/{order.order_id}"}
    if submission.lenient:
        headers["Preference-Applied"] = "handling=lenient"
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    return DecimalResponse({"order_id": order.order_id, "status": Status.RECEIVED}, 202, headers)


@router.get("/orders", response_model=OrderListView, responses=RESPONSES["list"])
async def list_orders(query: Annotated[ListQuery, Query()], call: TheCall) -> DecimalResponse:
    """List a customer's orders, or the orders in one state, newest first.

    A page that is not the last may be shorter than `limit`; go on until `next_cursor` is null.
    """
    after = cursor.decode(query.cursor, query.listing)
    if query.customer_id is not None:
        page = await call.offload(call.system.store.by_customer, query.customer_id, query.limit, after)
    else:
        page = await call.offload(call.system.store.by_status, query.status, query.limit, after)
    visible = [order for order in page.orders if call.caller.sees(order)]
    return DecimalResponse(
        {"orders": [order_view(order) for order in visible], "next_cursor": cursor.encode(page.next, query.listing)}
    )


@router.get("/orders/{order_id}", response_model=OrderView, responses=RESPONSES["get"])
async def get_order(order_id: str, call: TheCall) -> DecimalResponse:
    """Show an order with its timeline."""
    order = await call.offload(call.system.store.get, order_id) if is_id(order_id) else None
    if order is None:
        raise OrderNotFound
    call.caller.check_may_see(order)
    return DecimalResponse(order_view(order))


@router.post("/orders/{order_id}/cancel", response_model=OrderView, responses=RESPONSES["cancel"])
async def cancel_order(order_id: str, call: TheCall) -> DecimalResponse:
    """Cancel an order that fulfillment has not begun. Cancelling it again changes nothing."""
    if not is_id(order_id):
        raise OrderNotFound
    if not call.caller.sees_all:
        order = await call.offload(call.system.store.get, order_id)
        if order is None:
            raise OrderNotFound
        call.caller.check_may_see(order)
    cancelled = await call.offload(cancel, order_id, "api", "cancelled by the customer", call.system)
    return DecimalResponse(order_view(cancelled))
