"""An EXPRESS execution can run twice, concurrently, or with a reused name; each order is still processed once.

https://docs.aws.amazon.com/step-functions/latest/dg/express-at-least-once-execution.html
"""

import json
import threading

import pytest

from service.orders.identity import derive_id
from service.steps import reconcile
from tests.polling import PATIENCE
from tests.support import valid_order

BOTH = ["STANDARD", "EXPRESS"]
express = pytest.mark.parametrize("workflow", ["EXPRESS"], indirect=True)


def run_two_at_once(workflow, given):
    """Run two executions of one name in lockstep; return their descriptions."""
    workflow.before = threading.Barrier(2, timeout=PATIENCE).wait
    running = [workflow.start(given, "one-name") for _ in range(2)]
    return [workflow.ended(arn) for arn in running]


def moves(order):
    return [(entry.source, entry.target, entry.actor) for entry in order.timeline]


@express
def test_two_concurrent_executions_store_an_order_once_and_both_send_its_id(workflow):
    order_id = workflow.receive("ord_twice")
    ended = run_two_at_once(workflow, {"order_id": order_id})
    assert [each["status"] for each in ended] == ["SUCCEEDED"] * 2
    assert ended[0]["executionArn"] != ended[1]["executionArn"]
    order = workflow.cloud.system.store.get(order_id)
    assert moves(order) == [(None, "RECEIVED", "api"), ("RECEIVED", "PENDING", "workflow")]
    assert order.version == 2
    assert [json.loads(body) for body in workflow.messages()] == [{"order_id": order_id}] * 2


@express
def test_two_concurrent_executions_reject_an_invalid_order_once(workflow):
    order_id = workflow.receive("ord_twice", items=[])
    ended = run_two_at_once(workflow, {"order_id": order_id})
    assert [(each["status"], each["error"]) for each in ended] == [("FAILED", "OrderRejected")] * 2
    assert ended[0]["cause"] == ended[1]["cause"]
    order = workflow.cloud.system.store.get(order_id)
    assert moves(order) == [(None, "RECEIVED", "api"), ("RECEIVED", "REJECTED", "workflow")]
    assert workflow.messages() == []


@express
def test_two_concurrent_executions_of_a_raw_order_create_one_order(workflow):
    ended = run_two_at_once(workflow, {"order": valid_order()})
    assert [each["status"] for each in ended] == ["SUCCEEDED"] * 2
    assert ended[0]["output"] == ended[1]["output"]
    order = workflow.only_order()
    assert moves(order) == [(None, "RECEIVED", "workflow"), ("RECEIVED", "PENDING", "workflow")]


@express
def test_a_reused_execution_name_is_the_same_order_or_refused(workflow):
    """The id of a raw order is derived from the execution's name, which the caller chooses."""
    first = workflow.run({"order": valid_order()}, "by-hand")
    assert workflow.run({"order": valid_order()}, "by-hand")["output"] == first["output"]
    other = workflow.run({"order": valid_order(customer_id="cust_456")}, "by-hand")
    assert (other["status"], other["error"]) == ("FAILED", "OrderWorkflowFailed")
    assert json.loads(other["cause"])["errorType"] == "KeyReused"
    order = workflow.only_order()
    assert order.order_id == derive_id("execution", "by-hand") == json.loads(first["output"])["order_id"]
    assert order.customer_id == "cust_123"


@pytest.mark.parametrize("workflow", BOTH, indirect=True)
def test_the_reconciler_restarts_the_order_of_an_execution_that_timed_out(workflow):
    definition = workflow.machine.definition
    workflow.machine.definition = json.dumps({**json.loads(definition), "TimeoutSeconds": 1})
    order_id, released = workflow.receive("ord_slow"), threading.Event()
    workflow.before = lambda: released.wait(PATIENCE)
    try:
        assert workflow.run({"order_id": order_id}, order_id)["status"] == "TIMED_OUT"
        assert workflow.status(order_id) == "RECEIVED"
        workflow.before = lambda: None
        workflow.machine.definition = definition  # a slow machine may need more than a second for the next execution
        assert reconcile.run({}, workflow.cloud.system, lambda: 30)["restarted"] == 1
        again = workflow.machine.executions[-1]
        assert (again.name, workflow.ended(again.execution_arn)["status"]) == (f"{order_id}-1", "SUCCEEDED")
    finally:
        released.set()
    assert workflow.status(order_id) == "PENDING"
    assert [json.loads(body) for body in workflow.messages()] == [{"order_id": order_id}]
