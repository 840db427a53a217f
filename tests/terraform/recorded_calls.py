"""Records the AWS calls of the embedded system, as the actions and resources that IAM checks."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

from service.aws.secret import read_secret_text
from service.embedded.cloud import EmbeddedCloud
from service.orders.submission import new_order
from service.steps import store
from tests.embedded.support import client, running_cloud
from tests.support import valid_order
from tests.system import depth_becomes, key_for, settled
from tests.terraform.policies import warehouse_secret_arn

SOON = timedelta(seconds=5)
TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}

Call = tuple[str, str]
"""An action, and the ARN of the resource."""


class Recorder:
    """Records each call of a system's clients."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self.calls: set[Call] = set()
        self._names = cloud.names
        clients = cloud.system._clients
        for each in (clients.dynamodb, clients.secretsmanager, clients.sqs, clients.stepfunctions):
            each.meta.events.register("provide-client-params", self._record)

    def _record(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        match model.service_model.service_name:
            case "dynamodb":
                self.calls |= set(self._dynamodb(model.name, params))
            case "sqs":
                self.calls.add((f"sqs:{model.name}", self._names.queue_arn(params["QueueUrl"].rpartition("/")[2])))
            case "secretsmanager":
                self.calls.add((f"secretsmanager:{model.name}", params["SecretId"]))
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


async def record_calls() -> set[Call]:
    """Record the calls of the system while it fulfills, fails, redrives, rejects, reconciles and lists orders."""
    with running_cloud(restart_after=1, embedded_reconcile_every=0.5) as cloud:
        recorder, system = Recorder(cloud), cloud.system
        system.policy = replace(system.policy, recover_after=SOON, resend_after=SOON)
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
                    # The redrive removes the message, unless the reconciler is quicker.
                    await depth_becomes(cloud, cloud.names.dead_letter_queue, 0)
            rejected = await api.post("/order", json={}, headers={"Prefer": "handling=lenient"})
            await settled(api, rejected.json()["order_id"])
            for order_id in ("ord_never_started", "ord_never_sent"):
                order = new_order(
                    valid_order(), order_id=order_id, owner="a", actor="api", at=system.now(), write_id=system.new_id()
                )
                system.store.create(order)
            store.run({"order_id": "ord_never_sent"}, system)
            for order_id in ("ord_never_started", "ord_never_sent"):
                await settled(api, order_id)
            secret = warehouse_secret_arn(cloud.names)
            cloud.client("secretsmanager").create_secret(Name=secret.rpartition(":")[2], SecretString="any")
            assert read_secret_text(system._clients, secret) == "any"
            for path in (
                "/orders?customer_id=cust_123",
                "/orders?reference=%231001",
                "/orders?status=FAILED",
                "/ready",
                "/stats",
            ):
                assert (await api.get(path)).status_code == 200
    return recorder.calls
