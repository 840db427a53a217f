"""Each AWS call that the system makes is allowed by Terraform's policies, and what they allow is called."""

import json
import uuid
from fnmatch import fnmatchcase
from typing import Any

import pytest

from service.embedded.cloud import EmbeddedCloud
from service.orders.submission import received
from service.steps import store
from tests.embedded.support import client, running_cloud
from tests.support import valid_order
from tests.system import depth_becomes, key_for, settled

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

NOT_CALLED_BY_US = {
    "logs:CreateLogStream": "the runtime writes the log with the function's role",
    "logs:PutLogEvents": "the runtime writes the log with the function's role",
}
TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}

Call = tuple[str, str]
"""An action, and the ARN of what it is done to."""


class Recorder:
    """Notes each call of the system's clients, as the actions and resources that IAM would look at."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self.calls: set[Call] = set()
        self._names = cloud.names
        clients = cloud.system._clients
        for each in (clients.dynamodb, clients.sqs, clients.stepfunctions):
            each.meta.events.register("provide-client-params", self._note)

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        match model.service_model.service_name:
            case "dynamodb":
                self.calls |= set(self._dynamodb(model.name, params))
            case "sqs":
                self.calls.add((f"sqs:{model.name}", self._names.queue_arn(params["QueueUrl"].rpartition("/")[2])))
            case "stepfunctions":
                self.calls.add((f"states:{model.name}", params["stateMachineArn"]))

    def _dynamodb(self, operation: str, params: dict[str, Any]) -> list[Call]:
        if operation == "TransactWriteItems":
            parts = [(kind, part) for item in params["TransactItems"] for kind, part in item.items()]
            return [(f"dynamodb:{TRANSACTION[kind]}", self._table(part["TableName"])) for kind, part in parts]
        if operation == "BatchGetItem":
            return [(f"dynamodb:{operation}", self._table(name)) for name in params["RequestItems"]]
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        return [(f"dynamodb:{operation}", self._table(params["TableName"]) + index)]

    def _table(self, name: str) -> str:
        return f"arn:aws:dynamodb:{self._names.region}:{self._names.account}:table/{name}"


@pytest.fixture(scope="module")
async def calls() -> set[Call]:
    """What the system calls when it does everything that it can do."""
    with running_cloud(visibility_timeout=1, resend_after=5, restart_after=1, embedded_reconcile_every=0.5) as cloud:
        recorder, system = Recorder(cloud), cloud.system
        async with client(cloud) as api:
            for outcome in (("FULFILLED", 1), ("FAILED", 3)):
                key = key_for(cloud.settings, outcome, uuid.uuid4().hex)
                answer = await api.post("/order", json=valid_order(), headers={"Idempotency-Key": key})
                order_id = answer.json()["order_id"]
                if (await settled(api, order_id))["status"] == "FAILED":
                    await depth_becomes(cloud, cloud.names.dead_letter_queue, 1)
                    assert (await api.get("/failed-orders")).json()["failed_orders"]
                    assert (await api.get(f"/failed-orders/{order_id}")).status_code == 200
                    system.dead_letters.remove(lambda _: False, 10)
                    redriven = await api.post("/failed-orders/redrive", json={"note": "the warehouse is open again"})
                    assert [each["outcome"] for each in redriven.json()["results"]] == ["redriven"]
                    # By the redrive, or by the reconciler that was quicker.
                    await depth_becomes(cloud, cloud.names.dead_letter_queue, 0)
            rejected = await api.post("/order", json={}, headers={"Prefer": "handling=lenient"})
            await settled(api, rejected.json()["order_id"])
            for order_id in ("ord_never_started", "ord_never_sent"):
                order = received(
                    valid_order(), order_id=order_id, owner="a", actor="api", at=system.now(), write_id=system.new_id()
                )
                system.store.create(order)
            store.run({"order_id": "ord_never_sent"}, system)
            for order_id in ("ord_never_started", "ord_never_sent"):
                await settled(api, order_id)
            for path in ("/orders?customer_id=cust_123", "/orders?status=FAILED", "/ready", "/stats"):
                assert (await api.get(path)).status_code == 200
    return recorder.calls


def statements(policy: str) -> list[dict[str, Any]]:
    return [each for each in json.loads(policy)["Statement"] if each["Effect"] == "Allow"]


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def allows(policy: str, action: str, resource: str) -> bool:
    return any(
        action in listed(each["Action"]) and any(fnmatchcase(resource, allowed) for allowed in listed(each["Resource"]))
        for each in statements(policy)
    )


@pytest.fixture
def policy(deployed) -> str:
    """The function's policy, for the account of the embedded cloud."""
    text: str = deployed.root.resources()["aws_iam_policy.function"]["policy"]
    return text.replace(deployed.names.account, "123456789012")


async def test_every_call_is_allowed(calls, policy):
    refused = {(action, resource) for action, resource in calls if not allows(policy, action, resource)}
    assert not refused


async def test_every_action_that_is_allowed_is_called_or_has_its_reason(calls, policy):
    allowed = {action for each in statements(policy) for action in listed(each["Action"])}
    called = {action for action, _ in calls}
    assert allowed - called == NOT_CALLED_BY_US.keys()


async def test_nothing_is_allowed_on_anything_else(policy):
    assert not allows(policy, "dynamodb:PutItem", "arn:aws:dynamodb:ap-south-1:123456789012:table/others")
    assert not allows(policy, "sqs:SendMessage", "arn:aws:sqs:ap-south-1:123456789012:dofs-fulfillment-dlq-dev")
    assert not allows(policy, "sqs:PurgeQueue", "arn:aws:sqs:ap-south-1:123456789012:dofs-fulfillment-dlq-dev")
    assert not allows(policy, "dynamodb:Scan", "arn:aws:dynamodb:ap-south-1:123456789012:table/dofs-orders-dev")


async def test_the_workflow_may_do_what_its_definition_does(deployed):
    resources = deployed.root.resources()
    definition = json.loads(resources["aws_sfn_state_machine.orders"]["definition"])
    policy = resources["aws_iam_role_policy.workflow"]["policy"]
    tasks = [state for state in definition["States"].values() if state["Type"] == "Task"]
    assert tasks
    for task in tasks:
        if task["Resource"].endswith("lambda:invoke"):
            assert allows(policy, "lambda:InvokeFunction", task["Parameters"]["FunctionName"])
        else:
            assert task["Resource"].endswith("sqs:sendMessage")
            queue = deployed.names.queue_arn(task["Parameters"]["QueueUrl"].rpartition("/")[2])
            assert allows(policy, "sqs:SendMessage", queue)
