"""Every path through the state machine in the emulator's interpreter, with the messages that it sends."""

import json
from types import SimpleNamespace

import pytest

from tests.support import valid_order


def test_a_valid_order_becomes_pending_and_only_its_id_is_sent(workflow):
    order_id = workflow.receive("ord_valid")
    ended = workflow.run({"order_id": order_id})
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {"order_id": order_id}
    assert [json.loads(body) for body in workflow.messages()] == [{"order_id": order_id}]
    assert workflow.status(order_id) == "PENDING"


ADDRESS = {"name": "canary", "line1": "canary", "city": "canary", "country": "DE", "email": "canary@example.com"}


@pytest.mark.parametrize(
    ("changes", "status"), [({}, "SUCCEEDED"), ({"ship_to": ADDRESS | {"country": "canary"}}, "FAILED")]
)
def test_an_execution_history_and_messages_contain_no_order_data(changes, status, workflow):
    private = {"customer_id": "canary", "reference": "canary", "ship_to": ADDRESS, "note": "canary", **changes}
    order_id = workflow.receive("ord_private", **private)
    ended = workflow.run({"order_id": order_id})
    assert ended["status"] == status
    events = workflow.cloud.client("stepfunctions").get_execution_history(executionArn=ended["executionArn"])["events"]
    assert "canary" not in json.dumps([events, ended, workflow.messages()], default=str)


def test_an_invalid_order_is_rejected_and_the_execution_fails_with_its_field_errors(workflow):
    order_id = workflow.receive("ord_invalid", total_amount=1, items=[])
    ended = workflow.run({"order_id": order_id})
    assert (ended["status"], ended["error"]) == ("FAILED", "OrderRejected")
    cause = json.loads(ended["cause"])
    assert cause["order_id"] == order_id
    assert [error["pointer"] for error in cause["errors"]] == ["/items"]
    order = workflow.cloud.system.store.get(order_id)
    assert order.status == "REJECTED"
    assert [error.pointer for error in order.errors] == ["/items"]
    assert workflow.messages() == []


def test_a_raw_order_started_by_hand_is_received_validated_and_sent(workflow):
    ended = workflow.run({"order": valid_order()})
    order = workflow.only_order()
    assert ended["status"] == "SUCCEEDED"
    assert order.status == "PENDING"
    assert str(order.document["total_amount"]) == "59.98"
    payload = {"order_id": order.order_id, "traceparent": order.traceparent}
    assert [json.loads(body) for body in workflow.messages()] == [payload]


def test_an_invalid_raw_order_is_stored_as_rejected(workflow):
    ended = workflow.run({"order": {**valid_order(), "customer_id": ""}})
    assert (ended["status"], ended["error"]) == ("FAILED", "OrderRejected")
    assert workflow.only_order().status == "REJECTED"
    assert workflow.messages() == []


@pytest.mark.parametrize("given", [{}, {"something": 1}, [], "text"])
def test_an_input_without_an_order_fails_and_sends_nothing(workflow, given):
    ended = workflow.run(given)
    assert ended["status"] == "FAILED"
    assert workflow.messages() == []


def test_an_unknown_order_id_fails_without_retries(workflow):
    ended = workflow.run({"order_id": "ord_unknown"})
    assert (ended["status"], ended["error"]) == ("FAILED", "OrderWorkflowFailed")
    assert "OrderUnknown" in ended["cause"]
    assert len(workflow.events) == 1


def test_a_replay_for_a_pending_order_succeeds(workflow):
    order_id = workflow.receive("ord_replay")
    assert workflow.run({"order_id": order_id}, "first")["status"] == "SUCCEEDED"
    assert workflow.run({"order_id": order_id}, "second")["status"] == "SUCCEEDED"
    assert workflow.status(order_id) == "PENDING"


def test_a_failed_step_is_retried(workflow):
    order_id = workflow.receive("ord_retry")
    workflow.failures = [TimeoutError("DynamoDB")]
    assert workflow.run({"order_id": order_id})["status"] == "SUCCEEDED"
    assert len(workflow.events) == 3


def test_a_step_that_keeps_failing_fails_the_execution_and_leaves_the_order_unchanged(workflow, monkeypatch):
    order_id = workflow.receive("ord_stuck")
    _without_waiting(monkeypatch)
    workflow.failures = [TimeoutError("DynamoDB")] * 100
    ended = workflow.run({"order_id": order_id})
    assert (ended["status"], ended["error"]) == ("FAILED", "OrderWorkflowFailed")
    assert len(workflow.events) == 5, "one try and four more"
    assert workflow.status(order_id) == "RECEIVED"


def test_an_unavailable_queue_fails_the_execution_and_the_order_stays_pending(workflow, monkeypatch):
    order_id = workflow.receive("ord_unsent")
    _without_waiting(monkeypatch)
    workflow.cloud.client("sqs").delete_queue(QueueUrl=workflow.cloud.settings.queue_url)
    ended = workflow.run({"order_id": order_id})
    assert (ended["status"], ended["error"]) == ("FAILED", "OrderWorkflowFailed")
    assert workflow.status(order_id) == "PENDING"


def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the interpreter's backoff."""
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

    monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=lambda _: None))
