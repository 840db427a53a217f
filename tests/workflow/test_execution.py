"""Every path through the state machine, executed by the emulator's interpreter, with the messages it sends."""

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from service.embedded.cloud import EmbeddedCloud, embedded_settings
from service.handler import dispatch
from service.orders.submission import received
from tests.support import valid_order


class Workflow:
    """A cloud whose queue nobody reads, and whose steps can be made to fail."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self.cloud = cloud
        self.failures: list[Exception] = []
        self.events: list[Any] = []

    def handle(self, event: Any, context: Any, system: Any) -> Any:
        self.events.append(event)
        if self.failures:
            raise self.failures.pop()
        return dispatch(event, context, system)

    def receive(self, order_id: str, **changes: Any) -> str:
        system = self.cloud.system
        content = {**valid_order(), **changes}
        order = received(content, order_id=order_id, owner="a", actor="api", at=system.now(), write_id=system.new_id())
        return system.store.create(order).order_id

    def run(self, given: Any, name: str = "by-hand") -> dict[str, Any]:
        stepfunctions = self.cloud.client("stepfunctions")
        started = stepfunctions.start_execution(
            stateMachineArn=self.cloud.names.state_machine_arn, name=name, input=json.dumps(given)
        )
        ends = time.monotonic() + 30
        while (found := stepfunctions.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
            assert time.monotonic() < ends, "the execution does not end"
            time.sleep(0.02)
        return found

    def messages(self) -> list[str]:
        url = self.cloud.settings.queue_url
        found = self.cloud.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", [])]

    def status(self, order_id: str) -> str:
        order = self.cloud.system.store.get(order_id)
        assert order is not None
        return str(order.status)

    def only_order(self) -> Any:
        rows = self.cloud.client("dynamodb").scan(TableName=self.cloud.settings.orders_table)["Items"]
        assert len(rows) == 1
        return self.cloud.system.store.get(rows[0]["order_id"]["S"])


@pytest.fixture
def workflow(monkeypatch):
    from service.embedded import cloud as module

    class Nobody:
        def __init__(self, *_: Any) -> None: ...
        def start(self) -> None: ...
        def stop(self) -> None: ...

    cloud = EmbeddedCloud(embedded_settings({"DOFS_EMBEDDED_AWS_PORT": "0"}))
    workflow = Workflow(cloud)
    monkeypatch.setattr(module, "EventSource", Nobody)
    monkeypatch.setattr(module, "Schedule", Nobody)
    monkeypatch.setattr(module, "dispatch", workflow.handle)
    cloud.start()
    yield workflow
    cloud.stop()


def test_a_valid_order_becomes_pending_and_its_id_alone_is_sent(workflow):
    order_id = workflow.receive("ord_valid")
    ended = workflow.run({"order_id": order_id})
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {"order_id": order_id}
    assert [json.loads(body) for body in workflow.messages()] == [{"order_id": order_id}]
    assert workflow.status(order_id) == "PENDING"


def test_an_execution_carries_the_id_and_nothing_of_the_order(workflow):
    order_id = workflow.receive("ord_private", customer_id="canary")
    ended = workflow.run({"order_id": order_id})
    events = workflow.cloud.client("stepfunctions").get_execution_history(executionArn=ended["executionArn"])["events"]
    assert "canary" not in json.dumps(events, default=str)


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


def test_a_raw_order_that_is_started_by_hand_is_received_validated_and_sent(workflow):
    ended = workflow.run({"order": valid_order()})
    order = workflow.only_order()
    assert ended["status"] == "SUCCEEDED"
    assert order.status == "PENDING"
    assert str(order.document["total_amount"]) == "59.98"
    carried = {"order_id": order.order_id, "traceparent": order.traceparent}
    assert [json.loads(body) for body in workflow.messages()] == [carried]


def test_a_raw_order_that_is_not_valid_is_on_record_as_rejected(workflow):
    ended = workflow.run({"order": {**valid_order(), "customer_id": ""}})
    assert (ended["status"], ended["error"]) == ("FAILED", "OrderRejected")
    assert workflow.only_order().status == "REJECTED"
    assert workflow.messages() == []


@pytest.mark.parametrize("given", [{}, {"something": 1}, [], "text"])
def test_an_input_that_names_no_order_fails_and_leaves_nothing(workflow, given):
    ended = workflow.run(given)
    assert ended["status"] == "FAILED"
    assert workflow.messages() == []


def test_an_id_without_an_order_fails_at_once_and_says_so(workflow):
    ended = workflow.run({"order_id": "ord_unknown"})
    assert (ended["status"], ended["error"]) == ("FAILED", "OrderWorkflowFailed")
    assert "OrderUnknown" in ended["cause"]
    assert len(workflow.events) == 1


def test_a_replay_for_an_order_that_has_moved_on_succeeds(workflow):
    order_id = workflow.receive("ord_replay")
    assert workflow.run({"order_id": order_id}, "first")["status"] == "SUCCEEDED"
    assert workflow.run({"order_id": order_id}, "second")["status"] == "SUCCEEDED"
    assert workflow.status(order_id) == "PENDING"


def test_a_step_that_fails_once_is_tried_again(workflow):
    order_id = workflow.receive("ord_retry")
    workflow.failures = [TimeoutError("DynamoDB")]
    assert workflow.run({"order_id": order_id})["status"] == "SUCCEEDED"
    assert len(workflow.events) == 3


def test_a_step_that_fails_for_good_fails_the_execution_and_the_order_stays_where_it_is(workflow, monkeypatch):
    order_id = workflow.receive("ord_stuck")
    _without_waiting(monkeypatch)
    workflow.failures = [TimeoutError("DynamoDB")] * 100
    ended = workflow.run({"order_id": order_id})
    assert (ended["status"], ended["error"]) == ("FAILED", "OrderWorkflowFailed")
    assert len(workflow.events) == 5, "one try and four more"
    assert workflow.status(order_id) == "RECEIVED"


def test_a_queue_that_cannot_be_sent_to_fails_the_execution_and_the_order_waits(workflow, monkeypatch):
    order_id = workflow.receive("ord_unsent")
    _without_waiting(monkeypatch)
    workflow.cloud.client("sqs").delete_queue(QueueUrl=workflow.cloud.settings.queue_url)
    ended = workflow.run({"order_id": order_id})
    assert (ended["status"], ended["error"]) == ("FAILED", "OrderWorkflowFailed")
    assert workflow.status(order_id) == "PENDING"


def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the interpreter's back-off as waited."""
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

    monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=lambda _: None))
