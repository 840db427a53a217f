"""The image: its contents, its restrictions, and its handling of each kind of event, cold and warm."""

import ast
import json
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests import events
from tests.benchmarks.starts import COUNT, MOST_MODULES
from tests.compose.stack import ROOT, Stack
from tests.support import SETTINGS, sqs_event, valid_order
from tests.system import until
from tools.trim import OPERATIONS

pytestmark = pytest.mark.docker

IMAGE = "dofs"
LOCKED = ["--read-only", "--tmpfs", "/tmp:size=16m", "--cap-drop", "ALL"]  # noqa: S108
MOST_LOOKS = 600  # a quarter of the 2,479 of a function that loads all modules
LARGEST = 50 * 2**20  # bytes on top of the base image
LIST_FILES = """
import json, os
found = {}
for folder, _, files in os.walk("/var/task"):
    for name in files:
        path = os.path.join(folder, name)
        found[os.path.relpath(path, "/var/task")] = (os.stat(path).st_size, oct(os.stat(path).st_mode)[-3:])
print(json.dumps(found))
"""


def docker(*command: str) -> str:
    return subprocess.run(["docker", *command], capture_output=True, text=True, check=True).stdout


def python_in_image(program: str, *options: str) -> str:
    return docker("run", "--rm", *LOCKED, *options, "--entrypoint", "python", IMAGE, "-c", program)


@pytest.fixture(scope="module")
def inside(images: None) -> dict[str, tuple[int, str]]:
    """The size and the permissions of each added file, by its path in ``/var/task``."""
    found: dict[str, tuple[int, str]] = json.loads(python_in_image(LIST_FILES))
    return found


def test_the_image_contains_only_the_files_of_the_function(inside):
    pinned = (ROOT / "requirements/image.txt").read_text().splitlines()
    locked = {line.partition("==")[0] for line in pinned if "==" in line}
    installed = {path.partition("-")[0].replace("_", "-") for path in inside if ".dist-info/" in path}
    assert {name.lower() for name in installed} == locked - {"boto3", "s3transfer"}, (
        "only the provisioner uses these two"
    )
    ours = {path.split("/")[1] for path in inside if path.startswith("service/")}
    assert {"function.py", "handler.py", "main.py", "orders", "steps", "api", "aws", "warehouses"} <= ours
    assert ours.isdisjoint({"embedded", "provisioning"})
    assert not [path for path in inside if path.startswith("service/warehouses/server/")]
    folders = {part for path in inside for part in path.split("/")[:-1]}
    assert folders.isdisjoint({"tests", "test", ".git", "workflows", "terraform", "bin", "moto", "pytest", "pip"})


def test_botocore_has_only_the_used_services(inside):
    data = {path.split("/")[2] for path in inside if path.startswith("botocore/data/") and path.count("/") > 2}
    assert data == {*OPERATIONS}


def test_botocore_has_only_the_used_operations_and_trusts_only_amazon(images):
    program = """
from botocore.session import Session
from ssl import create_default_context
models = map(Session().get_service_model, SERVICES)
print(*[name for model in models for name in model.operation_names])
from botocore.httpsession import where
trusted = create_default_context(cafile=where()).get_ca_certs()
print(*sorted({dict(name for (name,) in each["subject"])["organizationName"] for each in trusted}), sep=";")
""".replace("SERVICES", repr([*OPERATIONS]))
    operations, authorities = python_in_image(program).splitlines()
    assert set(operations.split()) == {name for names in OPERATIONS.values() for name in names}
    assert authorities.split(";") == ["Amazon", "Starfield Technologies, Inc."]


def test_the_client_of_a_warehouse_trusts_the_systems_authorities(images):
    program = "from service.warehouses.sockets import new_tls_context; print(new_tls_context().cert_store_stats())"
    assert ast.literal_eval(python_in_image(program))["x509_ca"] > 100


def test_a_cold_start_opens_few_files_and_lists_few_directories(images):
    """Counts a batch up to its first AWS call; docs/performance.md has the counts of a whole batch."""
    variables = [part for name, value in SETTINGS.environment_variables().items() for part in ("-e", f"{name}={value}")]
    batch = json.dumps({"Records": [record | {"body": "poison"} for record in events.load("sqs_batch")["Records"]]})
    program = f"import io, sys; sys.argv.append('service.function.handler'); sys.stdin = io.StringIO({batch!r})"
    counted = json.loads(python_in_image(f"{program}\n{COUNT}", *variables).splitlines()[-1])
    assert counted["opened"] + counted["listed"] <= MOST_LOOKS
    assert counted["ours"] <= MOST_MODULES
    assert counted["web"] == 0


def test_the_added_files_are_small_world_readable_and_compiled(inside):
    assert sum(size for size, _ in inside.values()) < LARGEST
    assert {mode[-1] for _, mode in inside.values()} <= {"4", "5"}
    compiled = {
        path.replace("__pycache__/", "").replace(".cpython-313.pyc", ".py") for path in inside if path.endswith(".pyc")
    }
    assert {path for path in inside if path.endswith(".py")} == compiled


