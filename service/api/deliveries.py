"""Operator routes for orders at the warehouse: look at one now, or give it up."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from service.api.dependencies import OperatorDep
from service.api.operator_requests import Note, problems, read_model, request_body
from service.api.problems import OrderNotFound, ProblemRoute
from service.api.views import DecimalResponse, OrderView
from service.orders.deliveries import Deliveries
from service.orders.identity import is_id

router = APIRouter(route_class=ProblemRoute, tags=["operators"], default_response_class=DecimalResponse)


class GiveUpRequest(BaseModel):
    """Give up an order at the warehouse."""

    model_config = ConfigDict(extra="forbid", strict=True)

    note: Note


@router.post("/orders/{order_id}/look", response_model=OrderView, responses=problems(401, 403, 404, 409, 422, 502, 503))
async def look_at_order(order_id: str, context: OperatorDep) -> DecimalResponse:
    """Ask the warehouse now about an order that is AT_WAREHOUSE, or that failed while the warehouse may have it.

    409: the warehouse does not have it. 502: the warehouse gave no usable answer, and nothing was changed.
    """
    if not is_id(order_id):
        raise OrderNotFound
    look = Deliveries(context.system).look_on_request
    return DecimalResponse(context.view(await context.offload(look, order_id, context.caller.actor)))


@router.post(
    "/orders/{order_id}/give-up",
    response_model=OrderView,
    responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 503),
    openapi_extra=request_body(GiveUpRequest),
)
async def give_up_order(order_id: str, request: Request, context: OperatorDep) -> DecimalResponse:
    """Give up an order that is AT_WAREHOUSE: it becomes FAILED, or PARTLY_FULFILLED if a parcel was shipped.

    The warehouse is not asked to cancel it. A parcel that it still ships is recorded.
    """
    wanted = await read_model(request, GiveUpRequest)
    if not is_id(order_id):
        raise OrderNotFound
    give_up = Deliveries(context.system).give_up
    order = await context.offload(give_up, order_id, context.caller.actor, wanted.note)
    return DecimalResponse(context.view(order))
