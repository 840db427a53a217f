"""The answers of the API for OpenAPI. ``service/orders/json_views.py`` makes those of orders and failed orders."""

from typing import Annotated, Any

import simplejson
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from service.api.problems import ProblemError
from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from service.orders.redrive import Outcome

Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-01-31T09:30:00.123Z"])]


class TimelineView(BaseModel):
    """One thing that happened to the order."""

    at: Instant
    source: Status | None = Field(alias="from", description="The state it left; null for the first.")
    to: Status
    actor: str
    reason: str | None


class OrderView(BaseModel):
    """An order. What was submitted is shown as it was, so an order that is not valid may lack any of it."""

    order_id: str = Field(examples=["ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6"])
    status: Status
    customer_id: str | None = Field(examples=["cust_123"])
    currency: Any = Field(examples=["USD"])
    total_amount: Any = Field(description="A number with two decimals.", examples=[59.98])
    items: list[Any] = Field(examples=[[{"product_id": "prod_456", "quantity": 2, "price": 29.99}]])
    metadata: dict[str, Any]
    attempts: int = Field(description="Attempts to fulfill it since it was received or last redriven.")
    created_at: Instant
    updated_at: Instant
    errors: list[ProblemError] = Field(description="Why it was rejected.")
    timeline: list[TimelineView]


class OrderListView(BaseModel):
    """A page of orders, newest first."""

    orders: list[OrderView]
    next_cursor: str | None


class FailedOrderView(BaseModel):
    """An order that failed for good, and why."""

    order_id: str = Field(examples=["ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6"])
    customer_id: str | None = Field(examples=["cust_123"])
    reason: FailureKind
    detail: str = Field(description="What ended the last attempt.")
    attempts: int
    epoch: int = Field(description="How often it had been redriven when it failed.")
    failed_at: Instant
    message_id: str | None = Field(
        description="Its message in the dead-letter queue; null if it failed without one at hand."
    )


class FailedOrderDetailView(FailedOrderView):
    """A failed order with its whole story."""

    order: OrderView


class FailedOrderListView(BaseModel):
    """A page of failed orders, newest first."""

    failed_orders: list[FailedOrderView]
    next_cursor: str | None


class RedriveResultView(BaseModel):
    """What came of one order."""

    order_id: str
    outcome: Outcome
    detail: str | None


class RedriveView(BaseModel):
    """What came of a redrive of many."""

    dry_run: bool
    results: list[RedriveResultView]
    dead_letters_removed: int = Field(description="Messages that told of failures that were redriven.")
    next_cursor: str | None


class AcceptedView(BaseModel):
    """An order that was taken in."""

    order_id: str
    status: Status


class DecimalResponse(JSONResponse):
    """A JSON response that writes amounts digit for digit; the standard library cannot."""

    def render(self, content: Any) -> bytes:
        return simplejson.dumps(content, use_decimal=True, ensure_ascii=False, separators=(",", ":")).encode()
