"""The operators' commands for failed orders, over the API and with `--aws`."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from service.orders.lifecycle import Status
from service.orders.ports import Unavailable
from service.orders.submission import new_order
from tests.cli.commands import clean_environment, run, run_installed
from tests.cli.stub import Answer, stub
from tests.polling import eventually
from tests.support import valid_order


@pytest.fixture
def failed(url, cloud, failing, customer, tmp_path):
    """The ids of two failed orders."""
    return fail(url, customer, tmp_path, 2)


@pytest.fixture
def run_with_aws(cloud, monkeypatch):
    """Run a command in this process with `--aws`, against the AWS endpoint of the embedded cloud."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint.url)
    return lambda *arguments: run("--aws", "--json", *arguments)


def fail(url, customer, tmp_path, count):
    file = tmp_path / "orders.json"
    file.write_text(json.dumps([valid_order(customer_id=customer)] * count))
    ran = run("--api", url, "--json", "submit", str(file), "--wait")
    assert ran.json["ended"] == {"FAILED": count}, ran.err
    return [order["order_id"] for order in ran.json["orders"]]


def is_fulfilled(cloud, order_id):
    return lambda: cloud.system.store.get(order_id).status is Status.FULFILLED


def test_failed_orders_are_listed_by_reason_and_time(url, failed):
    ran = run("--api", url, "--json", "failed", "list", "--reason", "declined", "--after", "1h", "--all")
    assert ran.code == 0, ran.err
    mine = [each for each in ran.lines if each["order_id"] in failed]
    assert {each["order_id"] for each in mine} == {*failed}
    assert {(each["reason"], each["attempts"]) for each in mine} == {("declined", 1)}
    assert run("--api", url, "failed", "list", "--before", "1h").err == "No failed orders.\n"
    shown = run("--api", url, "failed", "list", "--limit", "2").out
    assert shown.count("the simulated warehouse declined") == 2


def test_a_failed_order_is_shown_with_its_timeline_and_its_message(url, failed):
    ran = run("--api", url, "failed", "show", failed[0])
    assert ran.code == 0
    assert "message id" in ran.out
    assert "attempt 1 of 1: the simulated warehouse declined" in ran.out
    assert run("--api", url, "--json", "failed", "show", failed[0]).json["order"]["status"] == "FAILED"


def test_orders_are_redriven_once_with_a_note(url, cloud, failed):
    cloud.system.fulfiller = type(cloud.system.fulfiller)(1, "seed")
    ran = run("--api", url, "redrive", *failed, "--note", "the [warehouse] is back")
    assert ran.code == 0, ran.err
    assert "2 redriven; messages removed from the dead-letter queue: " in ran.out
    assert "the [warehouse] is back" in run("--api", url, "show", failed[0]).out
    eventually(is_fulfilled(cloud, failed[0]))
    again = run("--api", url, "--json", "redrive", failed[0], "--note", "again")
    assert (again.code, again.json["counts"]) == (0, {"already_redriven": 1})


def test_a_dry_run_changes_nothing(url, cloud, failed):
    ran = run("--api", url, "--json", "redrive", "--all", "--note", "x", "--dry-run")
    assert ran.code == 0
    assert {*failed} <= {each["order_id"] for each in ran.json["results"] if each["outcome"] == "would_redrive"}
    assert cloud.system.store.get(failed[0]).status is Status.FAILED


