"""The lists of orders: their filters, and the time by which they are sorted."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.orders.orders import Orders
from service.orders.submission import new_order
from service.settings import Settings
from tests.cli.commands import run
from tests.cli.stub import Answer, problem, stub
from tests.support import valid_order

YEARS = (2020, 2021, 2022)


@pytest.fixture
def orders(cloud, customer):
    """The ids of an order from each year. The oldest was updated last, and is PENDING; the others are RECEIVED."""
    ids = [f"{customer}_{year}" for year in YEARS]
    for order_id, year in zip(ids, YEARS, strict=True):
        content = valid_order(customer_id=customer, reference=f"{customer} {year}")
        at = datetime(year, 1, 1, tzinfo=UTC)
        order = new_order(content, order_id=order_id, owner=customer, actor="api", at=at, write_id="w")
        cloud.system.store.create(order)
    Orders(cloud.system).store(ids[0])
    return ids


@pytest.fixture(params=["http", "aws"])
def listed(request, url, with_aws):
    """List orders over HTTP or with `--aws`."""
    over_http = request.param == "http"
    return lambda *options: run("--api", url, "--json", "list", *options) if over_http else with_aws("list", *options)


def ids_of(ran):
    assert ran.code == 0, ran.err
    return [order["order_id"] for order in ran.lines]


def test_orders_are_listed_by_their_time_of_creation(listed, customer, orders):
    within = ("--created-after", "2020-01-01", "--created-before", "2022-01-01T00:00:00Z")
    assert ids_of(listed("--customer", customer)) == orders[::-1]
    assert ids_of(listed("--customer", customer, *within)) == [orders[1], orders[0]]


def test_orders_are_listed_by_their_last_update(listed, orders):
    assert ids_of(listed("--updated-after", "1h", "--limit", "1")) == [orders[0]]
    for options in ((), ("--status", "RECEIVED")):
        found = ids_of(listed(*options, "--updated-before", "2022-01-01T00:00:01Z", "--all"))
        assert [order_id for order_id in found if order_id in orders] == [orders[2], orders[1]]
        assert orders[2] not in ids_of(listed(*options, "--updated-before", "2022-01-01", "--all"))


def test_orders_of_a_customer_in_one_state_are_listed(listed, customer, orders):
    assert ids_of(listed("--customer", customer, "--status", "RECEIVED")) == [orders[2], orders[1]]
    assert ids_of(listed("--customer", customer, "--status", "pending", "--limit", "1")) == [orders[0]]


def test_an_order_of_another_caller_is_found_by_its_owner_and_its_reference(listed, customer, orders):
    reference = ("--reference", f"{customer} 2021")
    assert ids_of(listed(*reference)) == []
    assert ids_of(listed(*reference, "--owner", customer)) == [orders[1]]


def test_json_names_the_time_by_which_the_list_is_sorted(listed, customer, orders):
    assert {order["sorted_by"] for order in listed("--customer", customer).lines} == {"created_at"}
    assert {order["sorted_by"] for order in listed("--limit", "2").lines} == {"updated_at"}


@pytest.mark.parametrize("aws", [False, True])
def test_the_last_column_is_the_time_by_which_the_list_is_sorted(aws, url, with_aws, cloud, customer, orders):
    where = ("--aws",) if aws else ("--api", url)
    heading, *_, row = (line.rstrip() for line in run(*where, "list", "--customer", customer).out.splitlines())
    assert heading.endswith("created (UTC) ↓")
    assert row.endswith("2020-01-01 00:00:00")
    heading, row = (line.rstrip() for line in run(*where, "list", "--limit", "1").out.splitlines())
    assert heading.endswith("updated (UTC) ↓")
    assert row.endswith(cloud.system.store.get(orders[0]).updated_at.strftime("%F %T"))


def test_errors_name_the_options(listed):
    ran = listed("--status", "FAILED", "--created-after", "1h", "--created-before", "2026-01-31")
    assert (ran.code, ran.out) == (2, "")
    reason = "cannot be given, because the list is sorted by updated_at; give --updated"
    assert ran.err.splitlines()[1:] == [
        f"  --created-after: {reason}-after",
        f"  --created-before: {reason}-before",
    ]


def test_a_list_by_owner_needs_a_reference_where_no_index_has_the_owners(listed):
    ran = listed("--owner", "api_key:a1")
    assert (ran.code, ran.out) == (2, "")
    assert "  --owner: needs a reference, too: only a deployment with api_auth = cognito" in ran.err


def test_errors_of_other_filters_name_their_options_too():
    errors = [{"pointer": "customer_id", "detail": "String should match a pattern"}]
    with stub(lambda _: problem(422, "parameters-invalid", "The parameters are not valid", errors=errors)) as server:
        ran = run("--api", server.url, "list", "--customer", "c")
    assert ran.err.splitlines()[1:] == ["  --customer: String should match a pattern"]


def test_an_earlier_version_of_the_api_does_not_name_the_time():
    page = {"orders": [{"order_id": "ord_1", "created_at": "2026-01-31T09:30:00Z"}], "next_cursor": None}
    with stub(lambda _: Answer(200, page)) as server:
        ran = run("--api", server.url, "list", "--status", "FAILED")
    assert ran.out.splitlines()[0].rstrip().endswith("created (UTC)")


def test_operators_see_the_owner_of_an_order(url, with_aws, customer, orders):
    for where in (("--api", url), ("--aws",)):
        shown = [line.split() for line in run(*where, "show", orders[0]).out.splitlines()]
        assert ["owner", customer] in shown


def test_with_aws_a_reference_needs_its_owner_where_callers_are_authenticated(with_aws, monkeypatch):
    load = Settings.load
    monkeypatch.setattr(Settings, "load", lambda variables: replace(load(variables), api_auth="api_key"))
    ran = with_aws("list", "--reference", "#1001")
    assert (ran.code, ran.out) == (2, "")
    assert "With --aws, --reference needs --owner" in ran.err
    assert with_aws("list", "--reference", "#1001", "--owner", "api_key:a1").code == 0
