"""How `dofs` handles answers that are errors, late, unexpected or missing."""

import json
import os
import signal
import time

import pytest

from service.cli import api, polling
from tests.cli.commands import run, start_installed
from tests.cli.stub import Answer, problem, stub
from tests.polling import PATIENCE
from tests.support import valid_order

ORDER = {
    "order_id": "ord_1",
    "status": "FULFILLED",
    "customer_id": "c",
    "created_at": "2026-01-31T09:30:00.000Z",
    "updated_at": "2026-01-31T09:30:01.000Z",
    "timeline": [{"at": "2026-01-31T09:30:00.000Z", "from": None, "to": "RECEIVED", "actor": "api", "reason": None}],
}
UNAVAILABLE = problem(503, "unavailable", "A dependency does not respond; try again")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(api, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(polling, "SHORTEST_PAUSE", 0.01)


def serve_answers(*answers):
    """Answer with each in turn, and then always with the last."""
    left = list(answers)
    return stub(lambda _: left.pop(0) if len(left) > 1 else left[0])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "orders.jsonl"
    path.write_text("\n".join(json.dumps(valid_order(metadata={"n": str(number)})) for number in range(4)))
    return str(path)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (
            problem(401, "unauthenticated", "The request is not authenticated"),
            4,
            "denies access (401, The request is not authenticated)",
        ),
        (
            Answer(403, {"message": "Forbidden"}),
            4,
            "denies access (403, Forbidden): check --api-key, --token or --sigv4.",
        ),
        (problem(404, "order-not-found", "There is no such order"), 5, "Order ord_1: There is no such order."),
        (problem(404, "not-found", "Not Found"), 3, "is this the URL of a DOFS API"),
        (Answer(404, b"<html>nothing</html>"), 3, "is this the URL of a DOFS API"),
        (Answer(301, headers={"Location": "http://elsewhere.test"}), 3, "has no such route (301)"),
        (
            problem(409, "too-late", "Too late", detail="The order is FULFILLED."),
            6,
            "Order ord_1: Too late: The order is FULFILLED.",
        ),
        (problem(422, "parameters-invalid", "No", errors=[{"pointer": "/a", "detail": "b"}]), 2, "\n  /a: b\n"),
        (problem(422, "parameters-invalid", "No", errors="odd"), 2, "refuses the request (422, No)"),
        (problem(500, "internal-error", "Internal error"), 3, "fails (500, Internal error"),
        (UNAVAILABLE, 3, "fails (503, A dependency does not respond; try again)"),
        (Answer(200, b"<html>hello</html>"), 3, "does not answer with JSON"),
        (Answer(200, b"[" * 100_000), 3, "does not answer with JSON"),
        (Answer(200, {"timeline": 5}), 3, "the versions of dofs and the API may differ"),
        (Answer(400, {"title": "\x1b[31mred\x07"}), 2, r"(400, \x1b[31mred\x07)"),
    ],
)
def test_each_error_has_an_exit_code_and_one_sentence(answer, code, said):
    with serve_answers(answer) as server:
        ran = run("--api", server.url, "show", "ord_1")
    assert ran.code == code
    assert said in ran.err
    assert "\x1b" not in ran.out + ran.err
    assert ran.out == ""


def test_an_unexpected_answer_causes_no_traceback():
    with serve_answers(Answer(200, {"orders": 5})) as server:
        ran = run("--api", server.url, "list", "--status", "FAILED")
    assert ran.code == 3
    assert ran.err.count("\n") == 1


def test_an_unreachable_api_is_an_error_with_advice(file):
    for command in (("show", "ord_1"), ("submit", file), ("load",), ("stats",)):
        ran = run("--api", "http://127.0.0.1:9/dev", *command)
        assert (ran.code, ran.out) == (3, "")
        assert ran.err == (
            "dofs: The API at http://127.0.0.1:9/dev cannot be reached (ConnectError): "
            "start one with `make run`, or give --api.\n"
        )