def test_the_image_has_no_compiler_and_no_installer_cache(images):
    tools = "print(*[name for name in ('cc', 'gcc', 'c++', 'ld', 'make', 'git') if shutil.which(name)])"
    caches = "print(*[path for path in Path('/').glob('*/.cache')])"
    program = f"import shutil; from pathlib import Path; {tools}; {caches}"
    assert python_in_image(program, "--user", "0").split() == []


def test_every_module_of_the_service_can_be_imported_in_the_image(inside):
    files = [path for path in inside if path.startswith("service/") and path.endswith(".py")]
    modules = sorted(path.removesuffix(".py").replace("/", ".") for path in files if "__init__" not in path)
    modules.remove("service.main")  # it reads the settings on import; the stack's API server runs it
    assert python_in_image(f"import {', '.join(modules)}; print('all')").strip() == "all"


def test_the_image_has_labels_and_runs_as_an_unprivileged_user(images):
    labels = {"SOURCE": "https://example.com/dofs", "REVISION": "abc123", "VERSION": "9.8.7"}
    arguments = [part for name, value in labels.items() for part in ("--build-arg", f"{name}={value}")]
    docker("build", "--quiet", "--tag", "dofs-test-labels", *arguments, str(ROOT))
    config = json.loads(docker("image", "inspect", "dofs-test-labels"))[0]["Config"]
    docker("image", "rm", "dofs-test-labels")
    found = {name.upper(): config["Labels"][f"org.opencontainers.image.{name.lower()}"] for name in labels}
    assert found == labels
    assert config["Cmd"] == ["service.function.handler"]
    assert config["User"] not in ("", "0", "root", "0:0")
    assert not [each for each in config["Env"] if each.startswith(("DOFS_", "AWS_"))]


def test_without_the_embedded_cloud_the_error_names_the_setting(images):
    done = subprocess.run(
        ["docker", "run", "--rm", "--entrypoint", "python", IMAGE, "-m", "uvicorn", "service.main:app"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "DOFS_CLOUD" in done.stderr
    assert "Traceback" not in done.stderr


@contextmanager
def replica(stack: Stack) -> Iterator[str]:
    """Start a new container of the function with the stack's LocalStack; yields the URL of its emulator."""
    variables = [part for name, value in stack.function_environment().items() for part in ("-e", f"{name}={value}")]
    network = ["--network", f"{stack.project}_default", "--publish", "127.0.0.1:0:8080"]
    container = docker("run", "--detach", "--init", *LOCKED, *network, *variables, IMAGE).strip()
    try:
        yield f"http://{docker('port', container, '8080').splitlines()[0]}/2015-03-31/functions/function/invocations"
    finally:
        docker("rm", "--force", container)


def create_received(stack: Stack, order: dict[str, Any]) -> str:
    """Create a RECEIVED order without an execution, and return its id."""
    event = {"dofs": {"task": "validate", "execution": uuid.uuid4().hex, "input": {"order": order}}}
    answer, failed = stack.invoke(event)
    if failed:  # an invalid order is stored, too
        reject = {"dofs": {"task": "reject", "execution": event["dofs"]["execution"], "input": {"order": order}}}
        answer, failed = stack.invoke(reject)
    assert not failed, answer
    order_id: str = answer["order_id"]
    return order_id


def task(name: str, order_id: str) -> dict[str, Any]:
    event: dict[str, Any] = events.load(name)
    event["dofs"]["order_id"] = order_id
    if "input" in event["dofs"]:
        event["dofs"]["input"]["order_id"] = order_id
    return event


KINDS = {
    "api": (lambda _: events.load("api_post_order"), lambda answer: answer["statusCode"] == 202),
    "validate": (
        lambda stack: task("task_validate", create_received(stack, valid_order())),
        lambda answer: answer["order_id"].startswith("ord_"),
    ),
    "store": (
        lambda stack: task("task_store", create_received(stack, valid_order())),
        lambda answer: answer["order_id"].startswith("ord_"),
    ),
    "reject": (
        lambda stack: task("task_reject", create_received(stack, {"items": []})),
        lambda answer: {"/customer_id"} < {error["pointer"] for error in json.loads(answer["cause"])["errors"]},
    ),
    "reconcile": (lambda _: events.load("task_reconcile"), lambda answer: answer["errors"] == 0),
    "sqs": (
        lambda _: sqs_event("poison"),
        lambda answer: answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]},
    ),
    "unknown": (lambda _: events.load("unknown_s3"), lambda answer: answer["errorType"] == "UnknownEvent"),
}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", KINDS)
async def test_the_function_handles_each_event_cold_and_warm(stack, kind):
    make, is_right = KINDS[kind]
    event = make(stack)
    with replica(stack) as address:
        async with httpx.AsyncClient(timeout=30) as client:

            async def call() -> Any:
                try:
                    return (await client.post(address, json=event)).json()
                except httpx.TransportError:
                    return None  # the emulator is still starting

            cold = await until(call, lambda answer: answer is not None)
            warm = await call()
    assert is_right(cold), cold
    assert is_right(warm), warm
