"""Callbacks of the simulated warehouse are lost, doubled and late, the same ones in each run."""

import json

import pytest

from service.warehouses.picking import Picking
from service.warehouses.server.faults import FaultInjector, Faults
from tests.polling import eventually
from tests.warehouses.clock import Clock
from tests.warehouses.endpoint import Endpoint
from tests.warehouses.receiver import ITEMS, TAKEN, bodies, settled, url_of
from tests.warehouses.warehouse_client import running_warehouse


def test_a_lost_callback_is_never_sent():
    with (
        Endpoint(TAKEN) as endpoint,
        running_warehouse(faults=Faults(callback_lost=1), callback_url=url_of(endpoint)) as (_, client),
    ):
        client.ask("ord_1-d1", ITEMS)
        client.set_faults()
        client.ask("ord_2-d1", ITEMS)
        callbacks = settled(client)
    assert [body["order_id"] for body in bodies(endpoint)] == ["ord_2-d1"]
    assert {name: callbacks[name] for name in ("sent", "lost", "given_up")} == {"sent": 1, "lost": 1, "given_up": 0}


def test_a_doubled_callback_is_sent_twice_with_one_id():
    with (
        Endpoint(TAKEN) as endpoint,
        running_warehouse(faults=Faults(callback_doubled=1), callback_url=url_of(endpoint)) as (_, client),
    ):
        client.ask("ord_1-d1", ITEMS)
        settled(client)
    first, second = bodies(endpoint)
    assert first == second


def test_later_callbacks_overtake_a_late_one():
    faults = Faults(callback_late=1, callback_late_seconds=3600)
    with Endpoint(TAKEN) as endpoint, running_warehouse(faults=faults, callback_url=url_of(endpoint)) as (_, client):
        client.ask("ord_1-d1", ITEMS)
        client.set_faults()
        client.ask("ord_2-d1", ITEMS)
        eventually(lambda: client.ledger()["callbacks"]["sent"])
        assert client.ledger()["callbacks"]["pending"] == 1
    assert [body["order_id"] for body in bodies(endpoint)] == ["ord_2-d1"]


def test_a_late_callback_is_sent_at_last():
    faults = Faults(callback_late=1, callback_late_seconds=0.01)
    with Endpoint(TAKEN) as endpoint, running_warehouse(faults=faults, callback_url=url_of(endpoint)) as (_, client):
        client.ask("ord_1-d1", ITEMS)
        assert settled(client)["sent"] == 1


def test_the_delays_of_a_callback_are_determined_by_its_id():
    faults = Faults(callback_lost=0.3, callback_doubled=0.3, callback_late=0.3, callback_delay=2)
    ids = [f"evt_{number}" for number in range(1000)]
    delays = [FaultInjector("seed", faults).draw_delays(each) for each in ids]
    injector = FaultInjector("seed", faults)
    assert [injector.draw_delays(each) for each in reversed(ids)] == delays[::-1]
    assert {tuple(each) for each in delays} == {(), (2,), (2, 2), (7,), (7, 7)}
    sent = [each for each in delays if each]
    assert len(sent) / len(ids) == pytest.approx(0.7, abs=0.05)
    assert sum(len(each) == 2 for each in sent) / len(sent) == pytest.approx(0.3, abs=0.05)
    assert sum(each[0] == 7 for each in sent) / len(sent) == pytest.approx(0.3, abs=0.05)
    assert FaultInjector("seed", Faults()).draw_delays("evt_1") == [0]


def test_two_warehouses_with_the_same_seed_send_the_same_callbacks():
    faults = Faults(refused=0.4, closed=0.3, cancel_asked=0.5, callback_lost=0.2, callback_doubled=0.3)
    keys = [f"ord_{number}-d1" for number in range(20)]

    def run(order_of_requests: list[str]) -> list[str]:
        clock = Clock()
        picking = Picking(accepted=0.5, parcels=3, seconds=10)
        with (
            Endpoint(TAKEN) as endpoint,
            running_warehouse(faults=faults, picking=picking, clock=clock, callback_url=url_of(endpoint)) as (
                _,
                client,
            ),
        ):
            for key in order_of_requests:
                client.ask(key, ITEMS)
            clock.move(12)
            for key in order_of_requests:
                client.cancel(key)
            clock.move(1000)
            client.look(keys[0])
            settled(client)
        return sorted(request.body.decode() for request in endpoint.requests)

    one = run(keys)
    assert one == run(keys[::-1])
    assert {json.loads(body)["type"] for body in one} >= {"accepted", "shipped", "refused", "closed", "cancelled"}
