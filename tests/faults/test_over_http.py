"""Each fault of HTTP in each call of the warehouse: orders end as its ledger says, and none is shipped twice.

The warehouse is the simulated one, as a server on a socket; ``HttpWarehouse`` asks it. ``test_every_call.py`` has the
faults of every call, without HTTP.
"""

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from service.orders.deliveries import Deliveries
from service.orders.errors import TooLate
from service.orders.lifecycle import Status
from service.orders.orders import Orders
from service.orders.ports import Fulfiller
from service.warehouses.ledger import Ledger
from service.warehouses.ledger_entries import Item
from service.warehouses.server import Faults, WarehouseServer
from tests.simulation.checker import parcel_violations
from tests.steps.doubles import deliver, message, pending, reconcile
from tests.support import SETTINGS, MemorySystem
from tests.warehouses.support import KEY
from tests.warehouses.support import warehouse as warehouse_at

SLOW_SECONDS = 0.2
"""The time of a request whose answer would take an hour. All other requests have the time that their caller gives."""
FAULTS = {
    "lost": Faults(lost=1),
    "garbage": Faults(garbage=1),
    "slow": Faults(slow=1, slow_seconds=3600),
    "429": Faults(too_many=1),
    "503": Faults(unavailable=1),
    "500": Faults(error=1),
    "declined": Faults(declined=1),
    "refused": Faults(refused=1),
    "nobody listens": None,
}


class OneFault:
    """Calls the warehouse over HTTP. The first call of one operation has a fault."""

    def __init__(self, server: WarehouseServer, operation: str, fault: str) -> None:
        self._server = server
        self._operation: str | None = operation
        self._fault = FAULTS[fault]
        self._warehouse = warehouse_at(server.url)

    def __getattr__(self, operation: str) -> Any:
        def call(order: Any, seconds: float) -> Any:
            if operation != self._operation:
                return getattr(self._warehouse, operation)(order, seconds)
            self._operation = None
            if self._fault is None:
                return getattr(warehouse_at(unused_url()), operation)(order, seconds)
            self._server.faults = self._fault
            try:
                return getattr(self._warehouse, operation)(order, SLOW_SECONDS if self._fault.slow else seconds)
            finally:
                self._server.faults = Faults()

        return call

    @property
    def has_struck(self) -> bool:
        return self._operation is None


def unused_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def server() -> Iterator[WarehouseServer]:
    with WarehouseServer(Ledger("seed", 1), [KEY]) as server:
        yield server


def system_with(fulfiller: Fulfiller, max_attempts: int) -> MemorySystem:
    system = MemorySystem(settings=replace(SETTINGS, max_attempts=max_attempts), fulfiller=fulfiller)
    pending(system)
    return system


def run_to_the_end(system: MemorySystem) -> Status:
    """Deliver the message, redrive and reconcile until the order needs no more. A redrive comes before a look."""
    for _ in range(8):
        deliver(system, message("ord_1"))
        status = system.store.get("ord_1").status
        if status in (Status.FULFILLED, Status.CANCELLED):
            return status
        if status is Status.FAILED:
            Orders(system).redrive("ord_1", "operator", "send it again")
        system.now.forward(2 * SETTINGS.backoff_ceiling)
        reconcile(system)
    raise AssertionError(f"I1: the order is {status}")


def check_ledger(server: WarehouseServer, status: Status) -> None:
    assert server.ledger.find_doubled() == ()
    assert [*parcel_violations(status, server.ledger.read(10).parcel_count, "")] == []


@pytest.mark.parametrize("max_attempts", [1, 3])
@pytest.mark.parametrize("fault", FAULTS)
def test_an_order_is_shipped_once_although_a_request_to_ship_it_fails(fault, max_attempts, server):
    warehouse = OneFault(server, "ask", fault)
    status = run_to_the_end(system_with(warehouse, max_attempts))
    assert (status, warehouse.has_struck) == (Status.FULFILLED, True)
    check_ledger(server, status)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_order_is_shipped_once_although_a_look_fails(fault, server):
    warehouse = OneFault(server, "look", fault)
    system = system_with(warehouse, 1)
    claimed = Deliveries(system).claim("ord_1")
    server.ledger.ask(claimed.delivery_key, [Item("1", "prod_456", 2)])
    Deliveries(system).settle(claimed, TimeoutError(), "m1")
    status = run_to_the_end(system)
    assert (status, warehouse.has_struck) == (Status.FULFILLED, True)
    check_ledger(server, status)


@pytest.mark.parametrize("arrived", [True, False], ids=["shipped", "not-arrived"])
@pytest.mark.parametrize("fault", FAULTS)
def test_an_order_is_shipped_or_cancelled_although_the_cancellation_fails(fault, arrived, server):
    warehouse = OneFault(server, "cancel", fault)
    system = system_with(warehouse, 3)
    claimed = Deliveries(system).claim("ord_1")
    if arrived:
        server.ledger.ask(claimed.delivery_key, [Item("1", "prod_456", 2)])
    Deliveries(system).settle(claimed, TimeoutError(), "m1")
    try:
        Deliveries(system).cancel("ord_1", "customer", "why")
    except TooLate:
        assert arrived
    reconcile(system)
    status = run_to_the_end(system)
    assert warehouse.has_struck
    assert not arrived or status is Status.FULFILLED
    check_ledger(server, status)


def test_a_key_with_other_items_is_not_shipped_again(server):
    server.ledger.ask("ord_1-d1", [Item("1", "prod_other", 2)])
    system = system_with(warehouse_at(server.url), 3)
    for _ in range(3):
        deliver(system, message("ord_1"))
    assert system.metrics.counts["DeliveryConflicts",] == 3
    check_ledger(server, run_to_the_end(system))
