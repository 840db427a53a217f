"""Containers are killed, restarted and deployed again: no order is lost, and no resource changes."""

import asyncio
import uuid
from collections import defaultdict
from typing import Any

import pytest

from tests.compose.stack import Stack, docker
from tests.invariants import check_always
from tests.system import settled, submit_until_accepted, until, world

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

PATIENCE = 600  # seconds; only a failing test waits so long


async def test_no_order_is_lost_when_a_container_is_killed_while_fifty_are_submitted(stack):
    run, accepted, keys = uuid.uuid4().hex, [], defaultdict(set)
    victim = stack.containers("lambda")[0]
    async with stack.api("gateway") as api:

        async def customer(number: int) -> None:
            for index in range(5):
                key = f"{run}-{number}-{index}"
                order_id = await submit_until_accepted(api, key)
                accepted.append(order_id)
                keys[key].add(order_id)
                if len(accepted) == 20:
                    await asyncio.to_thread(docker, "kill", victim)

        await asyncio.gather(*(customer(number) for number in range(10)))
        assert len(set(accepted)) == 50
        for order_id in accepted:
            await settled(api, order_id, PATIENCE)
    assert victim not in stack.containers("lambda")

    async def failed_orders_have_messages() -> bool:
        left = await asyncio.to_thread(world, stack, accepted, among_others=True, keys=keys)
        return left.failed_orders.keys() <= set(left.dead_letters)

    await until(failed_orders_have_messages, bool, PATIENCE)
    check_always(await asyncio.to_thread(world, stack, accepted, among_others=True, keys=keys))
    stack.up()
    assert len(stack.containers("lambda")) == 3


@pytest.mark.parametrize("services", [["lambda"], ["api"], ["deploy"]], ids=" ".join)
async def test_orders_and_resource_names_survive_a_restart_of_each_container(stack, services):
    async with stack.api("gateway") as api:
        before = await submit_until_accepted(api, uuid.uuid4().hex)
        settled_before = await settled(api, before, PATIENCE)
    stack.restart(*services)
    for access in ("gateway", "server"):
        async with stack.api(access) as api:
            assert (await api.get(f"/orders/{before}")).json() == settled_before
            await settled(api, await submit_until_accepted(api, uuid.uuid4().hex), PATIENCE)


def describe_deployment(stack: Stack) -> dict[str, Any]:
    """Describe the parts of a deployment that a second one must not change."""
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


def test_a_second_deployment_changes_nothing(stack):
    before = describe_deployment(stack)
    stack.up()
    assert describe_deployment(stack) == before
    assert stack.compose("logs", "--no-log-prefix", "deploy").count("DOFS is deployed.") >= 2
