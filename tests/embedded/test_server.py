"""`uvicorn service.main:app` without settings, Docker or account, as a new user starts it."""

import importlib
import json
import logging
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.polling import PATIENCE, eventually
from tests.support import valid_order

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def server(**environ: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start the server on free ports, without the settings of the environment."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DOFS_", "AWS_"))}
    command = [sys.executable, "-m", "uvicorn", "service.main:app", "--port", str(port), "--no-access-log"]
    process = subprocess.Popen(
        [*command, "--timeout-graceful-shutdown", "1", "--timeout-keep-alive", "75"],
        env={**clean, "DOFS_EMBEDDED_AWS_PORT": "0", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process, port
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def banner(process: subprocess.Popen[str]) -> str:
    """The output of the server until it is ready."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "Uvicorn running on" in line:
            return "".join(lines)
    raise AssertionError("the server did not start:\n" + "".join(lines))


def test_the_server_starts_without_settings_and_prints_a_working_curl():
    with server(DOFS_CLOUD="") as (process, port):  # an empty variable is the same as an unset one
        printed = banner(process)
        assert f"http://127.0.0.1:{port}/docs" in printed
        curl = next(line for line in printed.splitlines() if line.strip().startswith("curl"))
        answer = subprocess.run(shlex.split(curl), capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
        assert "202" in answer.splitlines()[0]
        order_id = json.loads(answer.splitlines()[-1])["order_id"]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as api:
            order = eventually(
                lambda: api.get(f"/orders/{order_id}").json(), lambda order: order["status"] in ("FULFILLED", "FAILED")
            )
            assert order["timeline"][0]["to"] == "RECEIVED"
            assert api.get("/ready").json()["status"] == "ready"
            assert api.get("/docs").status_code == 200
        stop(process)
        assert process.returncode == 0


def test_make_run_passes_the_warehouse_and_its_options():
    command = ["make", "--dry-run", "run", "WAREHOUSE=http", "WAREHOUSE_ARGS=--lost 0.3 --port 0"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    given = 'DOFS_EMBEDDED_WAREHOUSE="http" DOFS_EMBEDDED_WAREHOUSE_ARGS="--lost 0.3 --port 0" '
    assert given in printed
    without = subprocess.run(command[:3], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "WAREHOUSE" not in without


def test_a_warehouse_over_http_starts_and_ends_with_the_server():
    warehouse = {"DOFS_EMBEDDED_WAREHOUSE": "http", "DOFS_EMBEDDED_WAREHOUSE_ARGS": "--port 0 --success-rate 1"}
    with server(**warehouse) as (process, port):
        found = re.search(r"^  Warehouse +(http://127\.0\.0\.1:\d+) ", banner(process), re.MULTILINE)
        assert found
        with httpx.Client(timeout=PATIENCE) as client:
            order_id = client.post(f"http://127.0.0.1:{port}/order", json=valid_order()).json()["order_id"]
            ledger = eventually(lambda: client.get(f"{found[1]}/ledger").json(), lambda ledger: ledger["parcels"])
            assert [parcel["order_id"] for parcel in ledger["parcels"]] == [order_id]
        stop(process)
        assert process.returncode == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(found[1])


def stop(process: subprocess.Popen[str]) -> None:
    """Send Ctrl-C, and wait for the end of the process."""
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE)


def test_ctrl_c_does_not_wait_for_attempts():
    """Each attempt takes a minute here. If the process waited for one, a line of its batch would be in the log."""
    slow = {"FULFILLMENT_LATENCY": "60", "VISIBILITY_TIMEOUT": "5400", "FUNCTION_TIMEOUT": "900"}
    logs = {"LOG_FORMAT": "json", "LOG_LEVEL": "INFO"}
    with server(**{f"DOFS_{name}": value for name, value in (slow | logs).items()}) as (process, port):
        banner(process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as api:
            for _ in range(12):
                assert api.post("/order", json=valid_order()).status_code == 202
            eventually(lambda: api.get("/stats").json()["orders"]["PROCESSING"]["count"])
        stop(process)
        log = process.stdout.read()
    assert process.returncode == 0
    assert '"event":"store"' in log
    assert '"event":"batch"' not in log


def test_a_wrong_setting_is_reported_at_start_without_a_traceback():
    with server(DOFS_MAX_ATTEMPTS="many", DOFS_NO_SUCH="1") as (process, _):
        output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode != 0
    assert "DOFS_MAX_ATTEMPTS='many' is not a whole number" in output
    assert "DOFS_NO_SUCH is not a setting" in output
    assert "Traceback" not in output


@pytest.fixture
def reason_of_exit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Returns why ``service.main`` exits with some settings. It runs in this process, where it starts faster."""
    loggers = {name: logging.getLogger(name) for name in ("botocore", "moto")}
    levels = {name: logger.level for name, logger in loggers.items()}
    monkeypatch.setattr("service.logs.configure", lambda _: None)

    def start(**environ: str) -> str:
        for name in [name for name in os.environ if name.startswith(("DOFS_", "AWS_"))]:
            monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delitem(sys.modules, "service.main", raising=False)
        with pytest.raises(SystemExit) as ended:
            importlib.import_module("service.main")
        return str(ended.value)

    yield start
    for name, logger in loggers.items():
        logger.setLevel(levels[name])


def test_outside_the_embedded_cloud_every_missing_setting_is_reported(reason_of_exit):
    named = set(re.findall(r"(DOFS_\w+) is missing", reason_of_exit(DOFS_CLOUD="aws")))
    names = ("ORDERS_TABLE", "FAILED_ORDERS_TABLE", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "STATE_MACHINE_ARN")
    assert named == {f"DOFS_{name}" for name in names}


def test_an_occupied_port_is_reported_with_its_setting(reason_of_exit):
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert "DOFS_EMBEDDED_AWS_PORT" in reason_of_exit(DOFS_EMBEDDED_AWS_PORT=str(other.getsockname()[1]))


def test_a_remote_aws_endpoint_is_refused_with_its_variable(reason_of_exit):
    reason = reason_of_exit(DOFS_EMBEDDED_AWS_PORT="0", AWS_ENDPOINT_URL="https://sqs.ap-south-1.amazonaws.com")
    assert "AWS_ENDPOINT_URL=https://sqs.ap-south-1.amazonaws.com is not on this machine" in reason
