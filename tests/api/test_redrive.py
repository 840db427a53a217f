"""Operators send failed orders again, one or many."""

import re
from datetime import timedelta

import pytest

from service.api.failed_orders import NOTE_PATTERN
from service.orders.lifecycle import Status
from service.orders.message import Message
from tests.api.client import Api, assert_problem
from tests.api.failing import fail, listed
from tests.steps.doubles import DECLINED, REFUSED, Interposed, Scripted, deliver, message, standing
from tests.support import START, MemorySystem, valid_order

NOTE = {"note": "the warehouse is open again"}


@pytest.fixture
def api():
    return Api(cloud="embedded", redrive_rate=1000)


def test_a_redriven_order_waits_again_and_its_timeline_says_who_and_why(api):
    fail(api.system, "ord_1")
    answer = api.post("/failed-orders/ord_1/redrive", json=NOTE)
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["attempts"]) == ("PENDING", 0)
    assert answer.json()["timeline"][-1] == {
        "at": "2026-01-31T09:30:01.123Z",
        "from": "FAILED",
        "to": "PENDING",
        "actor": "operator:anonymous",
        "reason": "the warehouse is open again",
    }
    assert api.system.queue.messages == [Message("ord_1", epoch=1)]
    assert api.system.dead_letters.letters == []
    assert listed(api) == []


def test_to_redrive_again_changes_nothing(api):
    fail(api.system, "ord_1")
    first = api.post("/failed-orders/ord_1/redrive", json=NOTE).json()
    assert api.post("/failed-orders/ord_1/redrive", json=NOTE).json() == first
    assert deliver(api.system, message("ord_1")) == []
    assert api.post("/failed-orders/ord_1/redrive", json=NOTE).json()["status"] == "FULFILLED"
    assert len(api.system.queue.messages) == 1


def test_a_repeat_that_names_its_failure_leaves_a_later_one_alone(api):
    fail(api.system, "ord_1")
    api.post("/failed-orders/ord_1/redrive", json={**NOTE, "epoch": 0})
    api.system.fulfiller = Scripted(DECLINED)
    for _ in range(3):
        deliver(api.system, message("ord_1"))
    assert api.post("/failed-orders/ord_1/redrive", json={**NOTE, "epoch": 0}).json()["status"] == "FAILED"
    assert api.system.store.get("ord_1").epoch == 1
    assert_problem(api.post("/failed-orders/ord_1/redrive", json={**NOTE, "epoch": 2}), 409, "not-failed")


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.FAILED])
def test_what_never_failed_is_not_revived(status, api):
    before = standing(status, api.system)
    problem = assert_problem(api.post("/failed-orders/ord_1/redrive", json=NOTE), 409, "not-failed")
    assert (problem["detail"], problem["order_status"]) == (f"It is {status}.", status)
    assert (api.system.store.get("ord_1"), api.system.queue.messages) == (before, [])


@pytest.mark.parametrize("order_id", ["ord_unknown", "%20"])
def test_an_unknown_order_cannot_be_redriven(order_id, api):
    assert_problem(api.post(f"/failed-orders/{order_id}/redrive", json=NOTE), 404, "order-not-found")


BAD_BODIES = [
    ({}, ["/note"]),
    ({"note": ""}, ["/note"]),
    ({"note": "   "}, ["/note"]),
    ({"note": "x" * 201}, ["/note"]),
    ({"note": "two\nlines"}, ["/note"]),
    ({"note": 5}, ["/note"]),
    ({**NOTE, "other": 1}, ["/other"]),
    ([], [""]),
    ("canary", [""]),
]


@pytest.mark.parametrize("path", ["/failed-orders/ord_1/redrive", "/failed-orders/redrive"])
@pytest.mark.parametrize(("body", "wrong"), BAD_BODIES)
def test_a_redrive_says_why_or_is_not_made(body, wrong, path, api):
    fail(api.system, "ord_1")
    problem = assert_problem(api.post(path, json=body), 422, "parameters-invalid")
    assert [error["pointer"] for error in problem["errors"]] == wrong
    assert api.system.queue.messages == []


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"epoch": "0"}, "/epoch"),
        ({"epoch": -1}, "/epoch"),
        ({"epoch": True}, "/epoch"),
    ],
)
def test_an_epoch_is_a_number_of_redrives(changes, wrong, api):
    fail(api.system, "ord_1")
    problem = assert_problem(api.post("/failed-orders/ord_1/redrive", json=NOTE | changes), 422, "parameters-invalid")
    assert [error["pointer"] for error in problem["errors"]] == [wrong]


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
def test_a_redrive_of_many_with_a_wrong_part_is_not_made(changes, wrong, api):
    fail(api.system, "ord_1")
    problem = assert_problem(api.post("/failed-orders/redrive", json=NOTE | changes), 422, "parameters-invalid")
    assert [error["pointer"] for error in problem["errors"]] == [wrong]
    assert api.system.queue.messages == []


@pytest.mark.parametrize(
    ("given", "status", "slug"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "malformed-json"),
        ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "wrong-media-type"),
        ({"content": b" " * 65_537, "headers": {"Content-Type": "application/json"}}, 413, "body-too-large"),
    ],
)
@pytest.mark.parametrize("path", ["/failed-orders/ord_1/redrive", "/failed-orders/redrive"])
def test_a_hostile_body_is_refused(path, given, status, slug, api):
    assert_problem(api.post(path, **given), status, slug)


def outcomes(answer):
    assert answer.status_code == 200, answer.text
    return {result["order_id"]: result["outcome"] for result in answer.json()["results"]}


