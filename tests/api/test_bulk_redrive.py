"""POST /failed-orders/redrive: operators redrive many failed orders in one request."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from service.orders.lifecycle import Status
from service.orders.paging import ALWAYS
from tests.api.client import Api, assert_problem
from tests.api.failing import fail, fail_without_an_answer, listed
from tests.steps.doubles import DECLINED, REFUSED, PatchedStore, Scripted, deliver, message, standing
from tests.support import START, MemorySystem
from tests.warehouse_answers import CANCELLED

PATH = "/failed-orders/redrive"
NOTE = {"note": "the warehouse is open again"}


@pytest.fixture
def api():
    return Api(cloud="embedded", redrive_rate=1000)


def outcomes(response):
    """The outcome of each order of a response."""
    assert response.status_code == 200, response.text
    return {result["order_id"]: result["outcome"] for result in response.json()["results"]}


def dead_letter_messages(api):
    """The number of messages in the dead-letter queue."""
    return api.system.dead_letters.depth().visible


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"limit": 0}, "/limit"),
        ({"limit": 101}, "/limit"),
        ({"limit": "5"}, "/limit"),
        ({"dry_run": "yes"}, "/dry_run"),
        ({"reason": "canary"}, "/reason"),
        ({"failed_after": 1769851800}, "/failed_after"),
        ({"order_ids": []}, "/order_ids"),
        ({"order_ids": None}, "/order_ids"),
        ({"failed_before": "0001-01-01T00:00:00Z"}, "/failed_before"),
        ({"failed_before": "0001-01-01T00:00:00+05:00"}, "/failed_before"),
        ({"failed_after": "9999-12-31T23:59:59-05:00"}, "/failed_after"),
        ({"order_ids": ["ord_1"] * 101}, "/order_ids"),
        ({"order_ids": ["a b"]}, "/order_ids/0"),
        ({"order_ids": ["ord_1"], "reason": "declined"}, ""),
    ],
)
def test_an_invalid_field_is_named_and_no_order_is_redriven(changes, wrong, api):
    fail(api.system, "ord_1")
    problem = assert_problem(api.post(PATH, json=NOTE | changes), 422, "parameters-invalid")
    assert [error["pointer"] for error in problem["errors"]] == [wrong]
    assert api.system.queue.messages == []


def test_all_failed_orders_are_redriven_and_each_has_a_result(api):
    fail(api.system, "ord_1", "ord_2", "ord_3")
    response = api.post(PATH, json=NOTE)
    assert outcomes(response) == dict.fromkeys(("ord_1", "ord_2", "ord_3"), "redriven")
    assert (response.json()["dead_letters_removed"], response.json()["next_cursor"]) == (3, None)
    assert {each.order_id for each in api.system.queue.messages} == {"ord_1", "ord_2", "ord_3"}
    assert dead_letter_messages(api) == 0


def test_only_orders_that_match_the_filter_are_redriven(api):
    fail(api.system, "ord_1", "ord_2")
    fail(api.system, "ord_3", outcome=REFUSED)
    assert outcomes(api.post(PATH, json={**NOTE, "reason": "refused"})) == {"ord_3": "redriven"}
    after = (START + timedelta(seconds=2)).isoformat()
    assert outcomes(api.post(PATH, json={**NOTE, "failed_after": after})) == {"ord_2": "redriven"}
    assert listed(api) == ["ord_1"]
    assert dead_letter_messages(api) == 1


def test_next_cursor_continues_after_the_limit(api):
    fail(api.system, "ord_1", "ord_2", "ord_3")
    first = api.post(PATH, json={**NOTE, "limit": 2})
    assert outcomes(first) == {"ord_3": "redriven", "ord_2": "redriven"}
    cursor = first.json()["next_cursor"]
    second = api.post(PATH, json={**NOTE, "limit": 2, "cursor": cursor})
    assert (outcomes(second), second.json()["next_cursor"]) == ({"ord_1": "redriven"}, None)


def test_each_named_order_has_one_result(api):
    fail(api.system, "ord_1", "ord_2")
    standing(Status.FULFILLED, api.system, "ord_3")
    api.post("/failed-orders/ord_2/redrive", json=NOTE)
    named = ["ord_1", "ord_1", "ord_2", "ord_3", "ord_4"]
    assert outcomes(api.post(PATH, json={**NOTE, "order_ids": named})) == {
        "ord_1": "redriven",
        "ord_2": "already_redriven",
        "ord_3": "not_failed",
        "ord_4": "unknown",
    }


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_order_that_failed_again_after_the_listing_is_not_redriven(dry_run, api):
    """Another operator redrives the order and it fails again between the listing and the write.

    The operator of this request has not seen the new failure.
    """
    fail(api.system, "ord_1")
    listing = api.system.store.failed_orders(None, ALWAYS, 100, None)
    assert api.post("/failed-orders/ord_1/redrive", json={"note": "another operator"}).status_code == 200
    api.system.fulfiller = Scripted(DECLINED)
    for _ in range(3):
        deliver(api.system, message("ord_1"))
    before = api.system.store.get("ord_1")
    assert (before.status, before.epoch) == (Status.FAILED, 1)

    api.system.store = PatchedStore(api.system.store, failed_orders=lambda _store, *_args: listing)
    assert outcomes(api.post(PATH, json={**NOTE, "dry_run": dry_run})) == {"ord_1": "already_redriven"}
    assert api.system.store.get("ord_1") == before


def test_a_dry_run_changes_no_order_and_sends_no_message(api):
    fail(api.system, "ord_1")
    before = api.system.store.get("ord_1")
    response = api.post(PATH, json={**NOTE, "dry_run": True})
    assert (outcomes(response), response.json()["dry_run"]) == ({"ord_1": "would_redrive"}, True)
    assert (api.system.store.get("ord_1"), api.system.queue.messages) == (before, [])
    assert dead_letter_messages(api) == 1


def test_a_dry_run_removes_no_superseded_message_from_the_dead_letter_queue(api):
    """The message of a redriven order is superseded: any redrive that is not a dry run removes it."""
    fail(api.system, "ord_1", "ord_2")
    api.post("/failed-orders/ord_1/redrive", json=NOTE)
    api.system.dead_letters.put(message("ord_1"))
    before = dead_letter_messages(api)
    response = api.post(PATH, json={**NOTE, "dry_run": True})
    assert outcomes(response) == {"ord_2": "would_redrive"}
    assert (response.json()["dead_letters_removed"], dead_letter_messages(api)) == (0, before)
    response = api.post(PATH, json=NOTE)
    assert (response.json()["dead_letters_removed"], dead_letter_messages(api)) == (2, 0)


def test_redrives_are_paced_by_the_redrive_rate(monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr("service.api.failed_orders.time", SimpleNamespace(monotonic=lambda: 0.0, sleep=waits.append))
    api = Api(cloud="embedded", redrive_rate=5)
    fail(api.system, "ord_1", "ord_2")
    api.post(PATH, json={**NOTE, "dry_run": True})
    assert waits == []
    api.post(PATH, json=NOTE)
    assert waits == [0.2, 0.2]


def test_orders_that_are_left_when_time_runs_out_are_errors(monkeypatch, api):
    monkeypatch.setattr("service.api.failed_orders.REDRIVE_SECONDS", -1)
    fail(api.system, "ord_1")
    response = api.post(PATH, json=NOTE)
    assert outcomes(response) == {"ord_1": "error"}
    assert "try again" in response.json()["results"][0]["detail"]
    assert listed(api) == ["ord_1"]


def test_a_short_function_timeout_leaves_less_time(monkeypatch):
    ticks = iter(range(0, 1000, 2))
    clock = SimpleNamespace(monotonic=lambda: next(ticks), sleep=lambda _: None)
    monkeypatch.setattr("service.api.failed_orders.time", clock)
    api = Api(cloud="embedded", redrive_rate=1000, function_timeout=6, deadline_margin=1)
    fail(api.system, "ord_1", "ord_2", "ord_3")
    results = api.post(PATH, json=NOTE).json()["results"]
    assert [each["outcome"] for each in results] == ["redriven", "error", "error"]


def test_an_unreadable_order_does_not_stop_the_others():
    system = MemorySystem(settings=Api(cloud="embedded", redrive_rate=1000).system.settings)
    fail(system, "ord_1", "ord_2")

    def get(store, order_id):
        if order_id == "ord_2":
            raise ConnectionError("canary")
        return store.get(order_id)

    system.store = PatchedStore(system.store, get=get)
    response = Api(system).post(PATH, json=NOTE)
    assert outcomes(response) == {"ord_1": "redriven", "ord_2": "error"}
    assert "canary" not in response.text


def test_named_orders_get_new_deliveries_where_the_warehouse_cancels_the_old_ones(api):
    fail_without_an_answer(api.system, "ord_1", cancels=TimeoutError("canary"))
    response = api.post(PATH, json={**NOTE, "order_ids": ["ord_1"], "new_delivery": True})
    (result,) = response.json()["results"]
    assert (result["outcome"], result["detail"]) == (
        "delivery_open",
        "the warehouse gave no usable answer (TimeoutError)",
    )
    assert api.system.store.get("ord_1").status is Status.FAILED
    api.system.fulfiller.cancels = CANCELLED
    assert outcomes(api.post(PATH, json={**NOTE, "order_ids": ["ord_1"], "new_delivery": True})) == {
        "ord_1": "redriven"
    }
    order = api.system.store.get("ord_1")
    assert (order.status, order.delivery, order.asked) == (Status.PENDING, 2, 0)


def test_a_short_function_timeout_leaves_time_for_a_new_delivery(monkeypatch):
    """The two questions to the warehouse are part of the time."""
    monkeypatch.setattr("service.api.failed_orders.time", SimpleNamespace(monotonic=lambda: 0, sleep=lambda _: None))
    api = Api(cloud="embedded", function_timeout=5, deadline_margin=1)
    fail_without_an_answer(api.system, "ord_1", cancels=CANCELLED)
    body = {**NOTE, "order_ids": ["ord_1"], "new_delivery": True}
    assert outcomes(api.post(PATH, json=body)) == {"ord_1": "redriven"}


def test_a_dry_run_asks_the_warehouse_for_nothing(api):
    fail_without_an_answer(api.system, cancels=AssertionError("it was asked to cancel"))
    body = {**NOTE, "order_ids": ["ord_1"], "new_delivery": True, "dry_run": True}
    assert outcomes(api.post(PATH, json=body)) == {"ord_1": "would_redrive"}


def test_new_deliveries_are_only_for_named_orders(api):
    fail_without_an_answer(api.system, cancels=CANCELLED)
    problem = assert_problem(api.post(PATH, json={**NOTE, "new_delivery": True}), 422, "parameters-invalid")
    assert problem["errors"][0]["detail"] == "new_delivery needs order_ids"
    assert api.system.store.get("ord_1").status is Status.FAILED
