"""POST /failed-orders/{order_id}/redrive: operators redrive one failed order. And the bodies of both redrive routes."""

import re

import pytest

from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.message import Message
from service.orders.redrive import NOTE_PATTERN
from service.orders.strict_json import MAX_SIZE
from tests.api.client import Api, assert_problem
from tests.api.failing import fail, fail_without_an_answer, listed
from tests.steps.doubles import DECLINED, Scripted, deliver, message, standing
from tests.support import valid_order
from tests.warehouse_answers import CANCELLED, CANCELLING, TOO_LATE

NOTE = {"note": "the warehouse is open again"}
BOTH_ROUTES = pytest.mark.parametrize("path", ["/failed-orders/ord_1/redrive", "/failed-orders/redrive"])


@pytest.fixture
def api():
    return Api(cloud="embedded", redrive_rate=1000)


def test_a_new_delivery_has_the_next_number_once_the_warehouse_has_cancelled_the_old_one(api):
    fail_without_an_answer(api.system, cancels=CANCELLED)
    response = api.post("/failed-orders/ord_1/redrive", json={**NOTE, "new_delivery": True})
    assert (response.status_code, response.json()["status"]) == (200, "PENDING")
    api.system.fulfiller.answers = [DECLINED]
    deliver(api.system, message("ord_1"))
    assert api.system.fulfiller.keys == ["ord_1-d1"] * 3 + ["ord_1-d2"]


@pytest.mark.parametrize("answer", [CANCELLING, TOO_LATE, TimeoutError("canary")])
def test_no_new_delivery_as_long_as_the_old_one_can_be_shipped(answer, api):
    fail_without_an_answer(api.system, cancels=answer)
    before = api.system.store.get("ord_1")
    response = api.post("/failed-orders/ord_1/redrive", json={**NOTE, "new_delivery": True})
    problem = assert_problem(response, 409, "delivery-open")
    assert problem["order_status"] == "FAILED"
    assert "canary" not in response.text
    assert api.system.store.get("ord_1") == before


def test_a_plain_redrive_keeps_the_number_while_the_warehouse_may_have_the_order(api):
    fail_without_an_answer(api.system)
    assert api.post("/failed-orders/ord_1/redrive", json=NOTE).status_code == 200
    api.system.fulfiller.answers = [DECLINED]
    deliver(api.system, message("ord_1"))
    assert api.system.fulfiller.keys == ["ord_1-d1"] * 4


def test_a_redriven_order_is_pending_and_its_timeline_has_operator_and_note(api):
    fail(api.system, "ord_1")
    response = api.post("/failed-orders/ord_1/redrive", json=NOTE)
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["attempts"]) == ("PENDING", 0)
    entry = response.json()["timeline"][-1]
    assert {name: entry[name] for name in ("at", "from", "to", "actor", "reason")} == {
        "at": "2026-01-31T09:30:01.123Z",
        "from": "FAILED",
        "to": "PENDING",
        "actor": "operator:anonymous",
        "reason": "the warehouse is open again",
    }
    assert api.system.queue.messages == [Message("ord_1", epoch=1)]
    assert api.system.dead_letters.depth().visible == 0
    assert listed(api) == []


def test_a_redriven_order_keeps_its_items(api):
    fail(api.system, "ord_1")
    order = api.post("/failed-orders/ord_1/redrive", json=NOTE).json()
    assert order["items"] == valid_order()["items"]


def test_a_redrive_of_a_partly_fulfilled_order_asks_for_the_remainder_only(api):
    standing(Status.PARTLY_FULFILLED, api.system)
    order = api.post("/failed-orders/ord_1/redrive", json=NOTE).json()
    assert (order["status"], order["delivery"]["lines"]) == ("PENDING", [{"line_id": "1", "quantity": 1}])
    assert order["shipped"] == [{"line_id": "1", "quantity": 1}]
    deliver(api.system, message("ord_1"))
    order = api.get("/orders/ord_1").json()
    assert (order["status"], order["shipped"]) == ("FULFILLED", [{"line_id": "1", "quantity": 2}])


def test_redriving_again_has_no_effect(api):
    fail(api.system, "ord_1")
    first = api.post("/failed-orders/ord_1/redrive", json=NOTE).json()
    assert api.post("/failed-orders/ord_1/redrive", json=NOTE).json() == first
    assert deliver(api.system, message("ord_1")) == []
    assert api.post("/failed-orders/ord_1/redrive", json=NOTE).json()["status"] == "FULFILLED"
    assert len(api.system.queue.messages) == 1


def test_a_repeat_with_an_epoch_does_not_redrive_a_later_failure(api):
    fail(api.system, "ord_1")
    api.post("/failed-orders/ord_1/redrive", json={**NOTE, "epoch": 0})
    api.system.fulfiller = Scripted(DECLINED)
    for _ in range(3):
        deliver(api.system, message("ord_1"))
    assert api.post("/failed-orders/ord_1/redrive", json={**NOTE, "epoch": 0}).json()["status"] == "FAILED"
    assert api.system.store.get("ord_1").epoch == 1
    assert_problem(api.post("/failed-orders/ord_1/redrive", json={**NOTE, "epoch": 2}), 409, "not-failed")


@pytest.mark.parametrize("status", sorted(set(Status) - UNSUCCESSFUL))
def test_an_order_that_never_failed_cannot_be_redriven(status, api):
    before = standing(status, api.system)
    problem = assert_problem(api.post("/failed-orders/ord_1/redrive", json=NOTE), 409, "not-failed")
    assert problem["order_status"] == status
    assert status in problem["detail"]
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


@BOTH_ROUTES
@pytest.mark.parametrize(("body", "wrong"), BAD_BODIES)
def test_an_invalid_body_is_refused_and_no_order_is_redriven(body, wrong, path, api):
    fail(api.system, "ord_1")
    problem = assert_problem(api.post(path, json=body), 422, "parameters-invalid")
    assert [error["pointer"] for error in problem["errors"]] == wrong
    assert api.system.queue.messages == []


@pytest.mark.parametrize("epoch", ["0", -1, True])
def test_an_epoch_must_be_a_whole_number_from_zero(epoch, api):
    fail(api.system, "ord_1")
    response = api.post("/failed-orders/ord_1/redrive", json={**NOTE, "epoch": epoch})
    problem = assert_problem(response, 422, "parameters-invalid")
    assert [error["pointer"] for error in problem["errors"]] == ["/epoch"]


@pytest.mark.parametrize(
    ("given", "status", "slug"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "malformed-json"),
        ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "wrong-media-type"),
        ({"content": b" " * (MAX_SIZE + 1), "headers": {"Content-Type": "application/json"}}, 413, "body-too-large"),
    ],
)
@BOTH_ROUTES
def test_a_hostile_body_is_refused(path, given, status, slug, api):
    assert_problem(api.post(path, **given), status, slug)


def test_a_note_over_the_limit_is_not_matched_against_the_pattern(api, monkeypatch):
    """The pattern takes time quadratic in the length of the text. A long note would block other requests."""
    real, longest = re.fullmatch, 0

    def fullmatch(pattern, text, *args):
        nonlocal longest
        if pattern == NOTE_PATTERN:
            longest = max(longest, len(text))
        return real(pattern, text, *args)

    monkeypatch.setattr("service.orders.redrive.re.fullmatch", fullmatch)
    for note in ("x" * 200, "x" * 60_000 + "\n"):
        api.post("/failed-orders/redrive", json={"note": note})
    assert longest == 200
