"""Submitting a file: nothing is sent by a dry run, and nothing is created twice."""

import json
import signal
import threading

import pytest

from tests.cli.commands import run, start_installed
from tests.cli.stub import Answer, problem, stub
from tests.documents import DIRECTORY
from tests.polling import PATIENCE, eventually
from tests.support import valid_order

HEAD = "order,customer_id,product_id,quantity,price\n"


class OrdersApi:
    """An API that accepts every order, as fast as possible.

    Args:
        answered: the number of orders that are answered at once; the others wait until ``released`` is set.
    """

    def __init__(self, answered: int = 10**9) -> None:
        self.accepted: dict[str, bytes] = {}
        self.answered = answered
        self.released = threading.Event()
        self._lock = threading.Lock()

    def answer(self, request):
        if len(request.body) < int(request.headers["content-length"]):
            return Answer(400)  # the client was killed
        key = request.headers["idempotency-key"]
        with self._lock:
            known = self.accepted.setdefault(key, request.body)
            replayed = known is not request.body
            must_wait = len(self.accepted) > self.answered
        if must_wait:
            assert self.released.wait(PATIENCE)
        if known != request.body:
            return problem(422, "idempotency-key-reused", "The idempotency key belongs to another order")
        headers = {"Idempotency-Replayed": "true"} if replayed else {}
        return Answer(202, {"order_id": f"ord_{key[-32:]}", "status": "RECEIVED"}, headers)


def write(path, *rows, head=HEAD):
    path.write_text(head + "".join(f"{row}\n" for row in rows))
    return str(path)


def submit(url, *arguments):
    return run("--api", url, "--json", "submit", *arguments)


def references(url, customer):
    listed = run("--api", url, "--json", "list", "--customer", customer, "--all")
    return sorted(order["reference"] for order in listed.lines)


@pytest.mark.parametrize("file", ["orders.csv", "shopify_orders.csv"])
def test_a_dry_run_judges_every_order_and_sends_nothing(file, tmp_path):
    with stub(OrdersApi().answer) as api:
        if file == "orders.csv":
            given = [write(tmp_path / file, "1,c,p,2,1.50", "2,c,p,0,1", "3,c,p,two,1")]
        else:
            given = [str(DIRECTORY / file), "--from", "shopify"]
        ran = submit(api.url, *given, "--dry-run", "--report", str(tmp_path / "report.jsonl"))
    assert api.received == []
    outcomes = [(each["line"], each["reference"], each["outcome"], each["order_id"]) for each in ran.json["orders"]]
    if file == "orders.csv":
        assert ran.code == 1
        assert outcomes == [(2, "1", "valid", None), (3, "2", "refused", None), (4, "3", "unreadable", None)]
        assert ran.json["orders"][1]["errors"] == [{"pointer": "/items/0/quantity", "detail": "must be at least 1"}]
        reasons = "orders[].detail and orders[].errors have the reasons."
        assert ran.err == f"dofs: Of 3 orders: 1 refused, 1 unreadable; {reasons}\n"
    else:
        assert ran.code == 0
        assert {outcome for _, _, outcome, _ in outcomes} == {"valid"}
    reported = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert reported == ran.json["orders"]


def test_a_file_with_numbers_is_submitted_twice_and_creates_nothing_more(url, customer, tmp_path):
    file = write(tmp_path / "o.csv", f"1001,{customer},p,2,1.50", f"1002,{customer},p,2,1.50", f"1001,{customer},q,1,1")
    first, again = submit(url, file), submit(url, file)
    assert (first.code, first.json["accepted"]) == (0, 2)
    assert (again.code, again.json["accepted"], again.json["already_there"]) == (0, 0, 2)
    assert [each["reference"] for each in again.json["orders"]] == ["1001", "1002"]
    assert [each["order_id"] for each in again.json["orders"]] == [each["order_id"] for each in first.json["orders"]]
    assert references(url, customer) == ["1001", "1002"]


def test_a_changed_row_is_refused_as_changed_and_is_no_second_order(url, customer, tmp_path):
    one, two = f"{customer}-1", f"{customer}-2"
    submit(url, write(tmp_path / "o.csv", f"{one},{customer},p,2,1.50", f"{two},{customer},p,2,1.50"))
    changed = write(tmp_path / "o.csv", f"{one},{customer},p,2,1.50", f"{two},{customer},p,3,1.50")
    ran = run("--api", url, "submit", changed)
    assert ran.code == 1
    assert f" {two} " in ran.out
    assert "An order with this number was submitted before, and differs." in " ".join(ran.out.split())
    assert references(url, customer) == [one, two]


def test_the_same_rows_without_numbers_on_another_day_are_reported(url, customer, tmp_path):
    head = HEAD.removeprefix("order,")
    file = write(tmp_path / "o.csv", f"{customer},p,2,1.50", f"{customer},q,1,1", head=head)
    assert run("--api", url, "submit", file).code == 0
    again = run("--api", url, "submit", file)
    assert again.code == 1
    assert "dofs: 2 orders equal orders that were submitted before, and were taken as repeats of" in again.err
    assert again.err.endswith("give each an order number (column order), or the whole file a --batch LABEL.\n")
    labelled = submit(url, file, "--batch", "tuesday")
    assert (labelled.code, labelled.json["accepted"]) == (0, 2)


def test_an_order_that_its_shop_has_closed_is_skipped_and_is_no_error(url, tmp_path):
    order = json.loads((DIRECTORY / "shopify_order.json").read_bytes())
    file = tmp_path / "o.jsonl"
    file.write_text(json.dumps({**order, "name": "#9", "cancelled_at": "2026-03-02T10:15:20+01:00"}))
    ran = submit(url, str(file), "--from", "shopify")
    assert (ran.code, ran.json["skipped"], ran.json["accepted"]) == (0, 1, 0)
    assert ran.json["orders"][0]["detail"] == "its status in the shop is cancelled"
    shown = run("--api", url, "submit", str(file), "--from", "shopify")
    assert "Skipped orders are closed or shipped in part in the shop, or have nothing to ship" in shown.out + shown.err


def test_a_run_after_a_kill_submits_each_of_many_rows_once(tmp_path, thorough):
    count = 10_000 if thorough else 300
    rows = [f"{number},cust_{number % 7},prod_{number % 11},2,29.99" for number in range(count)]
    file, api = write(tmp_path / "orders.csv", *rows), OrdersApi(answered=count // 2)
    with stub(api.answer) as served:
        process = start_installed("--api", served.url, "submit", file)
        eventually(lambda: len(api.accepted) > count // 2)  # at least one answer is lost
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        api.released.set()
        before = len(api.accepted)
        again = submit(served.url, file)
    assert count // 2 < before < count
    assert again.code == 0, again.err
    assert (again.json["already_there"], again.json["accepted"]) == (before, count - before)
    sent = [json.loads(body)["reference"] for body in api.accepted.values()]
    assert sorted(sent, key=int) == [str(number) for number in range(count)]


@pytest.mark.parametrize("file_format", ["json", "jsonl"])
def test_orders_with_a_number_are_never_created_twice_whatever_the_format(file_format, url, customer, tmp_path):
    orders = [valid_order(customer_id=customer, reference=name) for name in (f"{customer}-a", f"{customer}-b")]
    file = tmp_path / f"o.{file_format}"
    file.write_text(json.dumps(orders) if file_format == "json" else "\n".join(map(json.dumps, orders)))
    assert [submit(url, str(file)).json["accepted"] for _ in range(2)] == [2, 0]
