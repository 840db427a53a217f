"""The state machine in the emulator; a test sees every step and can make it fail."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from service.embedded.cloud import EmbeddedCloud
from service.handler import dispatch
from service.orders.submission import new_order
from tests.embedded.support import new_cloud
from tests.polling import eventually
from tests.support import valid_order


class Workflow:
    """A cloud without a queue consumer, whose steps can be made to fail."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self.cloud = cloud
        self.failures: list[Exception] = []
        self.events: list[Any] = []
        self.before: Callable[[], Any] = lambda: None
        """A step calls it before it runs, for example to wait."""

    def handle(self, event: Any, context: Any, system: Any) -> Any:
        self.events.append(event)
        self.before()
        if self.failures:
            raise self.failures.pop()
        return dispatch(event, context, system)

    def receive(self, order_id: str, **changes: Any) -> str:
        system = self.cloud.system
        content = {**valid_order(), **changes}
        order = new_order(content, order_id=order_id, owner="a", actor="api", at=system.now(), write_id=system.new_id())
        return system.store.create(order).order_id

    def start(self, given: Any, name: str) -> str:
        started = self.cloud.client("stepfunctions").start_execution(
            stateMachineArn=self.cloud.names.state_machine_arn, name=name, input=json.dumps(given)
        )
        arn: str = started["executionArn"]
        return arn

    def run(self, given: Any, name: str = "by-hand") -> dict[str, Any]:
        return self.ended(self.start(given, name))

    def ended(self, arn: str) -> dict[str, Any]:
        return eventually(lambda: self._described(arn), lambda found: found["status"] != "RUNNING")

    def _described(self, arn: str) -> dict[str, Any]:
        """The description of an execution, also of an EXPRESS one, for which AWS has no DescribeExecution."""
        (execution,) = (each for each in self.machine.executions if each.execution_arn == arn)
        described: dict[str, Any] = execution.to_describe_output()
        return described

    @property
    def machine(self) -> Any:
        """The state machine inside the emulator, which keeps every execution."""
        names = self.cloud.names
        return stepfunctions_parser_backends[names.account][names.region].describe_state_machine(
            names.state_machine_arn
        )

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
def workflow(monkeypatch, request):
    """The workflow, of type STANDARD by default."""
    from service.embedded import cloud as module

    class NotStarted:
        def __init__(self, *_: Any) -> None: ...
        def start(self) -> None: ...
        def stop(self) -> None: ...

    cloud = new_cloud(restart_after=0.5, workflow_type=getattr(request, "param", "STANDARD"))
    workflow = Workflow(cloud)
    monkeypatch.setattr(module, "EventSource", NotStarted)
    monkeypatch.setattr(module, "Schedule", NotStarted)
    monkeypatch.setattr(module, "dispatch", workflow.handle)
    cloud.start()
    yield workflow
    cloud.stop()
