"""A warehouse that accepts orders, ships them later in parcels, cancels one and closes one short.

The test submits and reads orders through the API only, and compares them with the ledger of the warehouse.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from service.orders.identity import order_id_for
from service.orders.lifecycle import Status
from service.orders.warehouse import State
from service.warehouses.decision import decide
from tests.flow.deployments import ASYNC, CLOSED, Deployment
from tests.flow.orders import read_ledger, submit
from tests.support import valid_order
from tests.system import settled, until

pytestmark = pytest.mark.anyio

ORDERS = 20


@pytest.mark.parametrize("deployment", ASYNC, indirect=True, scope="package")
async def test_orders_have_the_parcels_of_a_warehouse_that_works_later(deployment, run):
    """Half of the orders have one unit, and so one parcel; the others have two of both."""
    async with deployment.api() as api:
        customer = Customer(api, deployment, run)
        *too_late, cancelled = await customer.cancel_at_the_warehouse()
        usual = await asyncio.gather(*(customer.submit(f"{number}", 1 + number % 2) for number in range(ORDERS - 2)))
        closed = await customer.redrive_what_is_closed_short()
        accepted = [cancelled, closed, *usual, *too_late]
        orders = {order_id: await settled(api, order_id, deployment.patience) for order_id in accepted}
        assert (await api.get(f"/failed-orders/{closed}")).status_code == 404
    ledger = await ledger_at_rest(deployment)

    asked = {delivery["key"]: delivery["items"] for delivery in ledger["deliveries"]}
    assert asked.keys() == {*(f"{order_id}-d1" for order_id in orders), f"{closed}-d2"}
    assert [(line["line_id"], line["quantity"]) for line in asked[f"{closed}-d2"]] == [("1", 1)]
    assert parcels_of_orders(orders) == parcels_of_ledger(ledger)
    last = orders.pop(cancelled)
    assert (last["status"], last["shipments"]) == (Status.CANCELLED, [])
    for order in orders.values():
        units = order["items"][0]["quantity"]
        assert (order["status"], order["shipped"]) == (Status.FULFILLED, [{"line_id": "1", "quantity": units}])
        assert len(order["shipments"]) == units
    moved_by = {order["timeline"][-1]["actor"] for order in orders.values()}
    assert ("warehouse" if deployment.sends_callbacks else "reconciler") in moved_by


@dataclass(frozen=True)
class Customer:
    """Submits orders whose ends at the warehouse are known, by a client of the API."""

    api: httpx.AsyncClient
    deployment: Deployment
    run: str
    """A prefix of the idempotency keys."""

    async def submit(self, name: str, units: int, *ends: State) -> str:
        """Submit an order of one line.

        Args:
            name: the name of the order, in its idempotency key.
            units: the quantity of the line.
            ends: the ends of the order's deliveries; by default, the first one is shipped.

        Returns:
            The id of the order.
        """
        items = [{"product_id": "prod_456", "quantity": units, "price": 10}]
        key = self._key_for(name, ends or (State.SHIPPED,))
        return await submit(self.api, key, valid_order(items=items, total_amount=10 * units))

    async def cancel_at_the_warehouse(self) -> list[str]:
        """Submit orders until one is cancelled before its parcel is shipped. On a busy machine the parcel is faster.

        Returns:
            The ids of the orders; the last one is cancelled.
        """
        order_ids: list[str] = []
        for number in range(10):
            order_ids.append(await self.submit(f"cancelled-{number}", 1))
            await self._wait_for(order_ids[-1], Status.AT_WAREHOUSE, Status.FULFILLED)
            answer = await self.api.post(f"/orders/{order_ids[-1]}/cancel")
            if answer.status_code != 409:
                assert answer.status_code in (200, 202), answer.text
                return order_ids
        raise AssertionError(f"no order was cancelled: {answer.text}")

    async def redrive_what_is_closed_short(self) -> str:
        """Submit an order that is closed short and that a redrive completes. Returns its id."""
        order_id = await self.submit("closed", 2, State.CLOSED, State.SHIPPED)
        order = await self._wait_for(order_id, Status.PARTLY_FULFILLED)
        assert order["shipped"] == [{"line_id": "1", "quantity": 1}]
        failed = await self.api.get(f"/failed-orders/{order_id}")
        assert failed.status_code == 200, failed.text
        redrive = {"note": "the rest is here", "epoch": failed.json()["epoch"]}
        answer = await self.api.post(f"/failed-orders/{order_id}/redrive", json=redrive)
        assert answer.status_code == 200, answer.text
        return order_id

    async def _wait_for(self, order_id: str, *statuses: Status) -> dict[str, Any]:
        async def read() -> dict[str, Any]:
            return (await self.api.get(f"/orders/{order_id}")).json()

        return await until(read, lambda order: order.get("status") in statuses, self.deployment.patience)

    def _key_for(self, name: str, ends: tuple[State, ...]) -> str:
        settings = self.deployment.settings
        for number in range(100_000):
            key = f"{self.run}-{name}-{number:06d}"
            order_id = order_id_for("anonymous", key, str)
            deliveries = (f"{order_id}-d{delivery}" for delivery in range(1, len(ends) + 1))
            seed, rate = settings.fulfillment_seed, settings.fulfillment_success_rate
            if ends == tuple(decide(seed, rate, each, closed=CLOSED) for each in deliveries):
                return key
        raise AssertionError(f"at this success rate no order has the ends {ends}")


async def ledger_at_rest(deployment: Deployment) -> dict[str, Any]:
    """Read the ledger once all callbacks were sent. Each event of the warehouse has one, and each was taken."""

    async def read() -> dict[str, Any]:
        return await read_ledger(deployment.warehouse)

    def is_at_rest(ledger: dict[str, Any]) -> bool:
        return not (ledger["callbacks"] or {}).get("pending")

    ledger = await until(read, is_at_rest, deployment.patience)
    if not deployment.sends_callbacks:
        assert ledger["callbacks"] is None
        return ledger
    statuses = Counter(delivery["status"] for delivery in ledger["deliveries"])
    events = statuses.total() + len(ledger["parcels"]) + statuses["closed"] + statuses["cancelled"]
    del ledger["callbacks"]["latest"]
    assert ledger["callbacks"] == {"sent": events, "given_up": 0, "lost": 0, "pending": 0}
    return ledger


def parcels_of_orders(orders: dict[str, dict[str, Any]]) -> list[Any]:
    """The delivery key, the id and the lines of each parcel that the API shows."""
    return sorted(
        (f"{order_id}-d{parcel['delivery']}", parcel["id"], parcel["items"])
        for order_id, order in orders.items()
        for parcel in order["shipments"]
    )


def parcels_of_ledger(ledger: dict[str, Any]) -> list[Any]:
    """The delivery key, the id and the lines of each parcel in the ledger."""
    return sorted((parcel["key"], parcel["id"], parcel["items"]) for parcel in ledger["parcels"])
