"""The embedded cloud with a warehouse over HTTP: by the warehouse's own ledger, no order is shipped twice."""

import asyncio
import base64
from typing import Any

import httpx
import pytest

from service.warehouses.server import Faults, Ledger, WarehouseServer
from service.warehouses.signatures import read_secret
from tests.embedded.support import client, running_cloud
from tests.support import valid_order
from tests.system import settled, until

pytestmark = pytest.mark.anyio

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes 123").decode()
ORDERS = 30


async def submit_all(api: httpx.AsyncClient) -> list[str]:
    answers = [await api.post("/order", json=valid_order(customer_id=f"cust_{number}")) for number in range(ORDERS)]
    return [answer.json()["order_id"] for answer in answers]


def shipped_orders(server: WarehouseServer) -> list[str]:
    """The order of each parcel, by the warehouse's own ledger."""
    return [parcel.key.rpartition("-d")[0] for parcel in server.ledger.read(1000).parcels]


async def redrive_until_none_is_failed(api: httpx.AsyncClient, order_ids: list[str]) -> list[dict[str, Any]]:
    """Redrive all failed orders, as an operator does with ``dofs redrive --all``, until every order is FULFILLED."""

    async def read() -> list[dict[str, Any]]:
        await api.post("/failed-orders/redrive", json={"note": "send them again"})
        return [await settled(api, order_id) for order_id in order_ids]

    return await until(read, lambda orders: all(order["status"] == "FULFILLED" for order in orders), 300)


async def test_answers_that_are_lost_after_the_work_ship_no_order_twice():
    """Each answer to a request is lost with a probability of 30 %, looks and cancellations included."""
    server = WarehouseServer(Ledger("seed", 0.7), [read_secret(SECRET)], Faults(lost=0.3))
    with server, running_cloud(warehouse_url=server.url, warehouse_secret=SECRET, visibility_timeout=1) as cloud:
        async with client(cloud) as api:
            order_ids = await submit_all(api)
            orders = await redrive_until_none_is_failed(api, order_ids)
    shipped = shipped_orders(server)
    assert sorted(shipped) == sorted(order["order_id"] for order in orders) == sorted(order_ids)
    assert server.ledger.find_doubled() == ()


async def test_a_cancelled_order_is_not_shipped_and_a_shipped_one_is_not_cancelled():
    server = WarehouseServer(Ledger("seed", 0.7), [read_secret(SECRET)], Faults(lost=0.3))
    with server, running_cloud(warehouse_url=server.url, warehouse_secret=SECRET, visibility_timeout=1) as cloud:
        async with client(cloud) as api:
            order_ids = await submit_all(api)
            answers = await asyncio.gather(*(api.post(f"/orders/{order_id}/cancel") for order_id in order_ids))
            assert {answer.status_code for answer in answers} <= {200, 202, 409}
            orders = [await settled(api, order_id) for order_id in order_ids]
    shipped = shipped_orders(server)
    assert not [order for order in orders if order["status"] == "CANCELLED" and order["order_id"] in shipped]
    assert server.ledger.find_doubled() == ()
