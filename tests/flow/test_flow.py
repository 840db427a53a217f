"""Orders travel the whole way, the same way, wherever the system runs: through its API and its AWS endpoint only."""

import asyncio
import json
import uuid
from typing import Any

import pytest

from tests.flow.conftest import Deployment
from tests.invariants import check_always, check_without_faults
from tests.support import valid_order
from tests.system import dead_letters, ended, key_for, oracle, settled, until, url, world

pytestmark = pytest.mark.anyio


@pytest.fixture
def run() -> str:
    """What tells this run's orders from those that were there before."""
    return uuid.uuid4().hex


async def submitted(api: Any, key: str, **headers: str) -> str:
    """Submit a valid order under a key; its id."""
    answer = await api.post("/order", json=valid_order(), headers={"Idempotency-Key": key, **headers})
    assert answer.status_code == 202, answer.text
    order_id: str = answer.json()["order_id"]
    assert answer.headers["Location"].endswith(f"/orders/{order_id}")
    return order_id


async def check(deployment: Deployment, accepted: list[str]) -> None:
    """Every invariant of a run without faults, of these orders.

    Many orders on few containers are no such run: a batch that waits for too long spends a receive without an attempt,
    as a throttled one does on AWS, and the reconciler sends its orders again. They end as the oracle says all the same.
    """
    left = await asyncio.to_thread(world, deployment, accepted, among_others=True)
    check_always(left)
    if len(accepted) > 1 and deployment.few_containers:
        ends = {order_id: (row["status"], int(row["attempts"])) for order_id, row in left.orders.items()}
        assert ends == {order_id: oracle(deployment.settings, order_id) for order_id in accepted}
    else:
        check_without_faults(left, lambda order_id: oracle(deployment.settings, order_id))


async def dead(deployment: Deployment, text: str) -> list[str]:
    """The dead letters with a text in them, once there are any."""

    async def read() -> list[str]:
        found = await asyncio.to_thread(dead_letters, deployment)
        return [body for body in found if text in body]

    return await until(read, lambda found: len(found) > 0, deployment.patience)


async def test_a_valid_order_is_fulfilled_and_its_timeline_tells_it(deployment, run):
    async with deployment.api() as api:
        order_id = await submitted(api, key_for(deployment.settings, ("FULFILLED", 1), run))
        order = await settled(api, order_id, deployment.patience)
        listed = (await api.get("/orders", params={"customer_id": "cust_123", "limit": 100})).json()["orders"]
    assert [(entry["from"], entry["to"], entry["actor"]) for entry in order["timeline"]] == [
        (None, "RECEIVED", "api"),
        ("RECEIVED", "PENDING", "workflow"),
        ("PENDING", "PROCESSING", "fulfillment"),
        ("PROCESSING", "FULFILLED", "fulfillment"),
    ]
    assert (order["attempts"], order["total_amount"]) == (1, 59.98)
    assert order_id in [each["order_id"] for each in listed]
    execution = await ended(deployment, order_id)
    assert execution["status"] == "SUCCEEDED"
    assert "cust_123" not in json.dumps([execution["input"], execution["output"]])
    await check(deployment, [order_id])


async def test_an_order_that_always_fails_has_three_attempts_and_ends_in_the_dead_letter_queue(deployment, run):
    async with deployment.api() as api:
        trace = {"traceparent": f"00-{uuid.uuid4().hex}-00f067aa0ba902b7-01"}
        order_id = await submitted(api, key_for(deployment.settings, ("FAILED", 3), run), **trace)
        order = await settled(api, order_id, deployment.patience)
        execution = await ended(deployment, order_id)
    carried = {"order_id": order_id, **trace}
    assert json.loads(execution["input"]) == json.loads(execution["output"]) == carried
    assert (order["status"], order["attempts"]) == ("FAILED", 3)
    assert [entry["to"] for entry in order["timeline"]].count("FAILED") == 1
    assert "attempt 3 of 3" in order["timeline"][-1]["reason"]
    assert [json.loads(body) for body in await dead(deployment, order_id)] == [carried]
    key = {"order_id": {"S": order_id}}
    found = deployment.client("dynamodb").get_item(TableName=deployment.settings.failed_orders_table, Key=key)
    assert (found["Item"]["reason"], found["Item"]["attempts"]) == ({"S": "declined"}, {"N": "3"})
    await check(deployment, [order_id])


async def test_a_lenient_order_without_customer_is_rejected_by_the_workflow_with_the_field_named(deployment):
    order = valid_order()
    del order["customer_id"]
    async with deployment.api() as api:
        refused = await api.post("/order", json=order)
        answer = await api.post("/order", json=order, headers={"Prefer": "handling=lenient"})
        assert (refused.status_code, answer.status_code) == (422, 202)
        shown = await settled(api, answer.json()["order_id"], deployment.patience)
        execution = await ended(deployment, shown["order_id"])
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert shown["status"] == "REJECTED"
    assert shown["errors"] == refused.json()["errors"] == [{"pointer": "/customer_id", "detail": "is required"}]
    assert (execution["status"], execution["error"]) == ("FAILED", "OrderRejected")
    assert json.loads(execution["cause"])["errors"] == shown["errors"]


