"""Submit, watch, show, list, cancel and load against the embedded system."""

import json
import signal
import threading
from datetime import UTC, datetime

import httpx
import pytest

from service.orders.submission import new_order
from tests.cli.commands import run, start_installed
from tests.cli.stub import Answer, stub
from tests.polling import PATIENCE, eventually
from tests.support import valid_order


def write_orders(path, *orders):
    path.write_text("\n".join(order if isinstance(order, str) else json.dumps(order) for order in orders))
    return str(path)


def list_orders(url, customer):
    """The orders of the customer, as the API lists them."""
    found = run("--api", url, "--json", "list", "--customer", customer, "--all")
    assert found.code == 0, found.err
    return found.lines


def submit_order(url, customer, tmp_path, **changes):
    """Submit an order, and return its id."""
    file = write_orders(tmp_path / "one.json", valid_order(customer_id=customer, **changes))
    return run("--api", url, "--json", "submit", file).json["orders"][0]["order_id"]


def store_received_order(cloud, order_id):
    """Store an order without an execution of the workflow."""
    at = datetime.now(UTC)
    content = valid_order()
    order = new_order(content, order_id=order_id, owner="anonymous", actor="api", at=at, write_id="w")
    cloud.system.store.create(order)


def test_the_orders_of_a_file_are_submitted_awaited_and_reported(url, customer, tmp_path):
    order = valid_order(customer_id=customer)
    wrong = valid_order(customer_id=customer, total_amount=1)
    file, report = write_orders(tmp_path / "o.jsonl", order, "{oops", order, wrong), tmp_path / "report.jsonl"
    ran = run("--api", url, "submit", file, "--wait", "--report", str(report))
    assert ran.code == 1
    assert ran.err == "dofs: Of 4 orders: 1 refused, 1 unreadable; see the table for the reasons.\n"
    told = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert {"accepted 2", "already there 0", "refused 1", "unreadable 1", "FULFILLED 2"} <= {*told}
    assert "2 The document is not valid JSON (column 2)." in told
    assert "4 /total_amount must equal the sum of quantity × price, which is 59.98" in told
    outcomes = {(each["line"], each["outcome"]) for each in map(json.loads, report.read_text().splitlines())}
    assert outcomes == {(1, "accepted"), (2, "unreadable"), (3, "accepted"), (4, "refused")}
    assert len(list_orders(url, customer)) == 2


def test_a_second_run_submits_only_the_appended_lines(url, customer, tmp_path):
    order, other = valid_order(customer_id=customer), valid_order(customer_id=customer, metadata={"n": "1"})
    first = run("--api", url, "--json", "submit", write_orders(tmp_path / "o.jsonl", order, order))
    again = run("--api", url, "--json", "submit", write_orders(tmp_path / "o.jsonl", order, order, order, other))
    assert (first.code, first.json["accepted"], first.json["already_there"]) == (0, 2, 0)
    assert (again.code, again.json["accepted"], again.json["already_there"]) == (1, 2, 2)
    assert "2 orders equal orders that were submitted before, and were taken as repeats of them: line 1" in again.err
    labelled = run("--api", url, "--json", "submit", write_orders(tmp_path / "o.jsonl", order), "--batch", "b")
    assert labelled.json["accepted"] == 1
    assert len(list_orders(url, customer)) == 5


def test_a_second_run_of_orders_with_references_submits_only_new_ones_and_refuses_changed_ones(url, customer, tmp_path):
    def order(reference, **changes):
        return valid_order(customer_id=customer, reference=f"{customer} {reference}", **changes)

    first = run("--api", url, "--json", "submit", write_orders(tmp_path / "o.jsonl", order("#1"), order("#2")))
    assert (first.code, first.json["accepted"]) == (0, 2)
    more = write_orders(tmp_path / "o.jsonl", order("#1"), order("#2"), order("#3"))
    again = run("--api", url, "--json", "submit", more)
    assert (again.code, again.json["accepted"], again.json["already_there"]) == (0, 1, 2)
    changed = run("--api", url, "--json", "submit", write_orders(tmp_path / "o.jsonl", order("#2", currency="EUR")))
    assert (changed.code, changed.json["refused"], changed.json["already_there"]) == (1, 1, 0)
    assert len(list_orders(url, customer)) == 3


def test_csv_is_read_from_standard_input(url, customer):
    table = f"order,customer_id,product_id,quantity,price\nA,{customer},p,3,0.10\nA,,q,1,0.20\n"
    ran = run("--api", url, "submit", "-", stdin=table.encode())
    assert ran.code == 0, ran.err
    [order] = list_orders(url, customer)
    assert (order["total_amount"], len(order["items"])) == (0.5, 2)
    assert order["order_id"] in ran.out


