"""The simulated warehouse as a process: its options, and its start and end."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import pytest

from service.warehouses.server import Faults, Ledger, WarehouseServer
from service.warehouses.server.__main__ import main
from service.warehouses.server.options import create_parser
from service.warehouses.signatures import new_secret, read_secret, verify
from tests.polling import PATIENCE, eventually
from tests.warehouses.endpoint import Endpoint
from tests.warehouses.receiver import TAKEN, bodies, url_of
from tests.warehouses.warehouse_client import KEY, SECRET, WarehouseClient, running_warehouse

VARIABLE = "DOFS_WAREHOUSE_SECRET"
# -S: without the installed packages
COMMAND = (sys.executable, "-S", "-m", "service.warehouses.server")


@contextmanager
def running_process(*options: str, secret: str = SECRET) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the server on a free port, and read its URL."""
    command = (*COMMAND, "--port", "0", *options)
    environment = {**os.environ, VARIABLE: secret}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    with process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, process.communicate()[1]
            yield process, found[0]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_process_at_once_with_open_connections(number):
    with running_process("--slow-seconds", "3600") as (process, url), WarehouseClient(url) as client:
        client.ask("ord_1-d1")  # its connection stays open
        process.send_signal(number)
        printed, errors = process.stdout.read(), process.stderr.read()
        process.wait(PATIENCE)
    assert (process.returncode, errors) == (0, "")
    assert SECRET not in printed


def test_the_process_verifies_signatures_with_the_secret_of_the_environment():
    with (
        running_process("--success-rate", "1") as (_, url),
        WarehouseClient(url) as client,
        WarehouseClient(url, None) as stranger,
    ):
        assert client.ask("ord_1-d1").json()["status"] == "shipped"
        assert stranger.look("ord_1-d1").status_code == 401


@pytest.mark.parametrize("options", [(), ("--unsigned",)])
def test_without_a_secret_the_process_makes_one_and_prints_the_settings_of_the_system(options):
    with running_process("--success-rate", "1", *options, secret="") as (process, url):
        process.terminate()
        printed = process.stdout.read()
    found = re.search(r"^  DOFS_WAREHOUSE_URL=(\S+) DOFS_WAREHOUSE_SECRET=(\S+) make run$", printed, re.MULTILINE)
    assert found
    assert found[1] == url
    assert len(read_secret(found[2])) == 32


def test_the_secret_that_was_made_is_the_one_that_is_verified():
    with running_process("--success-rate", "1", secret="") as (process, url), WarehouseClient(url, None) as stranger:
        assert stranger.look("ord_1-d1").status_code == 401
        secret = next(re.search(r"whsec_\S+", line) for line in process.stdout if "whsec_" in line)
        with WarehouseClient(url, read_secret(secret[0])) as client:
            assert client.ask("ord_1-d1").status_code == 200


def test_the_settings_of_the_simulation_are_the_defaults_of_the_options(monkeypatch):
    for name, value in (("SEED", "shop"), ("SUCCESS_RATE", "0.25"), ("LATENCY", "2")):
        monkeypatch.setenv(f"DOFS_FULFILLMENT_{name}", value)
    options = create_parser(os.environ).parse_args([])
    assert (options.seed, options.success_rate, options.slow, options.slow_seconds) == ("shop", 0.25, 1, 2)
    options = create_parser(os.environ).parse_args(["--seed", "s", "--success-rate", "1", "--slow", "0"])
    assert (options.seed, options.success_rate, options.slow) == ("s", 1, 0)


def test_without_settings_no_answer_has_a_fault():
    assert {getattr(create_parser({}).parse_args([]), name) for name in Faults().shares()} == {0}


