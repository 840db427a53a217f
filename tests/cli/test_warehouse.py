"""`dofs warehouse`, and what `dofs` shows of orders at the warehouse: over the API, and with `--aws`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.cli.order_view import render_order
from service.cli.render import create_console
from service.orders.deliveries import Deliveries
from service.orders.submission import new_order
from service.orders.warehouse import Answer, State
from service.steps import store
from tests.cli.commands import run
from tests.cli.stub import Answer as Response
from tests.cli.stub import problem, stub
from tests.steps.doubles import CLOSED, DONE, PARCEL, Scripted
from tests.support import valid_order
from tests.warehouse_answers import CANCELLED, TOO_LATE

TRACKED = replace(PARCEL, carrier="DHL", tracking_number="0034", tracking_url="https://tracking.example/0034")


@pytest.fixture
def warehouse(cloud):
    """A warehouse that has shipped one of two pieces, and answers nothing unless a test gives it answers."""
    before = cloud.system.fulfiller
    due = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    accepted = Answer(State.ACCEPTED, shipments=(TRACKED,), due_at=due)
    cloud.system.fulfiller = warehouse = Scripted(accepted, looks=TimeoutError(), cancels=TimeoutError())
    yield warehouse
    cloud.system.fulfiller = before


@pytest.fixture
def there(cloud, warehouse, customer):
    """The id of an overdue order at the warehouse."""
    order_id, system = f"ord_{customer}", cloud.system
    about = {"order_id": order_id, "owner": "anonymous", "actor": "api", "at": datetime.now(UTC), "write_id": "w"}
    system.store.create(new_order(valid_order(), **about))
    store.run({"task": "store", "order_id": order_id}, system)
    deliveries = Deliveries(system)
    claimed = deliveries.claim(order_id)
    assert deliveries.settle(claimed, warehouse.ask(claimed, 1), "m1").status == "AT_WAREHOUSE"
    return order_id


def test_an_order_at_the_warehouse_is_listed_by_its_state(url, there):
    ran = run("--api", url, "--json", "list", "--status", "at_warehouse", "--all")
    assert there in [order["order_id"] for order in ran.lines]


def test_an_order_is_shown_with_its_parcels_and_how_much_was_shipped(url, there):
    shown = [" ".join(line.split()) for line in run("--api", url, "show", there).out.splitlines()]
    assert "shipped 0 of 1 lines" in shown
    assert "prod_456 2 29.99 1" in shown
    assert "s1 – DHL 0034 1 × 1 https://tracking.example/0034" in shown
    due = next(line for line in shown if line.startswith("due "))
    assert due.endswith("Z, overdue")
    assert any(line.startswith("at warehouse since 2") and line.endswith("news: 0") for line in shown)


def test_look_shows_what_the_warehouse_says(url, warehouse, there):
    warehouse.looks = warehouse.answers[0]
    ran = run("--api", url, "warehouse", "look", there)
    assert (ran.code, ran.err) == (
        0,
        f"Order {there} is still AT_WAREHOUSE: the warehouse was asked about it; nothing new.\n",
    )
    warehouse.looks = DONE
    ran = run("--api", url, "warehouse", "look", there)
    assert (ran.code, ran.err) == (0, f"Order {there} is FULFILLED: the warehouse has shipped it.\n")
    refused = run("--api", url, "warehouse", "look", there)
    assert (refused.code, refused.out) == (6, "")
    assert refused.err == (
        f"dofs: Order {there}: The warehouse does not have the order: "
        "The order is FULFILLED, and not at the warehouse.\n"
    )


def test_look_says_that_the_warehouse_does_not_answer(url, there):
    ran = run("--api", url, "warehouse", "look", there)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        f"dofs: Order {there}: The warehouse gave no usable answer: Nothing was changed. Try again later.\n"
    )


def test_look_asks_once_if_the_warehouse_does_not_answer():
    with stub(lambda _: problem(502, "no-usable-answer", "The warehouse gave no usable answer")) as server:
        assert run("--api", server.url, "warehouse", "look", "ord_1").code == 3
    assert len(server.received) == 1


def test_cancel_says_that_the_rest_is_cancelled(url, warehouse, there):
    warehouse.cancels = CANCELLED
    ran = run("--api", url, "warehouse", "cancel", there)
    assert (ran.code, ran.err) == (0, f"Order {there}: a part was shipped, and the rest is cancelled.\n")
    assert "PARTLY_FULFILLED" in ran.out


def test_cancel_says_that_the_warehouse_does_not_cancel_the_rest(url, warehouse, there):
    warehouse.cancels, warehouse.looks = TOO_LATE, warehouse.answers[0]
    ran = run("--api", url, "cancel", there)
    assert ran.code == 6
    assert ran.err.endswith("A part was shipped, and the warehouse does not cancel the rest any more.\n")


def test_an_order_that_is_given_up_is_redriven_for_the_remainder(url, cloud, warehouse, there):
    ran = run("--api", url, "warehouse", "give-up", there, "--note", "it is lost")
    assert (ran.code, "given up at the warehouse: it is lost" in ran.out) == (0, True)
    assert ran.err == (
        f"Order {there} is PARTLY_FULFILLED. The warehouse may still ship it: "
        f"`dofs failed show {there}` says how to send it again.\n"
    )
    assert "may have been shipped" in run("--api", url, "failed", "show", there).err
    watched = run("--api", url, "watch", there)
    assert (watched.code, watched.err) == (1, f"dofs: Order {there} is PARTLY_FULFILLED.\n")
    warehouse.looks = CLOSED
    assert run("--api", url, "warehouse", "look", there).code == 0
    ran = run("--api", url, "--json", "failed", "list", "--reason", "closed", "--all")
    assert there in [failed["order_id"] for failed in ran.lines]
    assert run("--api", url, "redrive", there, "--note", "the rest, please").code == 0
    assert cloud.system.store.get(there).lines == ((1, 1),)


def test_with_aws_look_and_give_up_are_those_of_the_api(with_aws, url, there):
    """The simulated warehouse of this process ships every order."""
    shown = with_aws("show", there)
    assert shown.out == run("--api", url, "--json", "show", there).out
    looked = with_aws("warehouse", "look", there)
    assert (looked.code, looked.json["status"]) == (0, "FULFILLED"), looked.err
    assert looked.json["timeline"][-1]["actor"].startswith("operator:arn:aws:")
    refused = with_aws("warehouse", "give-up", there, "--note", "it is lost")
    assert refused.code == 6
    assert refused.err == run("--api", url, "warehouse", "give-up", there, "--note", "it is lost").err


def test_with_aws_an_order_is_given_up_with_a_note(with_aws, there):
    ran = with_aws("warehouse", "give-up", there, "--note", "it is lost")
    assert (ran.code, ran.json["status"]) == (0, "PARTLY_FULFILLED")
    assert ran.json["timeline"][-1]["reason"] == "given up at the warehouse: it is lost"


def test_with_aws_look_says_that_the_warehouse_does_not_answer(with_aws, there, monkeypatch):
    def break_off(*_):
        raise TimeoutError

    monkeypatch.setattr("service.warehouses.simulated.SimulatedWarehouse.look", break_off)
    ran = with_aws("warehouse", "look", there)
    assert (ran.code, ran.err) == (
        3,
        f"dofs: Order {there}: The warehouse gave no usable answer: Nothing was changed. Try again later.\n",
    )


@pytest.mark.parametrize(("overdue", "shown"), [(True, "09:30:00Z, overdue"), (False, "09:30:00Z\n")])
def test_only_an_order_past_its_due_date_is_overdue(overdue, shown, capsys):
    order = {"status": "AT_WAREHOUSE", "due_at": "2026-01-31T09:30:00Z", "delivery": {"overdue": overdue}}
    create_console().print(*render_order(order))
    assert shown in capsys.readouterr().out.replace(" \n", "\n")


@pytest.mark.parametrize("item", [{}, {"quantity": "many"}, {"line_id": ["x"], "quantity": None}])
def test_parcels_of_an_order_that_is_not_valid_are_shown(item, capsys):
    order = {"order_id": "ord_1", "status": "REJECTED", "items": [item], "shipped": [{"line_id": "1", "quantity": 1}]}
    create_console().print(*render_order(order))
    assert "0 of 1 lines" in capsys.readouterr().out


def test_an_order_of_an_earlier_api_has_no_parcels():
    order = {"order_id": "ord_1", "status": "PENDING", "items": [{"product_id": "p", "quantity": 1}], "timeline": []}
    with stub(lambda _: Response(200, order)) as server:
        ran = run("--api", server.url, "show", "ord_1")
    assert ran.code == 0
    assert "parcel" not in ran.out
    assert "shipped" not in ran.out
