"""The route of the warehouse's events. Their signature alone says who sent them: nobody else authenticates here."""

import logging
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.datastructures import Headers

from service import logs
from service.api.body import read_body
from service.api.dependencies import OffloadDep, SystemDep
from service.api.problems import (
    DeliveryNotFound,
    EventInvalid,
    EventTooEarly,
    Problem,
    ProblemRoute,
    Unauthenticated,
)
from service.orders.callbacks import EventType, Verdict
from service.orders.metric import Metric
from service.orders.ports import System
from service.orders.shipments import TooManyShipments
from service.orders.warehouse_events import WarehouseEvents
from service.warehouses.events import read_event
from service.warehouses.malformed import Malformed
from service.warehouses.signatures import ID, SIGNATURE, TIMESTAMP

log = logging.getLogger(__name__)

router = APIRouter(route_class=ProblemRoute, tags=["warehouse"])

PATH = "/warehouse/events"
MAX_SIZE = 128 * 1024
"""Bytes of an event. It has one parcel; one of 500 lines with long ids has less."""
RETRY_AFTER = 5
"""Seconds until the warehouse sends an event again that came before an attempt's own write."""

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 404, 408, 409, 413, 415, 422, 503)
}
RESPONSES[409]["headers"] = {
    "Retry-After": {"description": "Seconds until the event is to be sent again.", "schema": {"type": "integer"}}
}


class EventResult(BaseModel):
    """What became of an event."""

    result: Literal[Verdict.TAKEN, Verdict.LOOK, Verdict.REPEATED, Verdict.IGNORED] = Field(
        description=(
            "`taken`: it is written down. `look`: DOFS has asked the warehouse for the state of the delivery. "
            "`repeated`: the parcel was known. `ignored`: it changes nothing."
        )
    )


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


EVENT: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": description}
        for name, description in (
            (ID, "The id of the request."),
            (TIMESTAMP, "The time of the request in seconds since 1970; up to 300 seconds from the present time."),
            (SIGNATURE, "`v1,` and HMAC-SHA256 of `id.timestamp.body` in base64, as Standard Webhooks has it."),
        )
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["id", "type", "order_id"],
                    "properties": {
                        "id": _text("The id of the event.", minLength=1, maxLength=128),
                        "type": _text("What happened.", enum=[*EventType]),
                        "order_id": _text("The delivery key.", examples=["ord_0123456789abcdef-d1"]),
                        "occurred_at": _text("When it happened.", format="date-time"),
                        "shipment": {
                            "type": ["object", "null"],
                            "description": "The parcel, if the type is `shipped`: as in the state of a delivery.",
                        },
                        "reason": {"type": ["string", "null"], "description": "For operators."},
                    },
                }
            }
        },
    },
}
"""The headers and the body of an event, for the OpenAPI document. The route reads them itself."""


@router.post(PATH, response_model=EventResult, responses=RESPONSES, openapi_extra=EVENT)
async def take_event(request: Request, system: SystemDep, offload: OffloadDep) -> JSONResponse:
    """Take an event of the warehouse: a parcel was shipped, or the state of a delivery has changed.

    The warehouse signs it with the secret of DOFS_WAREHOUSE_SECRET. Sending it again has no effect. 409: send it again
    after `Retry-After`. 404: DOFS has not asked for a delivery of this key.
    """
    body = await read_body(request, MAX_SIZE)
    verdict = await offload(_take, system, _signature_headers(request.headers), body)
    return JSONResponse({"result": verdict})


def _signature_headers(headers: Headers) -> dict[str, str]:
    """The headers of the signature. One that was sent twice is left out: a proxy may have read the other one."""
    given = {name: headers.getlist(name) for name in (ID, TIMESTAMP, SIGNATURE)}
    return {name: values[0] for name, values in given.items() if len(values) == 1}


def _take(system: System, headers: dict[str, str], body: bytes) -> Verdict:
    if not system.is_from_warehouse(headers, body):
        system.metrics.record(Metric.WAREHOUSE_EVENTS, reason="unsigned")
        raise Unauthenticated
    try:
        verdict = _move_order(system, body)
    except (Malformed, TooManyShipments) as error:
        system.metrics.record(Metric.WAREHOUSE_EVENTS, reason="malformed")
        log.warning("an event of the warehouse was refused: %s", error)
        raise EventInvalid(str(error)) from None
    system.metrics.record(Metric.WAREHOUSE_EVENTS, reason=verdict)
    if verdict is Verdict.UNKNOWN:
        raise DeliveryNotFound
    if verdict is Verdict.TOO_EARLY:
        raise EventTooEarly(RETRY_AFTER)
    return verdict


def _move_order(system: System, body: bytes) -> Verdict:
    event = read_event(body)
    order = system.store.get(event.order_id) if event.order_id else None
    if order is None:
        return Verdict.UNKNOWN
    logs.note(order_id=order.order_id)
    return WarehouseEvents(system).take(event.about(order), order)