def test_the_options_are_those_of_the_ledger_and_the_faults(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    options = ("--secret-file", str(secret), "--success-rate", "0", "--lost", "0.25", "--slow-seconds", "2")
    with running_process(*options, secret="") as (_, url), WarehouseClient(url) as client:
        assert client.http.get("/faults").json() == Faults(lost=0.25, slow_seconds=2).as_dict()
        client.set_faults()
        assert client.ask("ord_1-d1").json()["status"] == "declined"


def test_unsigned_requests_are_taken_when_the_option_says_so():
    with running_process("--unsigned", secret="") as (_, url), WarehouseClient(url, None) as stranger:
        assert stranger.ask("ord_1-d1").status_code == 200


def test_the_help_describes_every_fault_and_says_that_the_ledger_is_in_memory(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert "The ledger is in memory" in text
    for each in fields(Faults):
        assert f"--{each.name.replace('_', '-')} " in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lost", "1.5"], "--lost: it must be a number from 0 to 1"),
        (["--lost", "nan"], "--lost: it must be a number from 0 to 1"),
        (["--success-rate", "-0.1"], "--success-rate"),
        (["--port", "65536"], "--port: it must be a number from 0 to 65535"),
        (["--parcels", "0"], "--parcels: it must be a number from 1 to 50"),
        (["--pick-seconds", "-1"], "--pick-seconds: it must be a number from 0 to 3600"),
        (["--fault", "1"], "unrecognized arguments"),
        (["--secret-file", "x", "--unsigned"], "not allowed with argument"),
        (["--secret-file", "/nonexistent"], "No such file"),
        (["--secret-file", os.devnull], f"--secret-file {os.devnull} cannot be used: it must be whsec_"),
    ],
)
def test_a_bad_option_ends_with_an_error_that_names_it(options, said, capsys, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("secret", ["hunter2hunter2", "whsec_hunter2", f"{SECRET} hunter2", "whsec_hunter2é"])
def test_a_bad_secret_is_not_quoted(secret, capsys, monkeypatch):
    monkeypatch.setenv(VARIABLE, secret)
    with pytest.raises(SystemExit):
        main([])
    error = capsys.readouterr().err
    assert f"{VARIABLE} cannot be used" in error
    assert "hunter2" not in error


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8000", "ftp://x", "http://", "http://a:hunter2@x", "http://x:99999", "http://x/#a", "http://x/ a"],
)
def test_a_bad_url_for_callbacks_is_an_error_that_does_not_quote_it(url, capsys):
    with pytest.raises(SystemExit):
        main(["--unsigned", "--callback-url", url])
    error = capsys.readouterr().err
    assert "--callback-url: it must be an http or https URL" in error
    assert "hunter2" not in error


def test_the_work_on_deliveries_and_callbacks_are_options_and_the_first_secret_signs():
    options = ("--success-rate", "1", "--accepted", "1", "--parcels", "2", "--pick-seconds", "0", "--due-seconds", "60")
    with (
        Endpoint(TAKEN) as endpoint,
        running_process(*options, "--callback-url", url_of(endpoint), secret=f"{SECRET} {new_secret()}") as (_, url),
        WarehouseClient(url) as client,
    ):
        state = client.ask("ord_1-d1").json()
        assert (state["status"], "due_at" in state) == ("accepted", True)
        requests = eventually(lambda: endpoint.requests[:], lambda requests: len(requests) == 3)
    assert [body["type"] for body in bodies(endpoint)] == ["accepted", "shipped", "shipped"]
    for request in requests:
        verify([KEY], request.headers, request.body, time.time())


def test_without_a_secret_callbacks_are_signed_with_the_one_that_was_made():
    with (
        Endpoint(TAKEN) as endpoint,
        running_process("--success-rate", "1", "--unsigned", "--callback-url", url_of(endpoint)) as (process, url),
        WarehouseClient(url, None) as client,
    ):
        client.ask("ord_1-d1")
        [request] = eventually(lambda: endpoint.requests[:])
        process.terminate()
        made = re.search(r"whsec_\S+", process.stdout.read())
    verify([read_secret(made[0])], request.headers, request.body, time.time())


def test_a_taken_port_is_named():
    with running_warehouse() as (server, _):
        port = server.url.rpartition(":")[2]
        with pytest.raises(SystemExit, match=f"cannot listen on 127.0.0.1, port {port}: "):
            main(["--unsigned", "--port", port])


def test_stop_frees_the_port_and_closes_open_connections():
    server = WarehouseServer(Ledger("seed", 1))
    server.start()
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET /ledger HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        server.stop()
        while connection.recv(65536):
            pass
    server.stop()
    with WarehouseServer(Ledger("seed", 1), port=port) as again:
        assert again.url == server.url


def test_a_server_that_was_not_started_can_be_stopped():
    WarehouseServer(Ledger("seed", 1)).stop()


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:")],  # noqa: S104
)
def test_the_url_is_one_that_this_machine_can_open(host, url):
    with WarehouseServer(Ledger("seed", 1), host=host) as server, WarehouseClient(server.url, None) as client:
        assert server.url.startswith(url)
        assert client.ask("ord_1-d1").status_code == 200
