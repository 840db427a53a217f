"""The operators' routes, and messages that name no order, in each deployment."""

import asyncio
from typing import Any

import pytest

from tests.flow.deployments import STANDARD
from tests.flow.orders import check, dead_messages, send_messages, submit
from tests.system import dead_letters, key_for, settled, until

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.usefixtures("poison", "slow_orders"),
    pytest.mark.parametrize("deployment", STANDARD, indirect=True, scope="package"),
]


async def test_operators_get_the_console_and_the_statistics(deployment, run):
    async with deployment.api() as api:
        order_id = await submit(api, key_for(deployment.settings, ("FULFILLED", 1), run))
        await settled(api, order_id, deployment.patience)
        page = await api.get("/console")
        assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for name in ("main.js", "style.css", "icon.svg"):
            assert (await api.get(f"/console/{name}")).status_code == 200

        async def read() -> dict[str, Any]:
            return (await api.get("/stats")).json()

        def counts_it(stats: dict[str, Any]) -> bool:
            """False for a busy server's error, and for statistics from before the order."""
            return (
                "orders" in stats and stats["orders"]["FULFILLED"]["count"] > 0 and stats["last_hour"]["fulfilled"] > 0
            )

        stats = await until(read, counts_it, deployment.patience)
    assert stats["last_hour"]["seconds_to_fulfillment"]["p50"] > 0


async def test_poison_messages_go_to_the_dead_letter_queue_and_delay_no_order(deployment, poison, run):
    dead = await asyncio.to_thread(dead_letters, deployment)
    assert sorted(body for body in dead if body in poison) == sorted(poison)
    await send_messages(deployment, [f"more poison {run}"])
    async with deployment.api() as api:
        order_id = await submit(api, key_for(deployment.settings, ("FULFILLED", 1), run))
        await settled(api, order_id, deployment.patience)
    await check(deployment, [order_id])


async def test_a_redrive_sends_a_failed_order_again_and_removes_its_dead_letter_message(deployment, slow_orders):
    """After the redrive the order may fail again, with a new epoch."""
    order_id = slow_orders.to_redrive
    async with deployment.api() as api:
        await settled(api, order_id, deployment.patience)
        message = (await dead_messages(deployment, order_id))[0]
        shown = (await api.get(f"/failed-orders/{order_id}")).json()
        assert (shown["attempts"], shown["epoch"]) == (3, 0)
        answer = await api.post(f"/failed-orders/{order_id}/redrive", json={"note": "again", "epoch": 0})
        assert answer.status_code == 200, answer.text

        async def read() -> list[str]:
            return await asyncio.to_thread(dead_letters, deployment)

        await until(read, lambda found: message not in found, deployment.patience)
        order = await settled(api, order_id, deployment.patience)
        assert ("FAILED", "PENDING", "again") in [
            (entry["from"], entry["to"], entry["reason"]) for entry in order["timeline"]
        ]
        again = (await api.get(f"/failed-orders/{order_id}")).json().get("epoch")
        assert again == (1 if order["status"] == "FAILED" else None)