def test_all_matching_orders_are_redriven_page_by_page(url, cloud, failed, monkeypatch):
    monkeypatch.setattr("service.cli.commands.redrive.BATCH_SIZE", 1)
    cloud.system.fulfiller = type(cloud.system.fulfiller)(1, "seed")
    ran = run("--api", url, "--json", "redrive", "--all", "--reason", "declined", "--note", "x", "--yes")
    assert ran.code == 0, ran.err
    assert {*failed} <= {each["order_id"] for each in ran.json["results"] if each["outcome"] == "redriven"}
    for order_id in failed:
        eventually(is_fulfilled(cloud, order_id))
    assert run("--api", url, "redrive", "--all", "--note", "x", "--yes").err == "No failed orders.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all", "--note", "x"), "there is no terminal: give --yes"),
        (("--note", "x"), "Give either the ids of orders, or --all."),
        (("ord_1", "--all", "--note", "x"), "Give either the ids of orders, or --all."),
        (("ord_1", "--reason", "declined", "--note", "x"), "need --all"),
        (("ord_1", "--note", " "), "--note must be one line of 1 to 200 characters."),
        (("ord_1", "--note", "two\nlines"), "--note must be one line"),
        (("--all", "--after", "soon", "--note", "x"), "--after 'soon': a time is"),
        (("ord_1",), "Missing option '--note'"),
    ],
)
def test_invalid_redrive_options_are_refused(arguments, said):
    ran = run("--api", "http://127.0.0.1:9", "redrive", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_the_exit_code_says_why_an_order_was_not_redriven(url, cloud, failed, customer, tmp_path):
    unknown = run("--api", url, "redrive", "ord_none", "--note", "x")
    assert (unknown.code, unknown.err) == (5, "dofs: Order ord_none was not redriven: there is no such order.\n")
    cloud.system.fulfiller = type(cloud.system.fulfiller)(1, "seed")
    file = tmp_path / "fine.json"
    file.write_text(json.dumps(valid_order(customer_id=customer)))
    good = run("--api", url, "--json", "submit", str(file), "--batch", "good", "--wait").json["orders"][0]["order_id"]
    assert run("--api", url, "redrive", good, "--note", "x").code == 6
    some = run("--api", url, "--json", "redrive", failed[0], good, "ord_none", "--note", "x")
    assert (some.code, some.json["counts"]) == (1, {"redriven": 1, "not_failed": 1, "unknown": 1})
    assert some.err == "dofs: 2 of 3 orders were not redriven; see the table for the reasons.\n"


def test_stats_show_the_number_of_orders_in_each_state(url, failed):
    ran = run("--api", url, "stats")
    assert ran.code == 0, ran.err
    for part in ("Orders", "FULFILLED", "declined", "dead-letter", "Last hour", "success"):
        assert part in ran.out
    assert run("--api", url, "--json", "stats").json["orders"]["FAILED"]["count"] >= 2


def test_with_aws_the_actor_of_a_redrive_is_the_iam_identity(cloud, failed):
    cloud.system.fulfiller = type(cloud.system.fulfiller)(1, "seed")
    eventually(lambda: cloud.system.dead_letters.depth().visible >= 2)
    access = {"AWS_ENDPOINT_URL": cloud.endpoint.url, "AWS_REGION": cloud.settings.region}
    ran = run_installed("--aws", "--json", "redrive", "--all", "--note", "by hand", "--yes", **access)
    assert ran.code == 0, ran.err
    assert {*failed} <= {each["order_id"] for each in ran.json["results"] if each["outcome"] == "redriven"}
    assert ran.json["dead_letters_removed"] >= 2
    eventually(is_fulfilled(cloud, failed[0]))
    redriven = next(entry for entry in cloud.system.store.get(failed[0]).timeline if entry.reason == "by hand")
    assert redriven.actor.startswith("operator:arn:aws:")


def test_with_aws_the_output_is_that_of_the_api(run_with_aws, url, customer, failed):
    for command in (
        ("show", failed[0]),
        ("list", "--customer", customer, "--all"),
        ("list", "--status", "FAILED", "--all"),
        ("failed", "list", "--reason", "declined", "--all"),
        ("failed", "show", failed[0]),
        ("redrive", failed[0], "--note", "x", "--dry-run"),
    ):
        direct, over_the_api = run_with_aws(*command), run("--api", url, "--json", *command)
        assert (direct.code, direct.out) == (0, over_the_api.out), direct.err
    figures = run_with_aws("stats").json
    assert figures.keys() == (same := run("--api", url, "--json", "stats").json).keys()
    assert figures["failed"] == same["failed"]
    watched = run_with_aws("watch", failed[0])
    assert (watched.code, watched.lines[-1]["to"]) == (1, "FAILED")


def test_with_aws_no_web_framework_is_loaded(cloud):
    commands = {
        "list --status FAILED": 0,
        "failed list": 0,
        "redrive ord_1 --note x": 5,
        "stats": 0,
    }
    program = """import sys, service.cli
for command in sys.argv[1:]:
    print(command, service.cli.main(["--aws", *command.split()]), {"fastapi", "starlette"} & {*sys.modules})"""
    ran = subprocess.run(
        [sys.executable, "-c", program, *commands],
        env=clean_environment(AWS_ENDPOINT_URL=cloud.endpoint.url, AWS_REGION=cloud.settings.region),
        capture_output=True,
        text=True,
        check=True,
    )
    told = [line for line in ran.stdout.splitlines() if line.endswith("set()")]
    assert told == [f"{command} {code} set()" for command, code in commands.items()], ran.stderr


def test_with_aws_the_actor_of_a_cancellation_is_the_iam_identity(run_with_aws, cloud):
    at = datetime.now(UTC)
    content = {"order_id": "ord_unwanted", "owner": "anonymous", "actor": "api", "at": at, "write_id": "w"}
    cloud.system.store.create(new_order(valid_order(), **content))
    ran = run_with_aws("cancel", "ord_unwanted")
    assert (ran.code, ran.json["status"]) == (0, "CANCELLED")
    assert ran.json["timeline"][-1]["actor"].startswith("operator:arn:aws:")
    assert run_with_aws("cancel", "ord_unwanted").json == ran.json


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "ord_none"), 5, "Order ord_none: There is no such order."),
        (("failed", "show", "ord_none"), 5, "Order ord_none: There is no failed order with this id."),
        (("cancel", "ord_none"), 5, "Order ord_none: There is no such order."),
        (("redrive", "ord_none", "--note", "x"), 5, "Order ord_none was not redriven: there is no such order."),
        (("load",), 2, "Orders are submitted only through the API: give --api instead of --aws."),
        (("submit", "-"), 2, "Orders are submitted only through the API: give --api instead of --aws."),
    ],
)
def test_with_aws_the_exit_codes_are_those_of_the_api(arguments, code, said, run_with_aws):
    ran = run_with_aws(*arguments)
    assert (ran.code, ran.out if code == 2 else "", ran.err) == (code, "", f"dofs: {said}\n")