async def test_a_raw_order_that_is_started_by_hand_goes_the_same_way(deployment):
    start = deployment.client("stepfunctions").start_execution
    given = json.dumps({"order": valid_order(metadata={"by": "hand"})})
    started = await asyncio.to_thread(start, stateMachineArn=deployment.names.state_machine_arn, input=given)
    execution = await ended(deployment, started["executionArn"].rpartition(":")[2])
    assert execution["status"] == "SUCCEEDED"
    async with deployment.api() as api:
        order = await settled(api, json.loads(execution["output"])["order_id"], deployment.patience)
    assert order["metadata"] == {"by": "hand"}
    assert (order["status"], order["attempts"]) == oracle(deployment.settings, order["order_id"])


async def test_a_poison_message_goes_to_the_dead_letter_queue_and_holds_up_no_order(deployment, run):
    sqs, queue = deployment.client("sqs"), url(deployment, deployment.names.queue)
    poison = [f"poison {run}", json.dumps({"order_id": f"ord_{run}"}), json.dumps({"no": run})]
    for body in poison:
        await asyncio.to_thread(sqs.send_message, QueueUrl=queue, MessageBody=body)
    async with deployment.api() as api:
        order_id = await submitted(api, key_for(deployment.settings, ("FULFILLED", 1), run))
        assert (await settled(api, order_id, deployment.patience))["status"] == "FULFILLED"

    async def read() -> list[str]:
        found = await asyncio.to_thread(dead_letters, deployment)
        return sorted(body for body in found if run in body)

    await until(read, lambda found: found == sorted(poison), deployment.patience)
    await check(deployment, [order_id])


async def test_a_hundred_orders_of_ten_clients_all_end_as_the_oracle_says(deployment, run):
    accepted: list[str] = []
    async with deployment.api() as api:

        async def customer(number: int) -> None:
            for index in range(10):
                key = f"{run}-client-{number}-order-{index}"
                order_id = await submitted(api, key)
                accepted.append(order_id)
                if index % 5 == 0:
                    assert await submitted(api, key) == order_id

        await asyncio.gather(*(customer(number) for number in range(10)))
        assert len(set(accepted)) == 100
        for order_id in accepted:
            await settled(api, order_id, deployment.patience)
    failed = [order_id for order_id in accepted if oracle(deployment.settings, order_id)[0] == "FAILED"]
    for order_id in failed:
        await dead(deployment, order_id)
    await check(deployment, accepted)


async def test_operators_find_their_page_and_their_figures(deployment, run):
    async with deployment.api() as api:
        order_id = await submitted(api, key_for(deployment.settings, ("FULFILLED", 1), run))
        await settled(api, order_id, deployment.patience)
        page = await api.get("/console")
        assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for name in ("main.js", "style.css", "icon.svg"):
            assert (await api.get(f"/console/{name}")).status_code == 200

        async def figures() -> Any:
            return (await api.get("/stats")).json()

        stats = await until(figures, lambda found: found["orders"]["FULFILLED"]["count"] > 0)
    assert stats["last_hour"]["fulfilled"] > 0
    assert stats["last_hour"]["seconds_to_fulfillment"]["p50"] > 0


async def test_an_order_that_failed_is_redriven_and_its_dead_letter_goes(deployment, run):
    """Its outcomes after the redrive are the oracle's, too: it may fail again, and is then a new failure."""
    async with deployment.api() as api:
        order_id = await submitted(api, key_for(deployment.settings, ("FAILED", 3), run))
        await settled(api, order_id, deployment.patience)
        (letter,) = await dead(deployment, order_id)
        shown = (await api.get(f"/failed-orders/{order_id}")).json()
        assert (shown["reason"], shown["attempts"], shown["epoch"]) == ("declined", 3, 0)
        answer = await api.post(f"/failed-orders/{order_id}/redrive", json={"note": "again", "epoch": 0})
        assert answer.status_code == 200, answer.text

        async def letters() -> list[str]:
            return await asyncio.to_thread(dead_letters, deployment)

        await until(letters, lambda found: letter not in found, deployment.patience)
        order = await settled(api, order_id, deployment.patience)
        assert ("FAILED", "PENDING", "again") in [
            (entry["from"], entry["to"], entry["reason"]) for entry in order["timeline"]
        ]
        again = (await api.get(f"/failed-orders/{order_id}")).json().get("epoch")
        assert again == (1 if order["status"] == "FAILED" else None)
