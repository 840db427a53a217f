"""Provisioning can be repeated, updates existing resources, and refuses contradicting settings."""

import json
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from service.embedded.moto_speedups import speed_up_moto
from service.provisioning.__main__ import check_function, emulator_deployment, main
from service.provisioning.deployment import Deployment
from service.provisioning.monitoring import create_monitoring, dead_letter_alarm
from service.provisioning.names import Names
from service.provisioning.provision import provision
from service.provisioning.rest_api import rest_api_definition
from service.settings import WORKFLOW_TYPES, Settings, SettingsError
from tests.support import SETTINGS as PINNED_SETTINGS

ACCOUNT, REGION = "123456789012", "ap-south-1"
NAMES = Names("dev", ACCOUNT, REGION)
SETTINGS = replace(
    PINNED_SETTINGS,
    cloud="localstack",
    aws_endpoint_url="http://127.0.0.1:4566",
    region=REGION,
    orders_table=NAMES.orders_table,
    failed_orders_table=NAMES.failed_orders_table,
    queue_url=f"http://127.0.0.1:4566/{ACCOUNT}/{NAMES.queue}",
    dead_letter_queue_url=f"http://127.0.0.1:4566/{ACCOUNT}/{NAMES.dead_letter_queue}",
    state_machine_arn=NAMES.state_machine_arn,
)


def client(service: str):
    return boto3.client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")


def deploy(settings: Settings = SETTINGS) -> None:
    provision(Deployment(client, NAMES, settings))


@pytest.fixture(autouse=True)
def aws():
    with mock_aws(), speed_up_moto():
        yield


def described() -> dict[str, object]:
    functions = client("lambda")
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    return {
        "tables": client("dynamodb").list_tables()["TableNames"],
        "queues": client("sqs").list_queues()["QueueUrls"],
        "functions": [each["FunctionName"] for each in functions.list_functions()["Functions"]],
        "alias": functions.get_alias(FunctionName=NAMES.function, Name="live")["FunctionVersion"],
        "policy": functions.get_policy(FunctionName=NAMES.function, Qualifier="live")["Policy"],
        "mappings": [(each["UUID"], each["EventSourceArn"], each["BatchSize"]) for each in mappings],
        "machines": [
            each["stateMachineArn"] for each in client("stepfunctions").list_state_machines()["stateMachines"]
        ],
        "rules": [each["Name"] for each in client("events").list_rules()["Rules"]],
        "roles": [each["RoleName"] for each in client("iam").list_roles()["Roles"]],
    }


def test_a_second_run_changes_nothing():
    deploy()
    client("dynamodb").put_item(TableName=NAMES.orders_table, Item={"order_id": {"S": "ord_1"}})
    before = described()
    deploy()
    assert described() == before
    assert client("dynamodb").scan(TableName=NAMES.orders_table)["Count"] == 1, "orders stay"


@pytest.mark.parametrize("workflow_type", WORKFLOW_TYPES)
def test_a_second_run_makes_no_write_calls(workflow_type):
    """LocalStack would add a second schedule, poller or version to the first."""
    settings = replace(SETTINGS, workflow_type=workflow_type)
    deploy(settings)
    made: list[str] = []

    def watched(service: str):
        watching = client(service)
        watching.meta.events.register("provide-client-params", lambda model, **_: made.append(model.name))
        return watching

    provision(Deployment(watched, NAMES, settings))
    writes = {name for name in made if not name.startswith(("Get", "List", "Describe"))}
    assert writes == {"CreateTable", "CreateQueue", "CreateRole"}, "these calls do not change an existing resource"


