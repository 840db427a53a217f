"""`terraform apply`, for real, on LocalStack: what it deploys carries orders, and is what the emulators create."""

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
from tests.invariants import check_always, check_without_faults
from tests.support import valid_order
from tests.system import dead_letters, key_for, oracle, settled, until, world
from tests.terraform.root import VARIABLES, Deployed

pytestmark = [pytest.mark.anyio, pytest.mark.docker]


def alarm(deployed: Deployed) -> dict[str, Any]:
    names = [deployed.names.dead_letter_alarm]
    return deployed.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"][0]


@pytest.mark.parametrize("outcome", [("FULFILLED", 1), ("FAILED", 3)], ids=lambda outcome: outcome[0])
async def test_an_order_goes_its_way_through_what_terraform_deployed(deployed, outcome):
    key = key_for(deployed.settings, outcome, uuid.uuid4().hex)
    async with deployed.api() as api:
        answer = await api.post("/order", json=valid_order(), headers={"Idempotency-Key": key})
        assert answer.status_code == 202, answer.text
        order_id = answer.json()["order_id"]
        order = await settled(api, order_id, 180)
    assert (order["status"], order["attempts"]) == outcome
    if outcome[0] == "FAILED":

        async def letters() -> list[Any]:
            return [json.loads(body)["order_id"] for body in await asyncio.to_thread(dead_letters, deployed)]

        async def state() -> str:
            return (await asyncio.to_thread(alarm, deployed))["StateValue"]

        await until(letters, lambda found: order_id in found, 120)
        await until(state, lambda found: found == "ALARM", 180)
    left = await asyncio.to_thread(world, deployed, [order_id], among_others=True)
    check_always(left)
    check_without_faults(left, lambda order_id: oracle(deployed.settings, order_id))


async def test_a_body_that_is_no_object_is_refused_at_the_gateway(deployed):
    async with deployed.api() as api:
        answer = await api.post("/order", json=[1])
        passed_through = await api.post("/orders", json=[1])
    assert (answer.status_code, passed_through.status_code) == (400, 422)
    assert answer.json() == {"message": "Invalid request body"}, "LocalStack's own words, and not the function's"


def test_a_second_plan_is_empty(deployed):
    assert deployed.root.changes() == ""


def test_another_image_is_a_new_version_and_the_alias_moves_to_it(deployed):
    before = int(deployed.root.output("function_version"))
    deployed.root.apply(image_uri=VARIABLES["image_uri"].replace("0" * 64, "1" * 64))
    after = int(deployed.root.output("function_version"))
    alias = deployed.client("lambda").get_alias(FunctionName=deployed.names.function, Name="live")
    assert after > before
    assert alias["FunctionVersion"] == str(after)
    deployed.root.apply()
    assert deployed.root.changes() == ""


@pytest.fixture(scope="module")
def embedded(deployed):
    """An embedded cloud with the settings that Terraform gave the function."""
    given = deployed.settings.environment_variables().items()
    shared = {name.removeprefix("DOFS_").lower(): value for name, value in given if name not in OWN and value}
    with running_cloud(**shared) as cloud:
        yield cloud


@pytest.mark.parametrize("describe", DESCRIPTIONS)
def test_terraform_creates_what_the_embedded_cloud_has(deployed, embedded, describe):
    assert neutral(describe, deployed) == neutral(describe, embedded)


def test_terraform_creates_the_rest_api_that_compose_has(deployed):
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


def test_terraform_creates_the_alarm_that_compose_has(deployed):
    found = alarm(deployed)
    wanted = dead_letter_alarm(deployed.names, found["AlarmActions"][0])
    del wanted["AlarmDescription"]  # the one names commands for AWS, the other for a laptop
    assert {name: found[name] for name in wanted} == wanted
