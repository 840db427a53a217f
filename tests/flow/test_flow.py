"""Each deployment processes orders alike. The tests use only its API and its AWS endpoint."""

import asyncio
import json

import pytest

from service.orders.identity import derive_id
from tests.flow.deployments import EXPRESS, HTTP, STANDARD
from tests.flow.orders import check, dead_messages, execution_name, start_execution, submit
from tests.support import valid_order
from tests.system import ended, keeps_executions, key_for, oracle, settled

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("slow_orders")]


async def test_a_valid_order_is_fulfilled_and_its_timeline_shows_each_step(deployment, run):
    async with deployment.api() as api:
        order_id = await submit(api, key_for(deployment.settings, ("FULFILLED", 1), run))
        order = await settled(api, order_id, deployment.patience)
        listed = (await api.get("/orders", params={"customer_id": "cust_123", "limit": 100})).json()["orders"]
    if await check(deployment, [order_id]):
        assert [(entry["from"], entry["to"], entry["actor"]) for entry in order["timeline"]] == [
            (None, "RECEIVED", "api"),
            ("RECEIVED", "PENDING", "workflow"),
            ("PENDING", "PROCESSING", "fulfillment"),
            ("PROCESSING", "FULFILLED", "fulfillment"),
        ]
    assert order["total_amount"] == 59.98
    assert order_id in [each["order_id"] for each in listed]
    if keeps_executions(deployment):
        execution = await ended(deployment, order_id, deployment.patience)
        assert execution["status"] == "SUCCEEDED"
        assert "cust_123" not in json.dumps([execution["input"], execution["output"]])


async def test_the_workflow_rejects_a_lenient_order_without_customer_and_names_the_field(deployment):
    order = valid_order()
    del order["customer_id"]
    async with deployment.api() as api:
        refused = await api.post("/order", json=order)
        answer = await api.post("/order", json=order, headers={"Prefer": "handling=lenient"})
        assert (refused.status_code, answer.status_code) == (422, 202)
        shown = await settled(api, answer.json()["order_id"], deployment.patience)
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert shown["status"] == "REJECTED"
    assert shown["errors"] == refused.json()["errors"] == [{"pointer": "/customer_id", "detail": "is required"}]
    if keeps_executions(deployment):
        execution = await ended(deployment, shown["order_id"], deployment.patience)
        assert (execution["status"], execution["error"]) == ("FAILED", "OrderRejected")
        assert json.loads(execution["cause"])["errors"] == shown["errors"]


async def test_a_raw_order_of_a_manual_execution_is_processed_like_any_other(deployment, run):
    name = execution_name(deployment, run)
    assert await start_execution(deployment, name, {"order": valid_order(metadata={"by": "hand"})})
    order_id = derive_id("execution", name)
    if keeps_executions(deployment):
        execution = await ended(deployment, name, deployment.patience)
        assert (execution["status"], json.loads(execution["output"])["order_id"]) == ("SUCCEEDED", order_id)
    async with deployment.api() as api:
        order = await settled(api, order_id, deployment.patience)
    assert order["metadata"] == {"by": "hand"}
    assert (order["status"], order["attempts"]) == oracle(deployment.settings, order["order_id"])


@pytest.mark.parametrize("deployment", [*STANDARD, *HTTP, EXPRESS[0]], indirect=True, scope="package")
async def test_many_orders_of_ten_clients_reach_their_expected_states(deployment, run):
    accepted: list[str] = []
    each = 10 if keeps_executions(deployment) and not deployment.warehouse else 3  # a few orders are enough elsewhere
    async with deployment.api() as api:

        async def customer(number: int) -> None:
            for index in range(each):
                key = f"{run}-client-{number}-order-{index}"
                order_id = await submit(api, key)
                accepted.append(order_id)
                if index % 5 == 0:
                    assert await submit(api, key) == order_id

        await asyncio.gather(*(customer(number) for number in range(10)))
        assert len(set(accepted)) == 10 * each
        for order_id in accepted:
            await settled(api, order_id, deployment.patience)
    failed = [order_id for order_id in accepted if oracle(deployment.settings, order_id)[0] == "FAILED"]
    for order_id in failed:
        await dead_messages(deployment, order_id)
    await check(deployment, accepted)


async def test_an_order_that_always_fails_has_three_attempts_and_a_dead_letter_message(deployment, slow_orders):
    order_id = slow_orders.failing
    message = {"order_id": order_id, "traceparent": slow_orders.traceparent}
    async with deployment.api() as api:
        order = await settled(api, order_id, deployment.patience)
    if keeps_executions(deployment):
        execution = await ended(deployment, order_id, deployment.patience)
        assert json.loads(execution["input"]) == json.loads(execution["output"]) == message
    assert (order["status"], order["attempts"]) == ("FAILED", 3)
    assert [entry["to"] for entry in order["timeline"]].count("FAILED") == 1
    dead = [json.loads(body) for body in await dead_messages(deployment, order_id)]
    assert [each for each in dead if each != message] == []
    key = {"order_id": {"S": order_id}}
    failed = deployment.client("dynamodb").get_item(TableName=deployment.settings.failed_orders_table, Key=key)["Item"]
    assert failed["attempts"] == {"N": "3"}
    if await check(deployment, [order_id]):
        assert len(dead) == 1
        assert "attempt 3 of 3" in order["timeline"][-1]["reason"]
        assert failed["reason"] == {"S": "declined"}
