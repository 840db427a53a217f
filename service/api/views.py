"""The models of responses, for the OpenAPI document. ``service/orders/json_views.py`` builds the responses."""

from typing import Annotated, Any

import simplejson
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from service.api.examples import FULL_ORDER
from service.api.problems import ProblemError
from service.orders.lifecycle import Status
from service.orders.listing import Stamp
from service.orders.model import FailureKind
from service.orders.redrive import Outcome

Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-01-31T09:30:00.123Z"])]


class TimelineView(BaseModel):
    """One transition of the order."""

    at: Instant
    source: Status | None = Field(alias="from", description="The status before; null for the first entry.")
    to: Status
    actor: str
    reason: str | None
    failure: FailureKind | None = Field(description="How an attempt ended that failed; null for every other entry.")


class LineView(BaseModel):
    """A line of an order, and a quantity of it."""

    line_id: str = Field(description="The line's `line_id`, or its position from 1.", examples=["1"])
    quantity: int


class ShipmentView(BaseModel):
    """A parcel that the warehouse has shipped."""

    id: str = Field(description="The warehouse's id. It is unique within its delivery.", examples=["shp_1"])
    delivery: int = Field(description="The number of its delivery.", examples=[1])
    carrier: str | None = Field(examples=["DHL"])
    tracking_number: str | None = Field(examples=["00340434161094042557"])
    tracking_url: str | None = Field(
        description="A link of http or https.", examples=["https://tracking.example/00340434161094042557"]
    )
    shipped_at: Instant | None
    items: list[LineView]


class DeliveryView(BaseModel):
    """The order's present delivery: what the warehouse is asked for under one key."""

    key: str = Field(
        description="The key under which the warehouse knows it.", examples=["ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6-d1"]
    )
    asked: int = Field(
        description="Requests that may have reached the warehouse. Above 0, the warehouse may have the order."
    )
    lines: list[LineView] | None = Field(description="The lines that it asks for; null for the whole order.")
    at_warehouse_since: Instant | None = Field(description="Since when it is AT_WAREHOUSE; null in other states.")
    overdue: bool = Field(description="Whether the order is AT_WAREHOUSE and `due_at` has passed.")
    looks: int = Field(description="How often in a row the warehouse had nothing new about it.")


class OrderView(BaseModel):
    """An order. The submitted fields are shown unchanged, so an invalid order may lack any of them."""

    order_id: str = Field(examples=["ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6"])
    status: Status
    customer_id: str | None = Field(examples=["cust_123"])
    reference: str | None = Field(description="The shop's own order number.", examples=["#1001"])
    owner: str | None = Field(
        description="The caller who submitted it. For operators; null for other callers.", examples=["api_key:k1a2b3"]
    )
    currency: Any = Field(examples=["USD"])
    total_amount: Any = Field(description="A number with the decimals of the currency.", examples=[59.98])
    items: list[Any] = Field(examples=[[{"product_id": "prod_456", "quantity": 2, "price": 29.99}]])
    metadata: dict[str, Any] = Field(examples=[{"gift wrap": "yes"}])
    adjustments: Any = Field(
        description="Amounts beside the items: tax, shipping, discounts; null if not given.",
        examples=[[{"kind": "shipping", "amount": 4.9}, {"kind": "discount", "amount": -4.9, "label": "WELCOME"}]],
    )
    ship_to: Any = Field(
        description="Where the order is shipped to; null if not given.", examples=[FULL_ORDER["ship_to"]]
    )
    service_level: Any = Field(description="How fast to ship; null if not given.", examples=["express"])
    note: Any = Field(description="The customer's note; null if not given.", examples=["Please ring twice."])
    placed_at: Any = Field(
        description="When the order was placed in the shop, in UTC; null if not given.",
        examples=["2026-01-31T09:30:00.000Z"],
    )
    shipped: list[LineView] = Field(description="What was shipped of each line; nothing for other lines.")
    shipments: list[ShipmentView] = Field(description="The parcels of all deliveries.")
    due_at: Instant | None = Field(
        description="The time by which the warehouse should have ended the delivery; null unless AT_WAREHOUSE."
    )
    attempts: int = Field(description="Fulfillment attempts since the order was received or last redriven.")
    cancel_asked: bool = Field(
        description="Whether a cancellation was asked for that the warehouse has not answered yet."
    )
    delivery: DeliveryView | None = Field(description="For operators; null for other callers.")
    created_at: Instant
    updated_at: Instant
    errors: list[ProblemError] = Field(description="The validation errors of a REJECTED order.")
    submission: dict[str, Any] | None = Field(
        description="The document as it was sent, of a REJECTED order; null for others."
    )
    timeline: list[TimelineView]


class OrderListView(BaseModel):
    """A page of orders, newest first."""

    orders: list[OrderView]
    sorted_by: Stamp = Field(description="The time by which they are sorted.")
    next_cursor: str | None


class FailedOrderView(BaseModel):
    """A FAILED order and its last error."""

    order_id: str = Field(examples=["ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6"])
    customer_id: str | None = Field(examples=["cust_123"])
    reference: str | None = Field(description="The shop's own order number.", examples=["#1001"])
    reason: FailureKind
    detail: str = Field(description="The error of the last attempt.")
    attempts: int
    epoch: int = Field(description="The number of redrives before this failure.")
    failed_at: Instant
    message_id: str | None = Field(
        description="The id of the order's message in the dead-letter queue; null if the order failed without one."
    )


class FailedOrderDetailView(FailedOrderView):
    """A FAILED order with the order itself."""

    order: OrderView


class FailedOrderListView(BaseModel):
    """A page of failed orders, newest first."""

    failed_orders: list[FailedOrderView]
    next_cursor: str | None


class RedriveResultView(BaseModel):
    """The result of one order."""

    order_id: str
    reference: str | None = Field(description="The shop's own order number; null if the order was not read.")
    outcome: Outcome
    detail: str | None


class RedriveView(BaseModel):
    """The results of a bulk redrive."""

    dry_run: bool
    results: list[RedriveResultView]
    dead_letters_removed: int = Field(description="Superseded messages removed from the dead-letter queue.")
    next_cursor: str | None


class AcceptedView(BaseModel):
    """An accepted order."""

    order_id: str
    status: Status


class DecimalResponse(JSONResponse):
    """A JSON response that writes Decimal exactly. The standard library cannot."""

    def render(self, content: Any) -> bytes:
        return simplejson.dumps(content, use_decimal=True, ensure_ascii=False, separators=(",", ":")).encode()
