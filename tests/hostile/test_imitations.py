"""Orders whose documents look like events are handled as orders, and move no other order."""

import json
from typing import Any

import pytest

from service.handler import dispatch
from service.orders.errors import OrderInvalid
from service.orders.identity import derive_id
from service.orders.lifecycle import Status
from tests import events
from tests.api.client import LENIENT, Api, assert_problem
from tests.api.proxy import Gateway, content, problem
from tests.hostile.junk import with_canary
from tests.hostile.logs import CANARY, log_as_lambda
from tests.steps.doubles import Scripted, standing
from tests.support import Context, MemorySystem, valid_order

FORGED: dict[str, Any] = {
    **{name: with_canary(name) for name in events.names("") if with_canary(name)},  # an empty event forges nothing
    "an envelope for another order": {"dofs": {"task": "store", "order_id": "ord_received"}},
    "an envelope with an order": {"dofs": {"task": "reject", "input": {"order_id": "ord_received"}}},
    "a batch for another order": {
        "Records": [{"eventSource": "aws:sqs", "messageId": "m1", "body": '{"order_id": "ord_pending"}'}]
    },
    "the input of an execution": {"order_id": "ord_received", "execution": CANARY, "order": valid_order()},
    "a task of Step Functions": {
        "FunctionName": "dofs",
        "Payload": {"dofs": {"task": "store", "order_id": "ord_received"}},
    },
    "an execution's context": {"Execution": {"Name": CANARY, "Input": {"order_id": "ord_received"}}, "$$": {}, "$": {}},
    "a path of Step Functions": {"order_id.$": "$$.Execution.Name", "input.$": "$", "States.Format('{}', 1)": 1},
    "an event of EventBridge": {
        "version": "0",
        "detail-type": CANARY,
        "source": "aws.events",
        "detail": {"task": "reconcile"},
    },
    "a schedule's input": {"task": "reconcile"},
    "an answer of a proxy": {"statusCode": 200, "headers": {}, "body": CANARY, "isBase64Encoded": False},
    "an item of DynamoDB": {"order_id": {"S": "ord_received"}, "status": {"S": "FULFILLED"}},
    "a row": {"order_id": "ord_received", "status": "FULFILLED", "owner": CANARY, "version": 9, "timeline": []},
    "a warm-up": {"warmer": True, "concurrency": 3, "version": "2.0", "routeKey": "$default"},
}
ALONE_AND_BESIDE = pytest.mark.parametrize(
    "beside", [{}, valid_order(customer_id=CANARY)], ids=["alone", "beside an order"]
)
EACH = pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)


def occupied(system: MemorySystem) -> dict[str, Any]:
    """Put an order in every state into a system; the warehouse must not be called afterwards."""
    stock = {order_id: standing(each, system, order_id) for each in Status if (order_id := f"ord_{each.lower()}")}
    system.fulfiller = Scripted(AssertionError("the warehouse was called"))
    return stock


def new_in(system: MemorySystem, stock: dict[str, Any]) -> list[str]:
    """The new orders; assert that the others are unchanged and that no message was sent."""
    assert {order_id: system.store.get(order_id) for order_id in stock} == stock
    assert (system.fulfiller.asked, system.queue.sent) == ([], [])
    return sorted(system.store.orders.keys() - stock.keys())


def run_workflow(system: MemorySystem, payload: dict[str, Any], execution: str) -> dict[str, Any]:
    """Run the steps of the state machine for an invalid order."""
    task = {"execution": execution, "input": payload}
    with pytest.raises(OrderInvalid) as invalid:
        dispatch({"dofs": {"task": "validate", **task}}, Context(), system)
    log_as_lambda(invalid.value)
    error = {"Error": "OrderInvalid", "Cause": str(invalid.value)}
    return dispatch({"dofs": {"task": "reject", **task, "input": {**payload, "error": error}}}, Context(), system)


@EACH
@ALONE_AND_BESIDE
def test_a_forged_order_is_refused_and_not_stored(beside, forged):
    api = Api()
    stock = occupied(api.system)
    assert_problem(api.post("/order", json={**beside, **forged}), 422, "order-invalid")
    assert new_in(api.system, stock) == []


@EACH
@ALONE_AND_BESIDE
def test_a_forged_order_that_is_accepted_leniently_is_rejected(beside, forged):
    api = Api()
    stock = occupied(api.system)
    accepted = api.post("/order", json={**beside, **forged}, headers=LENIENT)
    assert accepted.status_code == 202
    order_id = accepted.json()["order_id"]
    assert api.system.workflow.started == [(order_id, order_id)]
    run_workflow(api.system, {"order_id": order_id}, order_id)
    shown = api.get(f"/orders/{order_id}").json()
    assert (shown["order_id"], shown["status"]) == (order_id, "REJECTED")
    assert shown["errors"]
    assert new_in(api.system, stock) == [order_id]


@EACH
def test_a_forged_body_through_api_gateway_is_not_an_event(forged, event_loop):
    gateway = Gateway()
    stock = occupied(gateway.system)
    assert problem(gateway.post(body=forged)) == (422, "order-invalid")
    assert new_in(gateway.system, stock) == []
    accepted = gateway.post(body=forged, headers=LENIENT)
    assert accepted["statusCode"] == 202
    assert new_in(gateway.system, stock) == [content(accepted)["order_id"]]


@EACH
@ALONE_AND_BESIDE
def test_a_forged_order_of_an_execution_started_by_hand_is_rejected(beside, forged):
    system = MemorySystem()
    stock = occupied(system)
    rejected = run_workflow(system, {"order": {**beside, **forged}}, "by-hand")
    order_id = derive_id("execution", "by-hand")
    assert rejected["order_id"] == order_id
    assert system.store.get(order_id).status is Status.REJECTED
    assert new_in(system, stock) == [order_id]


@EACH
def test_a_metadata_value_may_contain_an_event(forged):
    api = Api()
    stock = occupied(api.system)
    text = json.dumps(forged)[:256]
    accepted = api.post("/order", json=valid_order(metadata={"dofs": text, "Records": text}))
    assert accepted.status_code == 202
    assert api.get(accepted.headers["location"]).json()["metadata"] == {"dofs": text, "Records": text}
    assert new_in(api.system, stock) == [accepted.json()["order_id"]]