def test_transient_errors_are_retried():
    with serve_answers(UNAVAILABLE, Answer(429), Answer(502), Answer(504), Answer(200, ORDER)) as server:
        assert run("--api", server.url, "show", "ord_1").code == 0
        assert len(server.received) == 5


REDRIVEN = Answer(200, {"results": [{"order_id": "ord_1", "outcome": "redriven"}], "next_cursor": None})


@pytest.mark.parametrize(("first", "code", "requests"), [(429, 0, 2), (503, 0, 2), (502, 3, 1), (504, 3, 1)])
def test_a_redrive_that_may_have_had_an_effect_is_not_retried(first, code, requests):
    """Otherwise the retry redrives orders that have failed again, for a cause that nobody has looked at."""
    with serve_answers(Answer(first), REDRIVEN) as server:
        assert run("--api", server.url, "redrive", "--all", "--note", "x", "--yes").code == code
        assert len(server.received) == requests


def test_the_pause_before_a_retry_grows_has_jitter_and_respects_retry_after():
    failing = [api.retry_pause(tried, ConnectionError(), True) for tried in range(1, api.MAX_TRIES)]
    assert failing == sorted(failing)
    assert api.retry_pause(api.MAX_TRIES, ConnectionError(), True) is None
    assert len({api.retry_pause(3, ConnectionError(), True) for _ in range(5)}) > 1
    for written, least in (("3", 3), ("999", api.LONGEST_PAUSE), ("soon", 0), ("-1", 0)):
        response = api.httpx.Response(503, headers={"Retry-After": written})
        assert least <= api.retry_pause(1, response, True) <= max(least, 0.5)


def test_a_refused_connection_is_retried_only_after_the_api_has_answered():
    refused = api.httpx.ConnectError("refused")
    assert api.retry_pause(1, refused, has_answered=False) is None
    assert api.retry_pause(1, refused, has_answered=True) is not None
    assert api.retry_pause(1, api.httpx.ReadTimeout("late"), has_answered=False) is not None


def test_a_retry_has_the_same_idempotency_key(file):
    with serve_answers(UNAVAILABLE, Answer(202, {"order_id": "ord_1", "status": "RECEIVED"})) as server:
        ran = run("--api", server.url, "--json", "submit", file, "--concurrency", "1")
    assert (ran.code, ran.json["accepted"]) == (0, 4)
    first, second, *others = [request.headers["idempotency-key"] for request in server.received]
    assert first == second
    assert len({first, *others}) == 4


@pytest.mark.parametrize(
    ("answers", "code", "told"),
    [
        ([Answer(401)], 4, {"not_sent": 4}),
        ([problem(404, "not-found", "Not Found")], 3, {"not_sent": 4}),
        ([Answer(202, {"order_id": "ord_1"}), UNAVAILABLE], 3, {"accepted": 1, "not_sent": 3}),
        ([problem(500, "internal-error", "Something went wrong")], 3, {"error": 4}),
        ([problem(500, "internal-error", "x"), Answer(202, {"order_id": "o"})], 1, {"error": 1, "accepted": 3}),
        (
            [problem(413, "body-too-large", "Too large"), Answer(202, {"order_id": "o"})],
            1,
            {"refused": 1, "accepted": 3},
        ),
        ([Answer(200, {"hello": 1})], 3, {"not_sent": 4}),
    ],
)
def test_a_submission_stops_only_when_no_order_can_succeed(answers, code, told, file):
    with serve_answers(*answers) as server:
        ran = run("--api", server.url, "--json", "submit", file, "--concurrency", "1")
    assert ran.code == code, ran.err
    assert {name: count for name, count in ran.json.items() if isinstance(count, int) and count} == told
    if told.get("not_sent"):
        assert len({request.headers["idempotency-key"] for request in server.received}) <= 5 - told["not_sent"]


def test_ctrl_c_ends_a_watch_with_130_and_no_traceback():
    waiting = {**ORDER, "status": "PENDING"}
    with serve_answers(Answer(200, waiting)) as server:
        process = start_installed("--api", server.url, "watch", "ord_1")
        assert "RECEIVED" in process.stdout.readline()
        process.send_signal(2)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, "Traceback" in err) == (130, "", False)


