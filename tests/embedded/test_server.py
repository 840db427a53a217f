"""`uvicorn service.main:app` without settings, Docker or account, as a new user starts it."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.polling import PATIENCE, eventually
from tests.support import valid_order


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
        [*command, "--timeout-graceful-shutdown", "1"],
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


def stop(process: subprocess.Popen[str]) -> None:
    """Send Ctrl-C, and wait for the end of the process."""
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE)


def test_ctrl_c_does_not_wait_for_attempts():
    """Each attempt takes a minute here. If the process waited for one, a line of its batch would be in the log."""
    slow = {"FULFILLMENT_LATENCY": "60", "VISIBILITY_TIMEOUT": "1800", "FUNCTION_TIMEOUT": "900", "LOG_FORMAT": "json"}
    with server(**{f"DOFS_{name}": value for name, value in slow.items()}) as (process, port):
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


def test_a_wrong_setting_is_reported_at_start():
    with server(DOFS_MAX_ATTEMPTS="many", DOFS_NO_SUCH="1") as (process, _):
        output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode != 0
    assert "DOFS_MAX_ATTEMPTS='many' is not a whole number" in output
    assert "DOFS_NO_SUCH is not a setting" in output


def test_outside_the_embedded_cloud_every_missing_setting_is_reported():
    with server(DOFS_CLOUD="aws") as (process, _):
        output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode != 0
    named = set(re.findall(r"(DOFS_\w+) is missing", output))
    names = ("ORDERS_TABLE", "FAILED_ORDERS_TABLE", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "STATE_MACHINE_ARN")
    assert named == {f"DOFS_{name}" for name in names}


def test_an_oversized_chunked_body_is_refused_on_a_real_connection():
    with server() as (process, port):
        banner(process)
        chunks = (b'"' + b"x" * 8192 for _ in range(20))
        answer = httpx.post(
            f"http://127.0.0.1:{port}/order",
            content=chunks,
            headers={"Content-Type": "application/json"},
            timeout=PATIENCE,
        )
        assert answer.status_code == 413


def test_an_occupied_port_is_reported_with_its_setting_and_no_traceback():
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        server(DOFS_EMBEDDED_AWS_PORT=str(other.getsockname()[1])) as (process, _),
    ):
        output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode != 0
    assert "DOFS_EMBEDDED_AWS_PORT" in output
    assert "Traceback" not in output


def test_a_remote_aws_endpoint_is_refused_with_its_variable_and_no_traceback():
    with server(AWS_ENDPOINT_URL="https://sqs.ap-south-1.amazonaws.com") as (process, _):
        output = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode != 0
    assert "AWS_ENDPOINT_URL=https://sqs.ap-south-1.amazonaws.com is not on this machine" in output
    assert "Traceback" not in output