def test_resources_have_the_designed_limits():
    deploy()
    kept = {}
    for name in (NAMES.queue, NAMES.dead_letter_queue):
        url = client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
        kept[name] = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert kept[NAMES.queue]["MessageRetentionPeriod"] == str(4 * 24 * 60 * 60)
    assert kept[NAMES.dead_letter_queue]["MessageRetentionPeriod"] == str(14 * 24 * 60 * 60)
    (mapping,) = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert (mapping["BatchSize"], mapping["ScalingConfig"]["MaximumConcurrency"]) == (10, 5)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    rule = client("events").describe_rule(Name=NAMES.rule)
    assert (rule["State"], rule["ScheduleExpression"]) == ("ENABLED", "rate(1 minute)")
    (target,) = client("events").list_targets_by_rule(Rule=NAMES.rule)["Targets"]
    assert json.loads(target["Input"]) == {"dofs": {"task": "reconcile"}}


def test_a_disabled_schedule_is_enabled_again():
    deploy()
    client("events").disable_rule(Name=NAMES.rule)
    deploy()
    assert client("events").describe_rule(Name=NAMES.rule)["State"] == "ENABLED"


def test_a_changed_workflow_definition_is_updated():
    deploy()
    url = SETTINGS.queue_url.replace("127.0.0.1", "localstack")
    deploy(replace(SETTINGS, queue_url=url))
    machine = client("stepfunctions").describe_state_machine(stateMachineArn=NAMES.state_machine_arn)
    sending = json.loads(machine["definition"])["States"]["EnqueueFulfillment"]
    assert sending["Parameters"]["QueueUrl"] == url


def test_a_changed_workflow_type_replaces_the_state_machine():
    """Step Functions cannot change the type of a state machine."""
    for workflow_type in ("STANDARD", "EXPRESS", "STANDARD"):
        deploy(replace(SETTINGS, workflow_type=workflow_type))
        (machine,) = client("stepfunctions").list_state_machines()["stateMachines"]
        found = client("stepfunctions").describe_state_machine(stateMachineArn=NAMES.state_machine_arn)
        assert (machine["name"], found["type"]) == (NAMES.state_machine, workflow_type)


def test_a_failing_function_ends_the_deployment_with_its_error():
    asked = []

    def broken(service: str) -> Any:
        asked.append(service)
        payload = BytesIO(b'{"errorType": "SettingsError", "errorMessage": "DOFS_QUEUE_URL is missing"}')
        return SimpleNamespace(invoke=lambda **_: {"FunctionError": "Unhandled", "Payload": payload})

    with pytest.raises(SystemExit, match="DOFS_QUEUE_URL is missing"):
        check_function(Deployment(broken, NAMES, SETTINGS))
    assert asked == ["lambda"]


@pytest.mark.parametrize("failures", [2, 1000])
def test_a_starting_container_is_retried_a_bounded_number_of_times(failures, monkeypatch):
    monkeypatch.setattr("service.provisioning.__main__.PAUSE", 0)
    answers = iter(range(1000))

    def invoke(**_: Any) -> Any:
        payload = BytesIO(b'{"errorType": "Sandbox.Failure", "errorMessage": "ErrGateCanceled"}')
        return {"FunctionError": "Unhandled", "Payload": payload} if next(answers) < failures else {}

    deployment = Deployment(lambda _: SimpleNamespace(invoke=invoke), NAMES, SETTINGS)
    if failures == 2:
        check_function(deployment)
        assert next(answers) == 3
    else:
        with pytest.raises(SystemExit, match="ErrGateCanceled"):
            check_function(deployment)
        assert next(answers) < 100


def test_changed_settings_update_queue_function_and_alias():
    deploy()
    deploy(replace(SETTINGS, max_attempts=5, visibility_timeout=240, function_timeout=40))
    url = client("sqs").get_queue_url(QueueName=NAMES.queue)["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "240"
    assert json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] == 5
    live = client("lambda").get_function_configuration(FunctionName=NAMES.function, Qualifier="live")
    assert (live["Timeout"], live["Environment"]["Variables"]["DOFS_MAX_ATTEMPTS"]) == (40, "5")


