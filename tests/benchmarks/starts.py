"""Measures cold starts under AWS's runtime client, from the start of the process to its first response.

The measure is the CPU time of the whole process, as the minimum of several interleaved runs. The floor is the runtime
client with an empty handler.
"""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests import events
from tests.benchmarks.endpoint import endpoint, settings_on
from tests.benchmarks.figures import Figure
from tests.benchmarks.interleave import least_cpu
from tests.benchmarks.packages import Folders, folders
from tests.runtime.runtime_api import RuntimeApi
from tests.support import SETTINGS

ROUNDS = 15
MOST_MODULES = 266
"""The maximum number of modules that a first batch or step may load beyond those of the runtime client: some 50 of
the service, the rest of botocore and what it loads."""

OURS = "service.function.handler"
EVENTS = {
    "an API event": "api_post_order",
    "an SQS batch": "sqs_batch",
    "a store step": "task_store",
    "a validate step": "task_validate",
}
NAIVE = """
import boto3
from service.api import app, gateway, health, orders, failed_orders, stats
from service.aws import queue, store, workflow
from service.steps import fulfill, reconcile, reject, store, validate
from service.handler import dispatch, live_system
clients = [boto3.client(name) for name in ("dynamodb", "sqs", "stepfunctions")]
system = live_system()

def handler(event, context):
    return dispatch(event, context, system)
"""
"""A function of the usual design, which imports everything and creates every client with its module."""

NOTHING = "def handler(event, context): return None\n"
AWS_ALONE = f"""
import gc; gc.disable()
from service.aws.import_trimming import trim_imports
trim_imports()
from botocore.session import Session
client = Session().create_client("dynamodb", region_name="{SETTINGS.region}")
{NOTHING}"""
WEB_ALONE = f"""{AWS_ALONE}
import mangum
import service.api
"""
"""The third-party packages alone, imported as the function imports them. No start can be faster."""

HANDLERS = {"naive": NAIVE, "nothing": NOTHING, "aws_alone": AWS_ALONE, "web_alone": WEB_ALONE}
COUNT = """
import json, os, sys
from collections import Counter

counted = Counter()
LISTINGS = {"os.listdir", "os.scandir"}
sys.addaudithook(lambda name, _: counted.update([name]) if name == "open" or name in LISTINGS else None)
import awslambdaric.bootstrap
before = set(sys.modules)
from importlib import import_module
from types import SimpleNamespace

module, _, name = sys.argv[1].rpartition(".")
handler = getattr(import_module(module), name)
context = SimpleNamespace(aws_request_id="test", get_remaining_time_in_millis=lambda: 30_000)
handler(json.load(sys.stdin), context)
loaded = [name for name in sys.modules if getattr(sys.modules[name], "__spec__", None)]
web = sorted(name for name in sys.modules if name.partition(".")[0] in ("fastapi", "starlette", "mangum"))
print(json.dumps({
    "opened": counted["open"], "listed": sum(counted[name] for name in LISTINGS),
    "modules": len(loaded), "ours": len(set(loaded) - before), "web": len(web),
}))
"""


class Starts:
    """Starts functions in processes with the environment of Lambda."""

    def __init__(self, where: Folders, url: str) -> None:
        self._where, self._url = where, url
        for name, text in HANDLERS.items():
            (where.whole / f"{name}.py").write_text(text)
            (where.trimmed / f"{name}.py").write_text(text)

    def cpu(self, handler: str, packages: Path, event: str) -> float:
        """Measure the CPU time from the start to the first response, in milliseconds."""
        api = RuntimeApi()
        command = [sys.executable, "-S", "-m", "awslambdaric", handler]
        environment = {**self._environment(packages), "AWS_LAMBDA_RUNTIME_API": api.address}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            answer = api.invoke(events.load(event))
            assert answer.outcome == "response", answer.document
            assert answer.document is None or answer.document.get("statusCode", 202) == 202, answer.document
        finally:
            process.kill()
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
            api.close()
        return (usage.ru_utime + usage.ru_stime) * 1000

    def count(self, handler: str, packages: Path, event: str) -> dict[str, int]:
        """Count the files, folders and modules that are loaded for the first response."""
        command = [sys.executable, "-S", "-c", COUNT, handler]
        document = json.dumps(events.load(event))
        done = subprocess.run(
            command, env=self._environment(packages), input=document, capture_output=True, text=True, check=True
        )
        counted: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
        return counted

    def _environment(self, packages: Path) -> Mapping[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{packages}:{self._where.runtime}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYDANTIC_DISABLE_PLUGINS": "true",
            "AWS_LAMBDA_FUNCTION_NAME": "dofs-orders-benchmark",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_REGION": SETTINGS.region,
            "AWS_DEFAULT_REGION": SETTINGS.region,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            **settings_on(self._url),
        }


