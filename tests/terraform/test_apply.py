"""``terraform apply`` on LocalStack: the deployment processes orders, and equals the emulators' deployments."""

import asyncio
import json
import uuid
from typing import Any

import pytest

from service.provisioning.deployment import Deployment
from service.provisioning.monitoring import dead_letter_alarm
from service.provisioning.rest_api import ANY_METHOD, rest_api_definition
from tests.description import DESCRIPTIONS, OWN, neutral
from tests.embedded.support import running_cloud
from tests.flow.orders import check
from tests.system import dead_letters, key_for, settled, submit_until_accepted, until
from tests.terraform.root import Deployed

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

PATIENCE = 600  # seconds; only a failing test waits so long


def alarm(deployed: Deployed) -> dict[str, Any]:
    names = [deployed.names.dead_letter_alarm]
    return deployed.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"][0]


async def submit(deployed: Deployed, outcome: tuple[str, int]) -> str:
    """Submit an order with a given outcome, and return its id."""
    key = key_for(deployed.settings, outcome, uuid.uuid4().hex)
    async with deployed.api() as api:
        return await submit_until_accepted(api, key)


@pytest.fixture(scope="module")
async def failing_order(deployed: Deployed) -> str:
    """An order that fails after three attempts. Submitted first, so that the last test hardly waits."""
    return await submit(deployed, ("FAILED", 3))


@pytest.mark.usefixtures("failing_order")
async def test_the_deployment_fulfills_an_order(deployed):
    order_id = await submit(deployed, ("FULFILLED", 1))
    async with deployed.api() as api:
        await settled(api, order_id, PATIENCE)
    await check(deployed, [order_id])


async def test_the_gateway_refuses_a_body_that_is_not_an_object(deployed):
    async with deployed.api() as api:
        answer = await api.post("/order", json=[1])
        passed_through = await api.post("/orders", json=[1])
    assert (answer.status_code, passed_through.status_code) == (400, 422)
    assert answer.json() == {"message": "Invalid request body"}, (
        "the response must be the gateway's, not the function's"
    )


def test_a_plan_after_apply_is_empty(deployed):
    """Also after the tests that change alarms and restore them."""
    assert deployed.root.changes() == ""


@pytest.fixture(scope="module")
def embedded(deployed):
    """An embedded cloud with the settings that Terraform gave the function."""
    given = deployed.settings.environment_variables().items()
    shared = {name.removeprefix("DOFS_").lower(): value for name, value in given if name not in OWN and value}
    with running_cloud(**shared) as cloud:
        yield cloud


@pytest.mark.parametrize("describe", DESCRIPTIONS)
def test_terraform_and_the_embedded_cloud_create_the_same_resources(deployed, embedded, describe):
    assert neutral(describe, deployed) == neutral(describe, embedded)


def test_terraform_and_compose_create_the_same_rest_api(deployed):
    gateway = deployed.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    resources = gateway.get_resources(restApiId=api["id"], embed=["methods"])["items"]
    methods = {
        (resource["path"], name): method
        for resource in resources
        for name, method in resource.get("resourceMethods", {}).items()
    }
    created = {
        key: (method["methodIntegration"]["type"], method["methodIntegration"]["uri"])
        for key, method in methods.items()
    }
    assert {key for key, method in methods.items() if method.get("requestValidatorId")} == {("/order", "POST")}
    assert methods["/order", "POST"]["requestModels"] == {"application/json": "Order"}
    definition = rest_api_definition(Deployment(deployed.client, deployed.names, deployed.settings))
    wanted = {
        (path, "ANY" if method == ANY_METHOD else method.upper()): (
            operation["x-amazon-apigateway-integration"]["type"].upper(),
            operation["x-amazon-apigateway-integration"]["uri"],
        )
        for path, operations in definition["paths"].items()
        for method, operation in operations.items()
    }
    assert api["name"] == definition["info"]["title"]
    assert created == wanted


def test_terraform_and_compose_create_the_same_alarm(deployed):
    found = alarm(deployed)
    wanted = dead_letter_alarm(deployed.names, found["AlarmActions"][0])
    del wanted["AlarmDescription"]  # the descriptions name different commands
    assert {name: found[name] for name in wanted} == wanted


async def test_a_failed_order_is_in_the_dead_letter_queue_and_triggers_the_alarm(deployed, failing_order):
    async with deployed.api() as api:
        order = await settled(api, failing_order, PATIENCE)
    assert (order["status"], order["attempts"]) == ("FAILED", 3)

    async def dead() -> list[Any]:
        return [json.loads(body)["order_id"] for body in await asyncio.to_thread(dead_letters, deployed)]

    async def state() -> str:
        return (await asyncio.to_thread(alarm, deployed))["StateValue"]

    await until(dead, lambda found: failing_order in found, PATIENCE)
    await until(state, lambda found: found == "ALARM", PATIENCE)
    await check(deployed, [failing_order])