def test_lenient_orders_are_validated_in_the_workflow(url, tmp_path):
    file = write_orders(tmp_path / "o.json", {"items": 5})
    assert run("--api", url, "submit", file).code == 1
    ran = run("--api", url, "--json", "submit", file, "--lenient", "--wait")
    assert (ran.code, ran.json["accepted"], ran.json["ended"]) == (1, 1, {"REJECTED": 1})
    watched = run("--api", url, "watch", ran.json["orders"][0]["order_id"])
    assert watched.code == 1
    assert "/customer_id: is required" in watched.err


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_a_run_after_an_interruption_creates_no_duplicates(blow, url, customer, tmp_path):
    orders = [valid_order(customer_id=customer, metadata={"n": str(number % 4)}) for number in range(9)]
    file = write_orders(tmp_path / "o.jsonl", *orders)
    may_answer = threading.Semaphore(5)

    def through(request):
        assert may_answer.acquire(timeout=PATIENCE)
        target = url + request.path
        answer = httpx.request(request.method, target, headers=request.headers, content=request.body, timeout=PATIENCE)
        return Answer(answer.status_code, answer.content, {"Content-Type": answer.headers["content-type"]})

    with stub(through) as gate:
        process = start_installed("--api", gate.url, "submit", file, "--concurrency", "2")
        eventually(lambda: len(gate.received) == 7)
        process.send_signal(blow)
        may_answer.release(2)
        _, err = process.communicate(timeout=PATIENCE)
        may_answer.release(100)
    again = run("--api", url, "--json", "submit", file)
    assert (again.code, again.json["accepted"] + again.json["already_there"]) == (1, 9)
    assert f"{again.json['already_there']} orders equal orders that were submitted before" in again.err
    assert len(list_orders(url, customer)) == 9
    if blow is signal.SIGINT:
        assert (process.returncode, again.json["already_there"]) == (130, 7)
        assert "7 of 9 orders are submitted. Run the same command again" in err


def test_an_order_is_watched_until_it_is_terminal(url, customer, tmp_path):
    order_id = submit_order(url, customer, tmp_path)
    ran = run("--api", url, "--json", "watch", order_id)
    assert ran.code == 0, ran.err
    assert [entry["to"] for entry in ran.lines] == ["RECEIVED", "PENDING", "PROCESSING", "FULFILLED"]
    assert {entry["order_id"] for entry in ran.lines} == {order_id}


def test_a_watch_ends_with_1_if_the_order_fails_or_takes_too_long(url, cloud, failing, customer, tmp_path):
    order_id = submit_order(url, customer, tmp_path)
    failed = run("--api", url, "watch", order_id)
    assert (failed.code, failed.err) == (1, f"dofs: Order {order_id} is FAILED.\n")
    assert "the simulated warehouse declined" in failed.out
    store_received_order(cloud, "ord_waits")
    waited = run("--api", url, "watch", "ord_waits", "--timeout", "300ms")
    assert (waited.code, waited.err) == (1, "dofs: Order ord_waits is still RECEIVED after 300ms.\n")


def test_an_order_is_shown_without_control_characters(url, customer, tmp_path):
    order_id = submit_order(url, customer, tmp_path, metadata={"k": "[b]\x1b[31m"})
    shown = run("--api", url, "show", order_id)
    assert shown.code == 0
    for part in (order_id, customer, "59.98 USD", "prod_456", "29.99", "RECEIVED", r"[b]\x1b[31m"):
        assert part in shown.out
    assert "\x1b" not in shown.out
    as_json = run("--api", url, "--json", "show", order_id)
    assert as_json.json["total_amount"] == 59.98
    assert r"\u001b" in as_json.out


def test_lists_are_newest_first_and_limited(url, customer, tmp_path):
    file = write_orders(tmp_path / "o.jsonl", *[valid_order(customer_id=customer)] * 5)
    run("--api", url, "submit", file, "--wait", "--concurrency", "1")
    everything = list_orders(url, customer)
    created = [order["created_at"] for order in everything]
    assert created == sorted(created, reverse=True)
    two = run("--api", url, "--json", "list", "--customer", customer, "--limit", "2")
    assert [order["order_id"] for order in two.lines] == [order["order_id"] for order in everything[:2]]
    shown = run("--api", url, "list", "--status", "fulfilled", "--limit", "3").out.splitlines()
    assert len(shown) == 4
    assert run("--api", url, "list", "--customer", "nobody").err == "No orders.\n"


def test_an_order_is_cancelled_unless_it_is_too_late(url, cloud, customer, tmp_path):
    store_received_order(cloud, "ord_unwanted")
    ran = run("--api", url, "--json", "cancel", "ord_unwanted")
    assert (ran.code, ran.json["status"]) == (0, "CANCELLED")
    order_id = submit_order(url, customer, tmp_path)
    assert run("--api", url, "watch", order_id).code == 0
    late = run("--api", url, "cancel", order_id)
    assert (late.code, late.out) == (6, "")
    assert late.err == (
        f"dofs: Order {order_id}: The order can no longer be cancelled: The order is FULFILLED. "
        "The warehouse has shipped it.\n"
    )


@pytest.mark.parametrize("command", ["show", "watch", "cancel", "failed show", "warehouse look", "warehouse cancel"])
def test_an_unknown_order_is_an_error(command, url):
    ran = run("--api", url, *command.split(), "ord_none")
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.startswith("dofs: Order ord_none: ")


def test_load_checks_every_order(url):
    ran = run("--api", url, "--json", "load", "--rate", "40", "--duration", "300ms", "--timeout", "20s")
    assert ran.code == 0, ran.err
    told = ran.json
    assert (told["sent"], told["accepted"], told["ended"]) == (12, 12, {"FULFILLED": 12})
    assert told["response_seconds"].keys() == told["seconds_to_end"].keys() == {"p50", "p90", "p99", "max"}
    assert sum(bar["count"] for bar in told["response_histogram"]) == 12
    assert {order["status"] for order in list_orders(url, told["customer_id"])} == {"FULFILLED"}
    assert len(list_orders(url, told["customer_id"])) == 12
