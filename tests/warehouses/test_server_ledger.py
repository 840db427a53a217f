"""The ledger of the simulated warehouse, as JSON and as a page."""

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from service.orders.warehouse import State
from service.warehouses.ledger_entries import Delivery, Doubled, Event, Extract, Parcel
from service.warehouses.server import Faults
from service.warehouses.server.callback_entries import CallbackExtract, CallbackResult
from service.warehouses.server.page import POLICY, SCRIPT, render
from tests.browser.browsing import running_browser, visiting
from tests.warehouses.warehouse_client import WarehouseClient, assert_problem, running_warehouse

HOSTILE = "<img/src=x/onerror=alert(1)>"
ESCAPED = "&lt;img/src=x/onerror=alert(1)&gt;"
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def read_all(client: WarehouseClient, path: str | None) -> Iterator[dict[str, Any]]:
    for _ in range(50):
        if path is None:
            return
        page = client.ledger(path)
        yield page
        path = page["next"]
    raise AssertionError("the ledger has no last page")


def test_the_ledger_has_counts_deliveries_and_parcels():
    with running_warehouse() as (_, client):
        client.ask("ord_1-d1")
        client.cancel("ord_2-d1")
        ledger = client.ledger()
    assert ledger["counts"] == {
        **{"deliveries": 2, "parcels": 1, "doubled_orders": 0, "shipped": 1, "cancelled": 1},
        **{"accepted": 0, "declined": 0, "refused": 0, "closed": 0},
    }
    assert [(each["key"], each["order_id"], each["status"]) for each in ledger["deliveries"]] == [
        ("ord_2-d1", "ord_2", "cancelled"),
        ("ord_1-d1", "ord_1", "shipped"),
    ]
    (parcel,) = ledger["parcels"]
    assert (parcel["key"], parcel["order_id"], parcel["items"]) == (
        "ord_1-d1",
        "ord_1",
        [{"line_id": "1", "quantity": 2}],
    )
    assert ledger["doubled"] == []


def test_the_ledger_names_each_order_that_shipped_twice():
    with running_warehouse() as (server, client):
        for key in ("ord_1-d1", "ord_2-d1", "ord_1-d2"):
            client.ask(key)
        ledger = client.ledger()
        (found,) = server.ledger.find_doubled()
    assert found.order_id == "ord_1"
    assert ledger["counts"]["doubled_orders"] == 1
    parcels = [{"key": "ord_1-d1", "id": "s1"}, {"key": "ord_1-d2", "id": "s1"}]
    assert ledger["doubled"] == [{"order_id": "ord_1", "line_id": "1", "ordered": 2, "shipped": 4, "parcels": parcels}]


def test_the_pages_of_the_ledger_together_have_every_entry_once():
    with running_warehouse(success_rate=0.5) as (_, client):
        for number in range(25):
            client.ask(f"ord_{number}-d1")
        pages = list(read_all(client, "/ledger?limit=4"))
        shipped = pages[0]["counts"]["shipped"]
        assert len(pages) == 7
        assert [each["number"] for page in pages for each in page["deliveries"]] == list(range(25, 0, -1))
        assert [each["number"] for page in pages for each in page["parcels"]] == list(range(shipped, 0, -1))
        assert 0 < shipped < 25


def test_an_empty_ledger_is_one_page():
    with running_warehouse() as (_, client):
        assert [page["deliveries"] for page in read_all(client, "/ledger")] == [[]]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=", "limit=x", "deliveries_before=0", "parcels_before=-1"]
)
def test_a_bad_page_of_the_ledger_is_400(query, client):
    assert_problem(client.http.get(f"/ledger?{query}"), 400)


def test_the_page_shows_counts_and_parcels():
    with running_warehouse() as (_, client):
        client.ask("ord_1-d1")
        page = client.http.get("/").text
    assert "<dt>shipped</dt><dd>1</dd>" in page
    assert "<td>ord_1-d1</td>" in page
    assert "2 of line 1" in page
    assert "No order shipped twice." in page


