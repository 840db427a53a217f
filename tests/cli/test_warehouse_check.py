"""`dofs warehouse check`, against the simulated warehouse."""

import json
import re
from pathlib import Path

import pytest

from service.warehouses.conformance import receiver, under_test
from service.warehouses.conformance.event_checks import CHECKS as EVENT_CHECKS
from service.warehouses.conformance.kit import CHECKS
from service.warehouses.server.routes import Routes
from service.warehouses.signatures import new_secret
from tests.cli.commands import run
from tests.warehouses.endpoint import Endpoint, free_port, respond
from tests.warehouses.warehouse_client import SECRET, running_warehouse

DOCUMENT = (Path(__file__).parents[2] / "docs" / "warehouse.md").read_text()


@pytest.fixture(autouse=True)
def the_secret_and_no_pauses(monkeypatch):
    monkeypatch.setenv("DOFS_WAREHOUSE_SECRET", SECRET)
    monkeypatch.setattr(under_test, "FIRST_PAUSE", 0)


def check(url, *arguments, stdin=b""):
    return run("warehouse", "check", url, *arguments, stdin=stdin)


def test_each_check_has_a_line_and_the_last_line_counts_them():
    with running_warehouse() as (server, client):
        ran = check(server.url, "--yes", "--orders", "14")
        deliveries = client.ledger()["deliveries"]
    assert (ran.code, ran.err) == (0, "")
    *lines, counts = ran.out.splitlines()
    verdicts = [re.match("(right|not seen) +([a-z-]+) ", line) for line in lines if not line.startswith("  ")]
    assert [found[2] for found in verdicts] == [*(each.id for each in CHECKS), "events"]
    figures = f"{len(CHECKS) - 4} right, 0 wrong, 0 with a warning, 5 not seen. "
    assert re.match(f"{figures}[0-9]{{2}} requests; the slowest answer took", counts)
    assert all(each["key"].startswith("ord_check_") for each in deliveries)


def test_a_defect_has_a_line_with_the_request_and_the_answer_and_fails_the_command(monkeypatch):
    monkeypatch.setattr(Routes, "_look", lambda self, _, key, faults: self._ask(_, key, faults))
    with running_warehouse() as (server, _):
        ran = check(server.url, "--yes", "--orders", "14")
    assert ran.code == 1
    assert re.search(
        r"^wrong +look .*\n +sent: GET of a known delivery under ord_check_\w+-d1; expected: HTTP 200; got: HTTP 4",
        ran.out,
        re.M,
    )
    assert "dofs: The warehouse does not keep the contract: look, unknown" in ran.err


def test_json_is_one_document_with_all_results():
    with running_warehouse() as (server, _):
        ran = check(server.url, "--yes", "--json", "--orders", "14")
    assert (ran.code, ran.err) == (0, "")
    document = json.loads(ran.out)
    assert [each["id"] for each in document["checks"]] == [*(each.id for each in CHECKS), "events"]
    assert document["counts"] == {"right": len(CHECKS) - 4, "not seen": 5}
    assert document["requests"] > 40
    assert document["slowest_seconds"] > 0


def test_a_secret_is_never_printed(monkeypatch):
    other = new_secret()
    monkeypatch.setenv("DOFS_WAREHOUSE_SECRET", f"{SECRET} {other}")
    with running_warehouse() as (server, _):
        ran = check(server.url, "--yes", "--orders", "14")
        helped = run("warehouse", "check", "--help")
        bad = check(server.url, "--secret", f"{SECRET}x", "--yes")
    assert "second-secret" in ran.err
    assert bad.code == 2
    assert "it must be whsec_ and 24 to 64 random bytes in base64: check DOFS_WAREHOUSE_SECRET or --secret." in bad.err
    printed = "".join(each.out + each.err for each in (ran, helped, bad))
    assert not any(secret.removeprefix("whsec_")[:12] in printed for secret in (SECRET, other))


def test_another_secret_than_that_of_the_warehouse_is_one_wrong_check(monkeypatch):
    monkeypatch.setenv("DOFS_WAREHOUSE_SECRET", new_secret())
    with running_warehouse() as (server, client):
        ran = check(server.url, "--yes")
        assert client.ledger()["deliveries"] == []
    assert ran.code == 1
    assert "got: HTTP 401" in ran.out
    assert ran.err == "dofs: The warehouse does not keep the contract: signed.\n"


def test_a_warehouse_that_is_not_reached_is_an_error():
    ran = check("http://127.0.0.1:9", "--yes", "--timeout", "1s")
    assert ran.code == 3
    assert ran.err == "dofs: The warehouse was not reached: no connection: the connection was refused.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("http://example.com",), "The URL must begin with https://: http:// is for a host of this machine."),
        (
            ("http://example.com", "--private-network"),
            "http:// is for a host of this machine or of the emulator's network.",
        ),
        (("https://me:hidden@example.com",), "The URL must hold no user name and no password"),
        (("https://example.com", "--listen", "9000"), "--listen takes a host and a port, such as 127.0.0.1:9000."),
        (("https://example.com", "--listen", "host:99999"), "--listen takes a host and a port"),
        (("https://example.com", "--timeout", "0s"), "--timeout must be at least 1s."),
        (("https://example.com", "--timeout", "soon"), "--timeout 'soon': a duration is a number with a unit"),
        (("https://example.com", "--product", " "), "--product takes printable characters"),
        (("https://example.com", "--orders", "3"), "'--orders'"),
        (("https://example.com",), "there is no terminal: give --yes."),
    ],
)
def test_wrong_usage_sends_nothing(arguments, said):
    ran = check(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "hidden" not in ran.err


def test_a_name_in_a_private_network_is_allowed_on_request():
    assert "was not reached" in check("http://warehouse.test", "--private-network", "--yes", "--timeout", "1s").err


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 130), (b"", 130), (b"y\n", 1)])
def test_on_a_terminal_it_asks_for_confirmation(answer, code, monkeypatch):
    monkeypatch.setattr("service.cli.confirmation._has_terminal", lambda: True)
    with Endpoint(respond(401)) as endpoint:
        ran = check(endpoint.url, "--product", "prod_1", stdin=answer)
    assert ran.code == code
    assert f"Ask {endpoint.url} for up to 20 deliveries of prod_1?" in ran.err
    assert len(endpoint.requests) == (code == 1)


def test_events_are_received_at_the_address(monkeypatch):
    monkeypatch.setattr(receiver, "RETRY_AFTER", "0")
    address = f"127.0.0.1:{free_port()}"
    with running_warehouse(callback_url=f"http://{address}/warehouse/events") as (server, _):
        ran = check(server.url, "--yes", "--listen", address)
    assert (ran.code, ran.err) == (0, "")
    assert len(re.findall("^right +event-", ran.out, re.MULTILINE)) == len(EVENT_CHECKS)


def test_an_address_that_is_taken_is_an_error():
    with Endpoint(respond(200)) as taken:
        ran = check("http://127.0.0.1:9", "--yes", "--listen", f"127.0.0.1:{taken.port}")
    assert (ran.code, ran.err) == (2, f"dofs: --listen 127.0.0.1:{taken.port}: Address already in use.\n")


def test_the_documented_output_has_existing_checks():
    section = DOCUMENT.partition("## Check your warehouse")[2].partition("\n## ")[0]
    shown = re.findall(r"^(?:right|wrong|not seen) +([a-z-]+) +(.*)$", section, re.MULTILINE)
    known = {(each.id, each.sentence) for each in (*CHECKS, *EVENT_CHECKS)}
    assert len(shown) > 5
    assert set(shown) <= known
