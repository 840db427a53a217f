"""`dofs smoke`: it passes where an order gets through, and nowhere else."""

import json

import pytest

from service.cli.commands import smoke
from service.fulfillers.simulated import DECLINED
from service.orders.model import Failure, FailureKind
from service.orders.ports import NotFulfilled
from tests.cli.commands import run
from tests.cli.stub import Answer, problem, stub

ACCEPTED = Answer(202, {"order_id": "ord_1", "status": "RECEIVED"})


def entry(before, after, reason=None):
    return {"at": "2026-01-31T09:30:00.000Z", "from": before, "to": after, "actor": "fulfillment", "reason": reason}


STORED = [entry(None, "RECEIVED"), entry("RECEIVED", "PENDING")]
CLAIMED = [*STORED, entry("PENDING", "PROCESSING")]


def order(*timeline):
    return Answer(200, {"order_id": "ord_1", "status": timeline[-1]["to"], "timeline": timeline})


def test_one_order_goes_through_the_whole_system(url):
    ran = run("--api", url, "--json", "smoke")
    assert ran.code == 0, ran.err
    assert ran.json["answer"] == "attempt 1 succeeded"
    shown = run("--api", url, "--json", "show", ran.json["order_id"]).json
    assert (shown["status"], shown["customer_id"], shown["total_amount"]) == ("FULFILLED", smoke.CUSTOMER, 0)


def test_that_the_simulated_warehouse_declines_is_an_answer(url, failing):
    ran = run("--api", url, "smoke")
    assert ran.code == 0, ran.err
    assert "The warehouse answered order" in ran.out
    assert DECLINED in ran.out


def test_an_attempt_that_broke_off_is_none(url, cloud, monkeypatch):
    class Broken:
        def fulfill(self, order, seconds):
            return NotFulfilled(Failure(FailureKind.ERROR, "KeyError"))

    monkeypatch.setattr(cloud.system, "fulfiller", Broken())
    ran = run("--api", url, "smoke")
    assert ran.code == 1
    assert "became FAILED: attempt 1 of 1: KeyError" in ran.err


@pytest.mark.parametrize(
    ("timeline", "said"),
    [
        (
            [*CLAIMED, entry("PROCESSING", "PENDING", "attempt 1 of 3: KeyError")],
            "became PENDING: attempt 1 of 3: K",
        ),
        ([entry(None, "RECEIVED"), entry("RECEIVED", "REJECTED", "1 error")], "became REJECTED: 1 error"),
        (STORED, "is still PENDING after 1s: run `dofs trace ord_1`"),
        (CLAIMED, "is still PROCESSING"),
    ],
)
def test_an_order_without_an_answer_is_an_error_with_its_state(timeline, said):
    with stub(lambda request: ACCEPTED if request.method == "POST" else order(*timeline)) as server:
        ran = run("--api", server.url, "smoke", "--timeout", "1s")
    assert (ran.code, ran.out) == (1, "")
    assert f"Order ord_1 {said}" in ran.err


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