def test_the_page_raises_an_alert_for_an_order_that_shipped_twice():
    with running_warehouse() as (_, client):
        for key in ("ord_1-d1", "ord_1-d2"):
            client.ask(key)
        page = client.http.get("/").text
    assert '<section class="doubled" role="alert"><h2>1 order shipped twice</h2>' in page
    assert "ord_1, line 1: shipped 4 of 2 in ord_1-d1 / s1, ord_1-d2 / s1" in page
    assert "<title>1 order shipped twice" in page
    assert "No order shipped twice" not in page


def test_the_page_shows_the_present_faults():
    with running_warehouse() as (_, client):
        assert "Faults:" not in client.http.get("/").text
        client.set_faults(unavailable=1)
        assert "Faults: unavailable 100%" in client.http.get("/").text


def test_hostile_values_are_escaped_in_every_place_of_the_page():
    parcel = Parcel(1, HOSTILE, HOSTILE, HOSTILE, NOW, {HOSTILE: 1})
    extract = Extract(
        counts=dict.fromkeys(State, 1),
        parcel_count=1,
        doubled_orders=1,
        doubled=(Doubled(HOSTILE, HOSTILE, 1, (parcel, parcel)),),
        deliveries=(Delivery(1, HOSTILE, (), NOW, State.DECLINED, HOSTILE),),
        parcels=(parcel,),
    )
    event = Event(HOSTILE, HOSTILE, HOSTILE, NOW)
    callbacks = CallbackExtract({}, 0, (CallbackResult(event, NOW, HOSTILE, HOSTILE, 1),))
    page = render(extract, Faults(), callbacks)
    assert "<img" not in page
    assert page.count(ESCAPED) == 16


def test_a_hostile_key_is_escaped_on_the_page_and_unchanged_in_the_ledger():
    with running_warehouse() as (_, client):
        assert client.ask(HOSTILE).status_code == 200
        page = client.http.get("/").text
        assert client.ledger()["deliveries"][0]["key"] == HOSTILE
        assert client.http.get("/ledger").headers["content-type"] == "application/json"
    assert "<img" not in page
    assert f"<td>{ESCAPED}</td>" in page


def test_the_page_needs_nothing_else_and_its_policy_allows_nothing_else(client):
    answer = client.http.get("/")
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none'; ")
    for name, directive in (("style", "style-src"), ("script", "script-src")):
        (text,) = re.findall(f"<{name}>(.*?)</{name}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in POLICY
    assert not re.search(r"https?://|\bsrc=|\bhref=|\bstyle=|url\(|@import", answer.text)


def test_answers_are_neither_stored_nor_sniffed(client):
    for path in ("/", "/ledger", "/faults", "/x"):
        headers = client.http.get(path).headers
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
        assert "default-src 'none'" in headers["content-security-policy"]


def test_the_script_writes_no_html():
    assert not re.search(r"\.innerHTML\s*=[^=]|insertAdjacentHTML|document\.write|eval", SCRIPT)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_refreshes_itself_in_a_browser(scheme, browser):
    with running_warehouse() as (server, client), visiting(browser, server.url, color_scheme=scheme) as visit:
        visit.page.goto(f"{server.url}/")
        expect(visit.page.get_by_text("No order shipped twice.")).to_be_visible()
        for key in (f"{HOSTILE}-d1", f"{HOSTILE}-d2"):
            client.ask(key)
        expect(visit.page.get_by_role("alert")).to_contain_text("1 order shipped twice")
        expect(visit.page).to_have_title(re.compile("1 order shipped twice"))
        expect(visit.page.get_by_role("cell", name=f"{HOSTILE}-d1").first).to_be_visible()
        assert visit.page.locator("img").count() == 0


@pytest.mark.browser
def test_the_page_says_that_the_warehouse_does_not_answer(browser):
    with running_warehouse() as (server, _), visiting(browser, server.url) as visit:
        visit.expects("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE")
        visit.page.goto(f"{server.url}/")
        server.stop()
        expect(visit.page.get_by_text("The warehouse does not answer")).to_be_visible()