@contextmanager
def starts() -> Iterator[tuple[Starts, Folders]]:
    """Create the folders and the endpoint for starting functions."""
    with folders() as where, endpoint() as url:
        yield Starts(where, url), where


def rows() -> list[Figure]:
    """Measure rows 1 to 4."""
    with starts() as (start, where):
        best: dict[str, float] = {}

        def keep(name: str, taken: float) -> None:
            best[name] = min(best.get(name, taken), taken)

        for _ in range(ROUNDS):
            keep("floor", start.cpu("nothing.handler", where.trimmed, "task_store"))
            keep("botocore alone", start.cpu("aws_alone.handler", where.trimmed, "task_store"))
            keep("botocore, FastAPI and Mangum alone", start.cpu("web_alone.handler", where.trimmed, "task_store"))
            keep("naive", start.cpu("naive.handler", where.whole, "api_post_order"))
            for name, event in EVENTS.items():
                keep(name, start.cpu(OURS, where.trimmed, event))
        counts = {name: start.count(OURS, where.trimmed, event) for name, event in EVENTS.items()}
        naive = start.count("naive.handler", where.whole, "api_post_order")
        trust = least_cpu({"AWS": lambda: _context(where.trimmed), "all": lambda: _context(where.whole)}, ROUNDS, 1)
    floor, naive_ratio = best["floor"], f"{best['naive'] / best['floor']:.1f} ×"
    reach = {
        "an API event": ("1", 8.0),
        "an SQS batch": ("2", 5.0),
        "a store step": ("2", 7.0),
        "a validate step": ("2", None),
    }
    figures = [
        Figure(row, f"start → {name} answered", best[name], "ms CPU", floor, "runtime client alone", naive_ratio, most)
        for name, (row, most) in reach.items()
    ]
    for name in ("an SQS batch", "a store step"):
        figures += [
            Figure(
                "3",
                f"web framework's modules loaded by {name}",
                counts[name]["web"],
                "",
                naive=f"{naive['web']}",
                reach=0,
            ),
            Figure(
                "3", f"modules in all after {name}", counts[name]["modules"], "", naive=f"{naive['modules']}", reach=250
            ),
            Figure(
                "3",
                f"modules beyond the runtime client's after {name}",
                counts[name]["ours"],
                "",
                naive=f"{naive['ours']}",
            ),
        ]
    for row, name in (("1", "botocore, FastAPI and Mangum alone"), ("2", "botocore alone")):
        figures.append(
            Figure(row, f"start → {name}, and nothing of ours", best[name], "ms CPU", floor, "runtime client alone")
        )
    name = "a TLS context that trusts AWS's certificates"
    figures.append(Figure("2", name, trust["AWS"] / 1000, "ms", trust["all"] / 1000, "botocore's"))
    looked_at = naive["listed"] + naive["opened"]
    for name in ("an API event", "an SQS batch", "a store step"):
        looks = counts[name]["listed"] + counts[name]["opened"]
        measured = f"directories listed and files opened for {name}"
        figures.append(Figure("4", measured, looks, "", looked_at, "naive design", "1 ×", 0.25))
    return figures


def _context(packages: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=packages / "botocore" / "cacert.pem")