def test_a_watch_shows_only_new_timeline_entries():
    entry = {**ORDER["timeline"][0], "to": "FULFILLED", "at": "2026-01-31T09:30:01.000Z"}
    first = Answer(200, {**ORDER, "status": "PENDING"})
    with serve_answers(first, first, Answer(200, {**ORDER, "timeline": [*ORDER["timeline"], entry]})) as server:
        ran = run("--api", server.url, "--json", "watch", "ord_1")
    assert (ran.code, [each["to"] for each in ran.lines]) == (0, ["RECEIVED", "FULFILLED"])


class Shop:
    """Accepts orders, but loses the second, never finishes the third, answers the fourth with an error, and omits the
    fifth from the list."""

    def __init__(self):
        self.accepted = []

    def __call__(self, request):
        if request.method == "POST":
            self.accepted.append(f"ord_{len(self.accepted) + 1}")
            return Answer(202, {"order_id": self.accepted[-1]}) if len(self.accepted) != 4 else Answer(500)
        if request.path.startswith("/orders?"):
            open_one = {"ord_3": "PENDING"}
            kept = [each for each in self.accepted if each not in ("ord_2", "ord_5")]
            orders = [{**ORDER, "order_id": each, "status": open_one.get(each, "FULFILLED")} for each in kept]
            return Answer(200, {"orders": orders, "next_cursor": None})
        if request.path == "/orders/ord_5":
            return Answer(200, {**ORDER, "order_id": "ord_5"})
        return problem(404, "order-not-found", "There is no such order")


def test_load_names_each_order_that_is_lost_or_still_open():
    with stub(Shop()) as server:
        ran = run("--api", server.url, "load", "--rate", "50", "--duration", "100ms", "--timeout", "50ms")
    assert ran.code == 1
    assert "ord_2: unknown to the API" in ran.err
    assert "ord_3: PENDING" in ran.err
    assert ran.err.endswith("dofs: Of 5 orders: 1 lost, 1 not in a terminal state, 1 not accepted.\n")
    assert "HTTP 500 1" in ran.out
    assert "accepted, but the answer did not arrive: 1" in ran.out


def test_an_interrupted_load_checks_the_orders_that_were_sent():
    shop = Shop()

    def answer(request):
        if request.method == "POST" and len(shop.accepted) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return shop(request)

    with stub(answer) as server:
        ran = run("--api", server.url, "--json", "load", "--rate", "20", "--duration", "1m", "--timeout", "50ms")
    assert ran.code == 130
    assert ran.json["sent"] < 1200
    assert ran.json["lost"] == ["ord_2"]
    assert "dofs: interrupted after " in ran.err


def test_load_measures_the_delays_that_a_slow_server_causes():
    def slow(request):
        if request.method == "POST":
            time.sleep(0.05)
            return Answer(202, {"order_id": f"ord_{request.headers.get('x', '')}"})
        return Answer(200, {"orders": [{**ORDER, "order_id": "ord_"}], "next_cursor": None})

    with stub(slow) as server:
        ran = run("--api", server.url, "--json", "load", "--rate", "200", "--duration", "50ms", "--concurrency", "1")
    assert ran.code == 0, ran.err
    assert ran.json["sent"] == 10
    # The tenth request was planned for 45 ms, and waited for nine requests of 50 ms each.
    assert ran.json["response_seconds"]["max"] > 0.4
    assert ran.json["response_seconds"]["p50"] > 0.2


def test_control_characters_from_the_api_are_escaped():
    nasty = {**ORDER, "customer_id": "\x1b]0;owned\x07", "metadata": {"[red]x": "\u202e\x9b31m"}, "status": "[b]ODD"}
    with serve_answers(Answer(200, nasty)) as server:
        for command in (("show", "ord_1"), ("--json", "show", "ord_1")):
            ran = run("--api", server.url, *command)
            assert ran.code == 0, ran.err
            assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*ran.out}
            assert "[red]x" in ran.out
            assert "[b]ODD" in ran.out
