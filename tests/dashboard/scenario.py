"""Fifty minutes of a shop in fifty seconds: steady orders, and a period in which the warehouse ships nothing."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from itertools import count
from time import time
from typing import Any

import httpx

from service.embedded.cloud import EmbeddedCloud
from service.orders.ports import Workflow
from service.provisioning.schedule import RECONCILE_EVENT
from service.wiring import LiveSystem
from tests.browser.warehouse import Mood, Warehouse
from tests.support import valid_order

MINUTES = 50
SETTINGS = {
    "function_timeout": 1,
    "deadline_margin": 0.1,
    "visibility_timeout": 6,
    "retry_delay": 1,
    "restart_after": 3,
    "embedded_reconcile_every": 3600,  # the scenario invokes the reconciler itself
    "embedded_executions_kept": 10_000,
    "redrive_rate": 1000,
    "metrics_namespace": "DOFS",
}
PACE = 0.12
MOODS = {
    5: Mood.SUCCEEDS_LATER,
    6: Mood.SUCCEEDS,
    12: Mood.BREAKS,
    12.3: Mood.SUCCEEDS,
    18: Mood.DECLINES,
    27: Mood.SUCCEEDS,
    39: Mood.SUCCEEDS_LATER,
    41: Mood.SUCCEEDS,
    45: Mood.REFUSES,
    45.2: Mood.SUCCEEDS,
}
"""The mood of the warehouse from each minute on."""
POISON_AT, OUTAGE_AT, REDRIVE_AT = 8, 9, 33
LENIENT = {"Prefer": "handling=lenient"}


class UnavailableWorkflow:
    """A workflow whose every start fails."""

    def start(self, order_id: str, name: str, traceparent: str | None = None) -> bool:
        raise ConnectionError("the workflow is unavailable")


class Scenario:
    """The actions of customers and operators on a cloud, from the time ``began`` on."""

    def __init__(self, cloud: EmbeddedCloud, api: httpx.AsyncClient, began: float) -> None:
        self._cloud = cloud
        self._api = api
        self._began = began
        self._keys = count(1)
        self._system: LiveSystem = cloud.system
        self._warehouse = self._system.fulfiller = Warehouse(pace=PACE)

    async def run(self) -> None:
        """Run all actions at their times."""
        actions: list[Awaitable[None]] = [self._minute(minute) for minute in range(-2, MINUTES)]
        actions += [self._at(minute, self._set_mood(mood)) for minute, mood in MOODS.items()]
        actions += [
            self._at(POISON_AT, self._send_poison()),
            self._at(OUTAGE_AT, self._interrupt_workflow()),
            self._at(REDRIVE_AT, self._redrive()),
        ]
        await asyncio.gather(*actions)

    async def _at(self, minute: float, action: Awaitable[None]) -> None:
        await asyncio.sleep(self._began + minute - time())
        await action

    async def _minute(self, minute: int) -> None:
        """Run the actions of one minute."""
        demand = round(5.5 + 2.5 * math.sin(minute / 6) + minute * 7 % 3)
        customers: list[Callable[[], Awaitable[Any]]] = [self._submit_and_read] * demand
        customers += [self._submit_twice] * (minute % 4 == 1)
        customers += [self._submit_invalid] * (minute % 5 == 2)
        customers += [self._submit_invalid_leniently] * (minute % 6 == 3)
        customers += [self._submit_and_cancel] * (minute % 7 == 4)
        actions = [self._at(minute + place / len(customers), each()) for place, each in enumerate(customers)]
        await asyncio.gather(*actions, self._at(minute + 0.05, self._reconcile()))

    async def _reconcile(self) -> None:
        """Invoke the reconciler, as EventBridge does once a minute."""
        invoke, function = self._cloud.client("lambda").invoke, self._cloud.names.alias_arn
        await asyncio.to_thread(invoke, FunctionName=function, Payload=json.dumps(RECONCILE_EVENT))

    async def _submit_and_read(self) -> None:
        """Submit an order, and read it a little later."""
        order_id = await self._submit(f"customer-{next(self._keys):06}-of-the-shop")
        await asyncio.sleep(0.6)
        (await self._api.get(f"/orders/{order_id}")).raise_for_status()

    async def _submit_twice(self) -> None:
        key = f"impatient-{next(self._keys):06}-twice"
        assert await self._submit(key) == await self._submit(key)

    async def _submit_invalid(self) -> None:
        assert (await self._api.post("/order", json=valid_order(items=[]))).status_code == 422

    async def _submit_invalid_leniently(self) -> None:
        assert (await self._api.post("/order", json=valid_order(items=[]), headers=LENIENT)).status_code == 202

    async def _submit_and_cancel(self) -> None:
        """Submit an order and cancel it, which can be too late."""
        order_id = await self._submit(f"hesitant-{next(self._keys):06}-of-the-shop")
        assert (await self._api.post(f"/orders/{order_id}/cancel")).status_code in (200, 202, 409)

    async def _submit(self, key: str) -> str:
        answer = await self._api.post("/order", json=valid_order(), headers={"Idempotency-Key": key})
        assert answer.status_code == 202, answer.text
        order_id: str = answer.json()["order_id"]
        return order_id

    async def _set_mood(self, mood: Mood) -> None:
        self._warehouse.mood = mood

    async def _send_poison(self) -> None:
        """Send a message that names no order."""
        sqs, url = self._cloud.client("sqs"), self._cloud.settings.queue_url
        await asyncio.to_thread(sqs.send_message, QueueUrl=url, MessageBody="what is this?")

    async def _interrupt_workflow(self) -> None:
        """Let workflow starts fail for half a second. The reconciler starts those orders later."""
        available: Workflow = self._system.workflow
        self._system.workflow = UnavailableWorkflow()
        await asyncio.sleep(0.5)
        self._system.workflow = available

    async def _redrive(self) -> None:
        """Redrive all failed orders, one page at a time."""
        wanted = {"note": "the warehouse ships again", "limit": 12}
        while True:
            answer = (await self._api.post("/failed-orders/redrive", json=wanted, timeout=30)).raise_for_status()
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return
            wanted["cursor"] = cursor
            await asyncio.sleep(0.4)
