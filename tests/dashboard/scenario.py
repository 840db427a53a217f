"""Fifty minutes in the life of a shop, each told in a second: orders come steadily, and for a while nothing is sent."""

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
    "visibility_timeout": 1,
    "restart_after": 3,
    "embedded_reconcile_every": 3600,  # instead, the story keeps its own minutes
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
"""How the warehouse fares from each minute on."""
POISONED, NOT_STARTED, MENDED = 8, 9, 33
LENIENT = {"Prefer": "handling=lenient"}


class NotStarting:
    """A workflow that does not start, whatever is asked of it."""

    def start(self, order_id: str, name: str, traceparent: str | None = None) -> bool:
        raise ConnectionError("the workflow is out of reach")


class Scenario:
    """What happens to a cloud through its API, from the moment ``began`` on."""

    def __init__(self, cloud: EmbeddedCloud, api: httpx.AsyncClient, began: float) -> None:
        self._cloud = cloud
        self._api = api
        self._began = began
        self._keys = count(1)
        self._system: LiveSystem = cloud.system
        self._warehouse = self._system.fulfiller = Warehouse(pace=PACE)

    async def told(self) -> None:
        """Tell all of it."""
        happenings: list[Awaitable[None]] = [self._minute(minute) for minute in range(-2, MINUTES)]
        happenings += [self._at(minute, self._fares(mood)) for minute, mood in MOODS.items()]
        happenings += [
            self._at(POISONED, self._poison()),
            self._at(NOT_STARTED, self._workflow_is_away()),
            self._at(MENDED, self._redrive()),
        ]
        await asyncio.gather(*happenings)

    async def _at(self, minute: float, happening: Awaitable[None]) -> None:
        await asyncio.sleep(self._began + minute - time())
        await happening

    async def _minute(self, minute: int) -> None:
        """What customers do within a minute."""
        demand = round(5.5 + 2.5 * math.sin(minute / 6) + minute * 7 % 3)
        does: list[Callable[[], Awaitable[Any]]] = [self._order] * demand
        does += [self._repeated] * (minute % 4 == 1)
        does += [self._refused] * (minute % 5 == 2)
        does += [self._rejected] * (minute % 6 == 3)
        does += [self._cancelled] * (minute % 7 == 4)
        happenings = [self._at(minute + place / len(does), each()) for place, each in enumerate(does)]
        await asyncio.gather(*happenings, self._at(minute + 0.05, self._reconciled()))

    async def _reconciled(self) -> None:
        """What EventBridge does once a minute."""
        invoke, function = self._cloud.client("lambda").invoke, self._cloud.names.alias_arn
        await asyncio.to_thread(invoke, FunctionName=function, Payload=json.dumps(RECONCILE_EVENT))

    async def _order(self) -> None:
        """An order, which its customer looks at somewhat later."""
        order_id = await self._submitted(f"customer-{next(self._keys):06}-of-the-shop")
        await asyncio.sleep(0.6)
        (await self._api.get(f"/orders/{order_id}")).raise_for_status()

    async def _repeated(self) -> None:
        key = f"impatient-{next(self._keys):06}-twice"
        assert await self._submitted(key) == await self._submitted(key)

    async def _refused(self) -> None:
        assert (await self._api.post("/order", json=valid_order(items=[]))).status_code == 422

    async def _rejected(self) -> None:
        assert (await self._api.post("/order", json=valid_order(items=[]), headers=LENIENT)).status_code == 202

    async def _cancelled(self) -> None:
        """A customer changes their mind; as everywhere, that can be too late."""
        order_id = await self._submitted(f"hesitant-{next(self._keys):06}-of-the-shop")
        assert (await self._api.post(f"/orders/{order_id}/cancel")).status_code in (200, 409)

    async def _submitted(self, key: str) -> str:
        answer = await self._api.post("/order", json=valid_order(), headers={"Idempotency-Key": key})
        assert answer.status_code == 202, answer.text
        order_id: str = answer.json()["order_id"]
        return order_id

    async def _fares(self, mood: Mood) -> None:
        self._warehouse.mood = mood

    async def _poison(self) -> None:
        """A message that names no order."""
        sqs, url = self._cloud.client("sqs"), self._cloud.settings.queue_url
        await asyncio.to_thread(sqs.send_message, QueueUrl=url, MessageBody="what is this?")

    async def _workflow_is_away(self) -> None:
        """For a moment no workflow starts; the orders of that moment are left to the reconciler."""
        there: Workflow = self._system.workflow
        self._system.workflow = NotStarting()
        await asyncio.sleep(0.5)
        self._system.workflow = there

    async def _redrive(self) -> None:
        """An operator sends all again that failed, some at a time."""
        wanted = {"note": "the warehouse ships again", "limit": 12}
        while True:
            answer = (await self._api.post("/failed-orders/redrive", json=wanted, timeout=30)).raise_for_status()
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return
            wanted["cursor"] = cursor
            await asyncio.sleep(0.4)