def test_an_interrupted_run_is_completed_by_the_next():
    deploy()
    functions = client("lambda")
    functions.delete_alias(FunctionName=NAMES.function, Name="live")
    client("dynamodb").delete_table(TableName=NAMES.failed_orders_table)
    deploy()
    assert functions.get_alias(FunctionName=NAMES.function, Name="live")["FunctionVersion"] == "2"
    assert len(client("dynamodb").list_tables()["TableNames"]) == 2


def test_the_workflow_and_the_schedule_invoke_the_alias():
    deploy()
    machine = client("stepfunctions").describe_state_machine(stateMachineArn=NAMES.state_machine_arn)
    invoked = {
        state["Parameters"]["FunctionName"]
        for state in json.loads(machine["definition"])["States"].values()
        if "FunctionName" in state.get("Parameters", {})
    }
    targets = client("events").list_targets_by_rule(Rule=NAMES.rule)["Targets"]
    assert invoked == {each["Arn"] for each in targets} == {NAMES.alias_arn}
    assert NAMES.alias_arn == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:dofs-orders-dev:live"


def test_the_alarm_watches_the_depth_of_the_dead_letter_queue():
    for _ in range(2):
        create_monitoring(Deployment(client, NAMES, SETTINGS))
    (alarm,) = client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": NAMES.dead_letter_queue}]
    assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("Maximum", "notBreaching")
    topics = [each["TopicArn"] for each in client("sns").list_topics()["Topics"]]
    assert alarm["AlarmActions"] == alarm["OKActions"] == topics
    assert dead_letter_alarm(NAMES, topics[0])["AlarmName"] == "dofs-dlq-depth-dev"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cloud": "aws", "aws_endpoint_url": ""}, "DOFS_CLOUD must be localstack"),
        ({"orders_table": "orders"}, "DOFS_ORDERS_TABLE must name dofs-orders-dev"),
        ({"failed_orders_table": "failed"}, "DOFS_FAILED_ORDERS_TABLE must name dofs-failed-orders-dev"),
        ({"queue_url": "http://127.0.0.1:4566/1/q"}, "DOFS_QUEUE_URL must name dofs-fulfillment-dev"),
        ({"state_machine_arn": "arn:aws:states:ap-south-1:1:stateMachine:x"}, "DOFS_STATE_MACHINE_ARN must name"),
        ({"state_machine_arn": "x"}, "DOFS_STATE_MACHINE_ARN must name"),
        ({"region": "eu-west-1"}, "DOFS_REGION must name ap-south-1"),
        ({"environment": "staging"}, "DOFS_ORDERS_TABLE must name dofs-orders-staging"),
    ],
)
def test_settings_that_name_other_resources_are_refused(changes, named):
    with pytest.raises(SettingsError, match=named):
        emulator_deployment(replace(SETTINGS, **changes))


def test_every_wrong_setting_is_reported_without_a_traceback(monkeypatch):
    for name, value in SETTINGS.environment_variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DOFS_ORDERS_TABLE", "")
    monkeypatch.setenv("DOFS_MAX_ATTEMPTS", "many")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert "DOFS_MAX_ATTEMPTS='many'" in str(ended.value)
    assert "DOFS_ORDERS_TABLE is missing" in str(ended.value)


def test_an_unreachable_emulator_is_reported_with_its_address(monkeypatch):
    for name, value in SETTINGS.environment_variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DOFS_AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(SystemExit, match=r"http://127\.0\.0\.1:9/"):
        main([])


def test_the_rest_api_has_a_route_of_events_only_with_a_warehouse_over_http():
    def methods(settings: Settings) -> dict[str, list[str]]:
        definition = rest_api_definition(Deployment(client, NAMES, settings))
        return {path: [*operations] for path, operations in definition["paths"].items()}

    without = methods(SETTINGS)
    secret = f"whsec_{'QUJD' * 8}"
    given = methods(replace(SETTINGS, warehouse_url="https://warehouse.example", warehouse_secret=secret))
    assert given == without | {"/warehouse/events": ["post"]}