def test_all_are_redriven_and_each_is_answered_for(api):
    fail(api.system, "ord_1", "ord_2", "ord_3")
    answer = api.post("/failed-orders/redrive", json=NOTE)
    assert outcomes(answer) == dict.fromkeys(("ord_1", "ord_2", "ord_3"), "redriven")
    assert (answer.json()["dead_letters_removed"], answer.json()["next_cursor"]) == (3, None)
    assert {each.order_id for each in api.system.queue.messages} == {"ord_1", "ord_2", "ord_3"}
    assert api.system.dead_letters.letters == []


def test_those_that_match_are_redriven_and_no_others(api):
    fail(api.system, "ord_1", "ord_2")
    fail(api.system, "ord_3", outcome=REFUSED)
    assert outcomes(api.post("/failed-orders/redrive", json={**NOTE, "reason": "refused"})) == {"ord_3": "redriven"}
    after = (START + timedelta(seconds=2)).isoformat()
    assert outcomes(api.post("/failed-orders/redrive", json={**NOTE, "failed_after": after})) == {"ord_2": "redriven"}
    assert listed(api) == ["ord_1"]
    assert len(api.system.dead_letters.letters) == 1


def test_a_limit_leaves_the_rest_to_the_next_request(api):
    fail(api.system, "ord_1", "ord_2", "ord_3")
    first = api.post("/failed-orders/redrive", json={**NOTE, "limit": 2})
    assert outcomes(first) == {"ord_3": "redriven", "ord_2": "redriven"}
    cursor = first.json()["next_cursor"]
    second = api.post("/failed-orders/redrive", json={**NOTE, "limit": 2, "cursor": cursor})
    assert (outcomes(second), second.json()["next_cursor"]) == ({"ord_1": "redriven"}, None)


def test_those_that_are_named_are_redriven_if_they_can_be(api):
    fail(api.system, "ord_1", "ord_2")
    standing(Status.FULFILLED, api.system, "ord_3")
    api.post("/failed-orders/ord_2/redrive", json=NOTE)
    named = ["ord_1", "ord_1", "ord_2", "ord_3", "ord_4"]
    assert outcomes(api.post("/failed-orders/redrive", json={**NOTE, "order_ids": named})) == {
        "ord_1": "redriven",
        "ord_2": "already_redriven",
        "ord_3": "not_failed",
        "ord_4": "unknown",
    }


def test_a_dry_run_tells_and_does_nothing(api):
    fail(api.system, "ord_1")
    before = api.system.store.get("ord_1")
    answer = api.post("/failed-orders/redrive", json={**NOTE, "dry_run": True})
    assert (outcomes(answer), answer.json()["dry_run"]) == ({"ord_1": "would_redrive"}, True)
    assert (api.system.store.get("ord_1"), api.system.queue.messages) == (before, [])
    assert len(api.system.dead_letters.letters) == 1


def test_no_more_are_sent_in_a_second_than_the_setting_says(monkeypatch):
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("service.api.failed_orders.asyncio.sleep", sleep)
    api = Api(cloud="embedded", redrive_rate=5)
    fail(api.system, "ord_1", "ord_2")
    api.post("/failed-orders/redrive", json={**NOTE, "dry_run": True})
    assert waits == []
    api.post("/failed-orders/redrive", json=NOTE)
    assert waits == [0.2, 0.2]


def test_when_time_runs_out_the_rest_is_told_as_not_done(monkeypatch, api):
    monkeypatch.setattr("service.api.failed_orders.TIME", -1)
    fail(api.system, "ord_1")
    answer = api.post("/failed-orders/redrive", json=NOTE)
    assert outcomes(answer) == {"ord_1": "error"}
    assert "try again" in answer.json()["results"][0]["detail"]
    assert listed(api) == ["ord_1"]


def test_one_that_cannot_be_read_stops_no_others():
    system = MemorySystem(settings=Api(cloud="embedded", redrive_rate=1000).system.settings)
    fail(system, "ord_1", "ord_2")

    def get(store, order_id):
        if order_id == "ord_2":
            raise ConnectionError("canary")
        return store.get(order_id)

    system.store = Interposed(system.store, get=get)
    answer = Api(system).post("/failed-orders/redrive", json=NOTE)
    assert outcomes(answer) == {"ord_1": "redriven", "ord_2": "error"}
    assert "canary" not in answer.text


def test_what_was_ordered_outlives_a_redrive(api):
    fail(api.system, "ord_1")
    order = api.post("/failed-orders/ord_1/redrive", json=NOTE).json()
    assert order["items"] == valid_order()["items"]


def test_a_note_that_is_too_long_is_not_looked_at_closely(api, monkeypatch):
    """The pattern takes time that grows with the square of the text, and others would wait for it."""
    real, longest = re.fullmatch, 0

    def fullmatch(pattern, text, *args):
        nonlocal longest
        if pattern == NOTE_PATTERN:
            longest = max(longest, len(text))
        return real(pattern, text, *args)

    monkeypatch.setattr("service.api.failed_orders.re.fullmatch", fullmatch)
    for note in ("x" * 200, "x" * 60_000 + "\n"):
        api.post("/failed-orders/redrive", json={"note": note})
    assert longest == 200


def test_a_short_timeout_of_the_function_leaves_less_time(monkeypatch):
    ticks = iter(range(0, 1000, 2))
    monkeypatch.setattr("service.api.failed_orders.monotonic", lambda: next(ticks))
    api = Api(cloud="embedded", redrive_rate=1000, function_timeout=6, deadline_margin=1)
    fail(api.system, "ord_1", "ord_2", "ord_3")
    results = api.post("/failed-orders/redrive", json=NOTE).json()["results"]
    assert [each["outcome"] for each in results] == ["redriven", "error", "error"]
