"""Containers die, are restarted, and start anew; no order is lost, and nothing is left behind."""

import asyncio
import subprocess
import uuid
from collections import defaultdict
from typing import Any

import httpx
import pytest

from tests.compose.stack import Stack
from tests.invariants import check_always
from tests.support import valid_order
from tests.system import settled, until, world

pytestmark = [pytest.mark.anyio, pytest.mark.docker]


async def persistently(api: httpx.AsyncClient, key: str) -> str:
    """Submit an order, again and again under the same key until it is accepted; its id."""

    async def submit() -> httpx.Response:
        return await api.post("/order", json=valid_order(), headers={"Idempotency-Key": key})

    answer = await until(submit, lambda answer: answer.status_code == 202, 60)
    order_id: str = answer.json()["order_id"]
    return order_id


async def test_orders_outlive_a_function_that_is_killed_in_the_middle_of_fifty(stack):
    run, accepted, keys = uuid.uuid4().hex, [], defaultdict(set)
    victim = stack.containers("lambda")[0]
    async with stack.api("gateway") as api:

        async def customer(number: int) -> None:
            for index in range(5):
                key = f"{run}-{number}-{index}"
                order_id = await persistently(api, key)
                accepted.append(order_id)
                keys[key].add(order_id)
                if len(accepted) == 20:
                    await asyncio.to_thread(subprocess.run, ["docker", "kill", victim], check=True, capture_output=True)

        await asyncio.gather(*(customer(number) for number in range(10)))
        assert len(set(accepted)) == 50
        for order_id in accepted:
            await settled(api, order_id, 240)
    assert victim not in stack.containers("lambda")

    async def failed_are_dead() -> bool:
        left = await asyncio.to_thread(world, stack, accepted, among_others=True, keys=keys)
        return left.failed_orders.keys() <= set(left.dead_letters)

    await until(failed_are_dead, bool, 90)
    check_always(await asyncio.to_thread(world, stack, accepted, among_others=True, keys=keys))
    stack.up()
    assert len(stack.containers("lambda")) == 3


@pytest.mark.parametrize("services", [["lambda"], ["api"], ["deploy"]], ids=" ".join)
async def test_orders_and_names_outlive_a_restart_of_any_container_of_ours(stack, services):
    async with stack.api("gateway") as api:
        before = await persistently(api, uuid.uuid4().hex)
        settled_before = await settled(api, before, 180)
    stack.restart(*services)
    for door in ("gateway", "server"):
        async with stack.api(door) as api:
            assert (await api.get(f"/orders/{before}")).json() == settled_before
            await settled(api, await persistently(api, uuid.uuid4().hex), 180)


def described(stack: Stack) -> dict[str, Any]:
    """What a second deployment must leave as it is."""
    functions, gateway, names = stack.client("lambda"), stack.client("apigateway"), stack.names
    return {
        "versions": [
            each["Version"] for each in functions.list_versions_by_function(FunctionName=names.function)["Versions"]
        ],
        "alias": functions.get_alias(FunctionName=names.function, Name="live")["FunctionVersion"],
        "mappings": [
            (each["UUID"], str(each["LastModified"]))
            for each in functions.list_event_source_mappings()["EventSourceMappings"]
        ],
        "queues": stack.client("sqs").list_queues()["QueueUrls"],
        "tables": stack.client("dynamodb").list_tables()["TableNames"],
        "apis": [each["id"] for each in gateway.get_rest_apis()["items"]],
        "deployments": len(gateway.get_deployments(restApiId="dofs")["items"]),
        "validators": len(gateway.get_request_validators(restApiId="dofs")["items"]),
        "alarms": [each["AlarmName"] for each in stack.client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "topics": stack.client("sns").list_topics()["Topics"],
        "rules": [each["Name"] for each in stack.client("events").list_rules()["Rules"]],
    }


def test_a_second_up_deploys_again_and_changes_nothing(stack):
    before = described(stack)
    stack.up()
    assert described(stack) == before
    assert stack.compose("logs", "--no-log-prefix", "deploy").count("DOFS is deployed.") >= 2


def left_by(project: str) -> str:
    """Every container and network of a project."""
    label = f"label=com.docker.compose.project={project}"
    commands = [
        ["docker", "ps", "--all", "--quiet", "--filter", label],
        ["docker", "network", "ls", "--quiet", "--filter", label],
    ]
    return "".join(subprocess.run(each, capture_output=True, text=True, check=True).stdout for each in commands)


def volumes_of(project: str) -> str:
    """The volumes that containers of a project have; `down` would leave those that have no name."""
    label = f"label=com.docker.compose.project={project}"
    containers = subprocess.run(["docker", "ps", "-aq", "--filter", label], capture_output=True, text=True, check=True)
    form = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}}{{end}}{{end}}'
    command = ["docker", "inspect", "--format", form, *containers.stdout.split()]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_down_leaves_nothing_behind_and_up_works_again(images):
    stack = Stack("dofs-test-again")
    stack.down()
    try:
        for _ in range(2):
            stack.up()
            assert left_by(stack.project)
            assert not volumes_of(stack.project)
            stack.down()
            assert not left_by(stack.project)
    finally:
        stack.down()
