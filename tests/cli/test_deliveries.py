"""Orders that the warehouse may have: `dofs cancel`, `dofs redrive --new-delivery`, and what `dofs` shows of them."""

from datetime import UTC, datetime

import pytest

from service.orders.deliveries import Deliveries
from service.orders.lifecycle import Status
from service.orders.submission import new_order
from service.steps import store
from tests.cli.commands import run
from tests.steps.doubles import DONE, IN_WORK, Scripted
from tests.support import valid_order
from tests.warehouse_answers import CANCELLED, TOO_LATE

MAY_HAVE = "-d1, the warehouse may have it"


@pytest.fixture
def warehouse(cloud):
    """A warehouse that answers nothing, unless a test gives it answers."""
    before = cloud.system.fulfiller
    cloud.system.fulfiller = warehouse = Scripted(TimeoutError(), looks=TimeoutError(), cancels=TimeoutError())
    yield warehouse
    cloud.system.fulfiller = before


@pytest.fixture
def asked(cloud, warehouse, customer):
    """The id of a PENDING order without a message. The warehouse was asked for it, and did not answer."""
    order_id, system = f"ord_{customer}", cloud.system
    about = {"order_id": order_id, "owner": "anonymous", "actor": "api", "at": datetime.now(UTC), "write_id": "w"}
    system.store.create(new_order(valid_order(), **about))
    store.run({"task": "store", "order_id": order_id}, system)
    Deliveries(system).settle(Deliveries(system).claim(order_id), TimeoutError(), "m1")
    return order_id


@pytest.fixture
def unknown(cloud, asked):
    """The id of an order that is FAILED because nobody knows whether it was shipped."""
    Deliveries(cloud.system).look(cloud.system.store.get(asked), 1, "fulfillment")
    assert cloud.system.store.get_failed(asked).kind == "unknown"
    return asked


def test_cancel_says_that_the_warehouse_has_cancelled_the_order(url, warehouse, asked):
    warehouse.cancels = CANCELLED
    ran = run("--api", url, "cancel", asked)
    assert (ran.code, ran.err) == (0, f"Order {asked} is cancelled.\n")


def test_cancel_says_that_the_cancellation_was_asked_for(url, asked):
    ran = run("--api", url, "cancel", asked)
    assert ran.code == 0
    assert ran.err.startswith(f"Order {asked}: the cancellation was asked for. ")
    assert "asked for; the warehouse has not answered yet" in ran.out
    assert run("--api", url, "--json", "show", asked).json["cancel_asked"] is True


def test_cancel_says_that_the_warehouse_refuses(url, warehouse, asked):
    warehouse.cancels, warehouse.looks = TOO_LATE, IN_WORK
    ran = run("--api", url, "cancel", asked)
    assert (ran.code, ran.out) == (6, "")
    assert ran.err == (
        f"dofs: Order {asked}: The order can no longer be cancelled: "
        "The order is PENDING. The warehouse has accepted it, and does not cancel it any more.\n"
    )


def test_an_order_that_may_have_been_shipped_is_shown_with_both_ways_to_redrive_it(url, unknown):
    assert MAY_HAVE in run("--api", url, "show", unknown).out
    ran = run("--api", url, "failed", "show", unknown)
    assert MAY_HAVE in ran.out
    assert f"Send it again under the same number (safe):\n  dofs redrive {unknown} --note WHY\n" in ran.err
    assert f"  dofs redrive {unknown} --new-delivery --note WHY\n" in ran.err


def test_a_new_delivery_waits_until_the_warehouse_has_cancelled_the_old_one(url, cloud, warehouse, unknown):
    redrive = ("--api", url, "redrive", unknown, "--new-delivery", "--note", "lost")
    warehouse.cancels, warehouse.looks = TOO_LATE, DONE
    refused = run(*redrive)
    assert (refused.code, refused.err) == (
        6,
        f"dofs: Order {unknown} was not redriven: the warehouse says: shipped.\n",
    )
    assert "delivery open" in refused.out
    warehouse.cancels, warehouse.answers = CANCELLED, [DONE]
    assert run(*redrive).code == 0
    assert cloud.system.store.get(unknown).delivery == 2


def test_with_aws_a_new_delivery_follows_the_same_rule(cloud, unknown, monkeypatch):
    """The simulated warehouse of this process ships every order, so that it is too late to cancel one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint.url)
    ran = run("--aws", "--json", "redrive", unknown, "--new-delivery", "--note", "lost")
    assert (ran.code, ran.json["counts"]) == (6, {"delivery_open": 1})
    assert cloud.system.store.get(unknown).status is Status.FAILED


def test_with_aws_cancel_says_why_it_is_too_late(cloud, asked, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint.url)
    ran = run("--aws", "cancel", asked)
    assert (ran.code, ran.out) == (6, "")
    assert ran.err.endswith("The order is FULFILLED. The warehouse has shipped it.\n")


def test_all_orders_at_once_get_no_new_deliveries():
    ran = run("--api", "http://127.0.0.1:9", "redrive", "--all", "--new-delivery", "--note", "x", "--yes")
    assert (ran.code, ran.out) == (2, "")
    assert "--new-delivery needs the ids of orders" in ran.err
