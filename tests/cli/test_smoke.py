"""`dofs smoke` passes if the warehouse answers the test order, and only then."""

import json
from dataclasses import dataclass

import pytest

from service.cli.commands import smoke
from service.orders import warehouse
from service.orders.warehouse import State
from tests.cli.commands import run
from tests.cli.stub import Answer, problem, stub

ACCEPTED = Answer(202, {"order_id": "ord_1", "status": "RECEIVED"})


def entry(before, after, reason=None, **members):
    """A timeline entry. The entries of version 0.1.0 have no ``failure``."""
    at = "2026-01-31T09:30:00.000Z"
    return {"at": at, "from": before, "to": after, "actor": "fulfillment", "reason": reason, **members}


STORED = [entry(None, "RECEIVED", failure=None), entry("RECEIVED", "PENDING", failure=None)]
CLAIMED = [*STORED, entry("PENDING", "PROCESSING", failure=None)]
RELEASED_BY_OLDER_VERSION = [
    entry(None, "RECEIVED"),
    entry("PENDING", "PROCESSING"),
    entry("PROCESSING", "PENDING", "attempt 1 of 3: out of stock"),
]
NOT_TAKEN = [
    *CLAIMED,
    entry("PROCESSING", "PENDING", "attempt 1 of 3: HTTP 503; it does not count as an attempt", failure=None),
]


def order(*timeline):
    return Answer(200, {"order_id": "ord_1", "status": timeline[-1]["to"], "timeline": timeline})


def smoke_test(*timeline, stats=None):
    """Run the smoke test against a server whose order has the timeline."""

    def answer(request):
        if request.method == "POST":
            return ACCEPTED
        return stats or Answer(404) if request.path == "/stats" else order(*timeline)

    with stub(answer) as server:
        return run("--api", server.url, "smoke", "--timeout", "1s")


@dataclass
class Warehouse:
    """A warehouse that gives every attempt the same answer."""

    answer: warehouse.Answer

    def ask(self, order, seconds):
        return self.answer


def test_one_order_goes_through_the_whole_system(url):
    ran = run("--api", url, "--json", "smoke")
    assert ran.code == 0, ran.err
    assert ran.json["answer"] == "attempt 1 succeeded"
    shown = run("--api", url, "--json", "show", ran.json["order_id"]).json
    assert (shown["status"], shown["customer_id"], shown["total_amount"]) == ("FULFILLED", smoke.CUSTOMER, 0)


@pytest.mark.parametrize("state", [State.DECLINED, State.REFUSED])
def test_the_kind_of_failure_decides_and_not_its_text(state, url, cloud, monkeypatch):
    monkeypatch.setattr(cloud.system, "fulfiller", Warehouse(warehouse.Answer(state, "any text of any warehouse")))
    ran = run("--api", url, "smoke")
    assert ran.code == 0, ran.err
    assert "The warehouse answered order" in ran.out
    assert "any text of any warehouse" in ran.out


def test_a_declined_attempt_is_an_answer_before_the_order_is_terminal():
    ran = smoke_test(*CLAIMED, entry("PROCESSING", "PENDING", "attempt 1 of 3: out of stock", failure="declined"))
    assert (ran.code, ran.err) == (0, "")
    assert "attempt 1 of 3: out of stock" in ran.out


@pytest.mark.parametrize(
    ("timeline", "text"),
    [
        (
            [*CLAIMED, entry("PROCESSING", "PENDING", "attempt 1 of 3: KeyError", failure="error")],
            ": an attempt ended without an answer (error): attempt 1 of 3: KeyError.",
        ),
        (
            [*CLAIMED, entry("PROCESSING", "FAILED", "attempt 1 of 1 never ended", failure="abandoned")],
            ": an attempt ended without an answer (abandoned): attempt 1 of 1 never ended.",
        ),
        ([*STORED[:1], entry("RECEIVED", "REJECTED", "1 error", failure=None)], " is REJECTED: 1 error."),
        ([*STORED, entry("PENDING", "CANCELLED", "by the customer", failure=None)], " is CANCELLED: by the customer."),
        (STORED, " is still PENDING after 1s. Run `dofs trace ord_1`"),
        (CLAIMED, " is still PROCESSING after 1s"),
        (RELEASED_BY_OLDER_VERSION, " is still PENDING after 1s: attempt 1 of 3: out of stock. Run"),
        (
            [*RELEASED_BY_OLDER_VERSION, entry("PROCESSING", "FAILED", "attempt 3 of 3: out of stock")],
            " is FAILED: attempt 3 of 3: out of stock. The timeline has no `failure`",
        ),
    ],
)
def test_an_order_without_an_answer_is_an_error_with_its_state(timeline, text):
    ran = smoke_test(*timeline)
    assert (ran.code, ran.out) == (1, "")
    assert f"Order ord_1{text}" in ran.err