def test_with_aws_a_missing_permission_is_an_error(run_with_aws, failed, monkeypatch):
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no PutItem"}}, "TransactWriteItems")

    def refused(*_):
        raise Unavailable("dynamodb TransactWriteItems: AccessDeniedException") from denied

    monkeypatch.setattr("service.aws.store.DynamoDbOrderStore.apply", refused)
    ran = run_with_aws("redrive", "--all", "--note", "x", "--yes")
    assert ran.code == 4
    assert "denies access" in ran.err
    assert "no PutItem" in ran.err


def test_with_aws_an_unknown_function_is_an_error(cloud, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint.url)
    ran = run("--aws", "--environment", "prod", "stats")
    assert (ran.code, ran.out) == (2, "")
    assert "There is no function dofs-orders-prod in ap-south-1" in ran.err


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 130), (b"\n", 130), (b"", 130), (b"y\n", 0)])
def test_on_a_terminal_redrive_all_asks_for_confirmation(answer, code, monkeypatch):
    monkeypatch.setattr("service.cli.confirmation._has_terminal", lambda: True)
    done = Answer(200, {"results": [], "dead_letters_removed": 0, "next_cursor": None})
    with stub(lambda _: done) as server:
        ran = run("--api", server.url, "redrive", "--all", "--reason", "declined", "--note", "x", stdin=answer)
    assert ran.code == code
    assert "Redrive all failed orders (reason declined)? [y/N]" in ran.err
    assert len(server.received) == (code == 0)


def test_an_interrupted_redrive_shows_the_results_so_far():
    def answer(_):
        if len(server.received) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return Answer(200, {"results": [{"order_id": "ord_1", "outcome": "redriven"}], "next_cursor": "more"})

    with stub(answer) as server:
        ran = run("--api", server.url, "redrive", "--all", "--note", "x", "--yes")
    assert ran.code == 130
    assert ran.out.splitlines()[1].split() == ["ord_1", "–", "redriven"]
    assert "interrupted: the orders above are redriven." in ran.err
