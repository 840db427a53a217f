"""The embedded cloud with a warehouse over HTTP: by the warehouse's own ledger, no order is shipped twice."""

import asyncio
import base64
import json
import time
from typing import Any

import httpx
import pytest

from service.aws.clients import Clients
from service.aws.secret import read_secret_text
from service.orders.ports import Unavailable
from service.settings import SettingsError
from service.warehouses.server import Faults, Ledger, WarehouseServer
from service.warehouses.signatures import read_secret, sign
from tests.embedded.support import client, new_cloud, running_cloud
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
    with server, running_cloud(warehouse_url=server.url, warehouse_secret=SECRET) as cloud:
        async with client(cloud) as api:
            order_ids = await submit_all(api)
            orders = await redrive_until_none_is_failed(api, order_ids)
    shipped = shipped_orders(server)
    assert sorted(shipped) == sorted(order["order_id"] for order in orders) == sorted(order_ids)
    assert server.ledger.find_doubled() == ()


async def test_the_warehouse_of_the_embedded_cloud_decides_by_the_settings_of_the_simulation():
    """``make run WAREHOUSE=http`` starts it. Here it ships nothing, and the options say how it refuses."""
    args = "--port 0 --refused 1"
    settings = {"fulfillment_seed": "s", "fulfillment_success_rate": 0.25, "fulfillment_latency": 0.001}
    with running_cloud(embedded_warehouse="http", embedded_warehouse_args=args, **settings) as cloud:
        ledger, faults = cloud.warehouse.ledger, cloud.warehouse.faults
        assert (ledger.seed, ledger.success_rate) == ("s", 0.25)
        assert (faults.refused, faults.slow, faults.slow_seconds) == (1, 1, 0.001)
        async with client(cloud) as api:
            order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
            order = await settled(api, order_id)
    assert (order["status"], order["attempts"]) == ("FAILED", 1)
    assert [each.key for each in ledger.read(10).deliveries] == [f"{order_id}-d1"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(cloud.warehouse.url)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"warehouse_url": "http://127.0.0.1:1", "warehouse_secret": SECRET}, "unset DOFS_WAREHOUSE_URL"),
        (
            {"embedded_warehouse_args": "--lost '0.3"},
            "DOFS_EMBEDDED_WAREHOUSE_ARGS cannot be read",
        ),
    ],
)
def test_a_warehouse_that_the_settings_contradict_is_refused(settings, problem):
    with pytest.raises(SettingsError, match=problem):
        new_cloud(embedded_warehouse="http", **settings)


@pytest.mark.parametrize("args", ["--lost 3", "--secret-file x", "--unsigned"])
def test_a_wrong_option_of_the_warehouse_is_named(args, capsys):
    with pytest.raises(SystemExit):
        new_cloud(embedded_warehouse="http", embedded_warehouse_args=args)
    assert args.partition(" ")[0] in capsys.readouterr().err


async def test_the_secret_is_read_from_secrets_manager_by_its_arn():
    arn = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:dofs-warehouse-dev"  # moto finds it without a suffix
    server = WarehouseServer(Ledger("seed", 1), [read_secret(SECRET)])
    with server, running_cloud(warehouse_url=server.url, warehouse_secret=arn) as cloud:
        secrets, clients = cloud.client("secretsmanager"), Clients(cloud.settings)
        secrets.create_secret(Name="dofs-warehouse-dev")
        with pytest.raises(Unavailable, match="secretsmanager GetSecretValue: ResourceNotFoundException"):
            read_secret_text(clients, arn)
        secrets.put_secret_value(SecretId="dofs-warehouse-dev", SecretString=f"{SECRET}\n")
        async with client(cloud) as api:
            order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
            assert (await settled(api, order_id))["status"] == "FULFILLED"
            event = json.dumps({"id": "evt_1", "type": "closed", "order_id": f"{order_id}-d1"}).encode()
            signed = sign(read_secret(SECRET), "msg_1", int(time.time()), event)
            answers = [
                await api.post("/warehouse/events", content=event, headers={"Content-Type": "application/json", **each})
                for each in (signed, {})
            ]
    assert [answer.status_code for answer in answers] == [200, 401]
    assert answers[0].json() == {"result": "ignored"}
    assert shipped_orders(server) == [order_id]


async def test_a_cancelled_order_is_not_shipped_and_a_shipped_one_is_not_cancelled():
    server = WarehouseServer(Ledger("seed", 0.7), [read_secret(SECRET)], Faults(lost=0.3))
    with server, running_cloud(warehouse_url=server.url, warehouse_secret=SECRET) as cloud:
        async with client(cloud) as api:
            order_ids = await submit_all(api)
            answers = await asyncio.gather(*(api.post(f"/orders/{order_id}/cancel") for order_id in order_ids))
            assert {answer.status_code for answer in answers} <= {200, 202, 409}
            orders = [await settled(api, order_id) for order_id in order_ids]
    shipped = shipped_orders(server)
    assert not [order for order in orders if order["status"] == "CANCELLED" and order["order_id"] in shipped]
    assert server.ledger.find_doubled() == ()