def test_the_reason_of_an_attempt_that_does_not_count_is_shown_once_and_with_the_error():
    ran = smoke_test(*NOT_TAKEN)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("waiting: attempt 1 of 3: HTTP 503") == 1
    assert "ord_1 is still PENDING after 1s: attempt 1 of 3: HTTP 503; it does not count as an attempt. Run" in ran.err


@pytest.mark.parametrize(
    ("timeline", "why"), [(STORED, ""), (NOT_TAKEN, "; attempt 1 of 3: HTTP 503; it does not count as an attempt")]
)
def test_the_brake_is_named_while_the_order_waits_and_when_the_time_is_over(timeline, why, monkeypatch):
    monkeypatch.setattr(smoke, "BRAKE_SECONDS", 0.2)
    since = "2026-01-31T09:00:00.000Z"
    brake = Answer(200, {"brake": {"since": since, "probe_at": since}})
    ran = smoke_test(*timeline, stats=brake)
    assert (ran.code, ran.out) == (1, "")
    named = f"the brake is on, because the warehouse has taken nothing since {since}{why}"
    assert ran.err.count(f"waiting: {named}\n") == 1
    assert f"Order ord_1 is still PENDING after 1s: {named}. Run `dofs trace ord_1`" in ran.err


@pytest.mark.parametrize(
    "stats", [Answer(200, {"brake": None}), Answer(200, {}), problem(404, "not-found", "Not found"), Answer(403)]
)
def test_an_order_that_waits_without_a_brake_or_a_right_to_see_it_names_none(stats):
    ran = smoke_test(*STORED, stats=stats)
    assert "Order ord_1 is still PENDING after 1s. Run `dofs trace ord_1`" in ran.err
    assert "waiting" not in ran.err


@pytest.mark.parametrize(
    ("status", "failure"), [("AT_WAREHOUSE", None), ("PARTLY_FULFILLED", "closed")], ids=["accepted", "closed"]
)
def test_a_warehouse_that_accepts_the_order_or_ships_a_part_of_it_has_answered(status, failure):
    ran = smoke_test(*CLAIMED, entry("PROCESSING", status, "attempt 1: accepted", failure=failure))
    assert (ran.code, ran.err) == (0, "")
    assert "attempt 1: accepted" in ran.out


def test_an_older_versions_order_decides_when_it_is_fulfilled():
    ran = smoke_test(*RELEASED_BY_OLDER_VERSION, entry("PROCESSING", "FULFILLED", "attempt 2 succeeded"))
    assert (ran.code, ran.err) == (0, "")
    assert "attempt 2 succeeded" in ran.out


def test_submitting_to_a_new_deployment_is_retried_with_one_idempotency_key():
    refusals = [Answer(403, {"message": "Forbidden"}), problem(500, "internal-error", "Internal error")]

    def answer(request):
        if request.method == "POST":
            return refusals.pop(0) if refusals else ACCEPTED
        return order(*CLAIMED, entry("PROCESSING", "FULFILLED", "attempt 1 succeeded"))

    with stub(answer) as server:
        ran = run("--api", server.url, "smoke", "--timeout", "20s")
    assert ran.code == 0, ran.err
    sent = [request for request in server.received if request.method == "POST"]
    assert len(sent) == 3
    assert len({request.headers["idempotency-key"] for request in sent}) == 1
    assert {request.body for request in sent} == {sent[0].body}
    assert json.loads(sent[0].body)["customer_id"] == smoke.CUSTOMER


def test_reading_from_a_new_deployment_is_retried():
    refusals = [Answer(403, {"message": "Forbidden"}), problem(500, "internal-error", "Internal error")]

    def answer(request):
        if request.method == "POST":
            return ACCEPTED
        return refusals.pop() if refusals else order(*CLAIMED, entry("PROCESSING", "FULFILLED", "attempt 1 succeeded"))

    with stub(answer) as server:
        ran = run("--api", server.url, "smoke", "--timeout", "20s")
    assert ran.code == 0, ran.err


def test_an_accepted_order_that_cannot_be_read_is_an_error(monkeypatch):
    monkeypatch.setattr(smoke, "STARTUP_SECONDS", 0.5)
    refused = Answer(403, {"message": "Forbidden"})
    with stub(lambda request: ACCEPTED if request.method == "POST" else refused) as server:
        ran = run("--api", server.url, "smoke")
    assert ran.code == 1
    assert "Order ord_1 was accepted, but cannot be read" in ran.err


def test_a_refused_order_is_not_retried():
    with stub(lambda _: problem(422, "order-invalid", "The order is not valid")) as server:
        ran = run("--api", server.url, "smoke")
    assert ran.code == 1
    assert len(server.received) == 1
    assert "was not accepted" in ran.err


def test_an_unreachable_api_is_an_error(monkeypatch):
    monkeypatch.setattr(smoke, "STARTUP_SECONDS", 0.5)
    ran = run("--api", "http://127.0.0.1:9", "smoke")
    assert ran.code == 1
    assert "cannot be reached" in ran.err
