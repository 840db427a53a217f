"""What operators do and see, and what is no order, wherever the system runs. The workflow's type is nothing to it."""

import asyncio
import json
from typing import Any

import pytest

from tests.flow.conftest import STANDARD
from tests.flow.orders import check, dead, submitted
from tests.system import dead_letters, key_for, settled, until, url

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("deployment", STANDARD, indirect=True, scope="module")]


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
