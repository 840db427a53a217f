"""The simulated warehouse over HTTP works on deliveries later, in parcels, and cancels them."""

from datetime import timedelta

import pytest

from service.orders.warehouse import State
from service.warehouses.picking import Picking
from service.warehouses.server import Faults
from tests.polling import eventually
from tests.warehouses import support
from tests.warehouses.clock import START, Clock
from tests.warehouses.support import order, warehouse
from tests.warehouses.warehouse_client import running_warehouse

KEY = "ord_1-d1"
ITEMS = [{"line_id": "1", "product_id": "prod_456", "quantity": 2}, {"line_id": "2", "product_id": "p", "quantity": 1}]
LATER = Picking(accepted=1, parcels=3, seconds=10, due_seconds=3600)


def test_an_accepted_delivery_is_answered_202_until_it_has_ended():
    clock = Clock()
    with running_warehouse(picking=LATER, clock=clock) as (_, client):
        accepted = client.ask(KEY, ITEMS)
        state = {"order_id": KEY, "status": "accepted", "due_at": "2026-01-31T10:30:00.000Z", "shipments": []}
        assert (accepted.status_code, accepted.json()) == (202, state)
        clock.move(10)
        again = client.ask(KEY, ITEMS)
        assert (again.status_code, again.json()["status"]) == (202, "accepted")
        assert [each["items"] for each in again.json()["shipments"]] == [[{"line_id": "1", "quantity": 1}]]
        clock.move(100)
        ended = client.ask(KEY, ITEMS)
        assert (ended.status_code, ended.json()["status"], len(ended.json()["shipments"])) == (200, "shipped", 3)
        assert client.look(KEY).json() == ended.json()
        assert "due_at" not in ended.json()


def test_without_requests_the_work_goes_on():
    picking = Picking(accepted=1, parcels=3, seconds=0.01)
    seen: list[str] = []
    with running_warehouse(picking=picking) as (server, client):
        server.ledger.report = lambda event: seen.append(event.type)
        client.ask(KEY, ITEMS)
        eventually(lambda: len(seen) == 4)
    assert seen == ["accepted", "shipped", "shipped", "shipped"]


def test_a_delivery_that_is_closed_short_is_answered_200():
    with running_warehouse(faults=Faults(closed=1)) as (_, client):
        answer = client.ask(KEY, ITEMS)
        assert (answer.status_code, answer.json()["status"]) == (200, "closed")
        assert 0 < sum(item["quantity"] for each in answer.json()["shipments"] for item in each["items"]) < 3
        assert client.cancel(KEY).status_code == 409


def test_an_accepted_delivery_that_is_refused_later_is_answered_422():
    clock = Clock()
    with running_warehouse(faults=Faults(refused=1), picking=LATER, clock=clock) as (_, client):
        assert client.ask(KEY, ITEMS).status_code == 202
        clock.move(10)
        refused = client.ask(KEY, ITEMS)
        assert (refused.status_code, refused.json()["status"]) == (422, "refused")


@pytest.mark.parametrize(
    ("faults", "status", "state"),
    [
        ({}, 200, "cancelled"),
        ({"cancel_asked": 1}, 202, "accepted"),
        ({"cancel_refused": 1}, 409, "accepted"),
        ({"cancel_asked": 1, "cancel_refused": 1}, 202, "accepted"),
    ],
)
def test_the_answer_to_a_cancellation_of_an_accepted_delivery(faults, status, state):
    with running_warehouse(faults=Faults(**faults), picking=LATER, clock=Clock()) as (_, client):
        client.ask(KEY, ITEMS)
        for _ in range(2):
            answer = client.cancel(KEY)
            assert (answer.status_code, answer.json()["status"]) == (status, state)
        assert client.look(KEY).json() == answer.json()


def test_a_cancellation_of_a_delivery_with_parcels_has_all_of_them():
    clock = Clock()
    with running_warehouse(picking=LATER, clock=clock) as (_, client):
        client.ask(KEY, ITEMS)
        clock.move(20)
        cancelled = client.cancel(KEY)
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        assert len(cancelled.json()["shipments"]) == 2
        clock.move(100)
        assert client.look(KEY).json() == client.ask(KEY, ITEMS).json() == cancelled.json()


def test_the_client_of_the_contract_understands_the_answers():
    clock, sent = Clock(), order()
    faults = Faults(cancel_asked=1)
    with running_warehouse(faults=faults, keys=(support.KEY,), picking=LATER, clock=clock) as (server, _):
        client = warehouse(server.url)
        accepted = client.ask(sent, 30)
        assert (accepted.state, accepted.due_at) == (State.ACCEPTED, START + timedelta(hours=1))
        clock.move(10)
        assert client.cancel(sent, 30).state is State.CANCELLING
        clock.move(5)
        answers = [client.look(sent, 30), client.cancel(sent, 30), client.ask(sent, 30)]
    assert {(answer.state, answer.reason) for answer in answers} == {(State.CANCELLED, "cancelled on request")}
    assert [[shipment.id for shipment in answer.shipments] for answer in answers] == [["s1"]] * 3


def test_the_ledger_shows_the_due_time_and_the_cancellation():
    with running_warehouse(faults=Faults(cancel_asked=1), picking=LATER, clock=Clock()) as (_, client):
        client.ask(KEY, ITEMS)
        [delivery] = client.ledger()["deliveries"]
        assert (delivery["due_at"], delivery["cancel_asked"]) == ("2026-01-31T10:30:00.000Z", False)
        client.cancel(KEY)
        [delivery] = client.ledger()["deliveries"]
        assert (delivery["status"], delivery["cancel_asked"]) == ("accepted", True)
        page = client.http.get("/").text
    assert "<td>2026-01-31T10:30:00.000Z</td>" in page
    assert "<td>accepted, cancel asked</td>" in page
