"""The function under AWS's runtime client with emulated services: every kind of event in one process."""

import json
import re

import pytest

from service.orders.identity import derive_id
from tests import events
from tests.runtime.function import running
from tests.support import valid_order


def text(answer):
    """The document in the text body of a proxy response."""
    assert answer["isBase64Encoded"] is False
    return json.loads(answer["body"])


def submit(function, body=None, **headers):
    event = events.load("api_post_order")
    event["body"] = event["body"] if body is None else json.dumps(body)
    for name, value in headers.items():
        event["headers"][name] = value
        event["multiValueHeaders"][name] = [value]
    return function(event)


def read_order(function, order_id):
    event = events.load("api_get_order")
    event["path"] = event["path"].rpartition("/")[0] + "/" + order_id
    event["requestContext"]["path"] = "/dev" + event["path"]
    return text(function(event))


def task(name, order_id):
    event = events.load(name)
    given = event["dofs"].get("input", event["dofs"])
    given["order_id"] = order_id
    return event


def batch(*order_ids):
    event = events.load("sqs_batch")
    for record, order_id in zip(event["Records"], order_ids, strict=False):
        record["body"] = json.dumps({"order_id": order_id})
    del event["Records"][len(order_ids) :]
    return event


@pytest.fixture
def order_id(function):
    return text(submit(function))["order_id"]


def test_an_accepted_order_has_a_text_body(function):
    answer = submit(function)
    assert (answer["statusCode"], text(answer)["status"]) == (202, "RECEIVED")
    assert answer["headers"]["content-type"] == "application/json"
    assert re.fullmatch("/dev/orders/ord_[0-9a-f]{32}", answer["headers"]["location"])


def test_an_accepted_order_is_stored_and_its_workflow_is_started(function, cloud, order_id):
    item = cloud.client("dynamodb").get_item(
        TableName=cloud.variables["DOFS_ORDERS_TABLE"], Key={"order_id": {"S": order_id}}
    )["Item"]
    assert item["status"] == {"S": "RECEIVED"}
    arn = cloud.variables["DOFS_STATE_MACHINE_ARN"].replace(":stateMachine:", ":execution:") + f":{order_id}"
    execution = cloud.client("stepfunctions").describe_execution(executionArn=arn)
    assert json.loads(execution["input"]) == {"order_id": order_id, "traceparent": item["traceparent"]["S"]}


def test_a_problem_has_a_text_body(function):
    answer = submit(function, {"customer_id": " é"})
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (422, "application/problem+json")
    assert text(answer)["type"] == "urn:dofs:problem:order-invalid"
    assert {error["pointer"] for error in text(answer)["errors"]} == {"/customer_id", "/items", "/total_amount"}


def test_a_base64_body_is_accepted(function):
    assert function(events.load("api_post_order_base64"))["statusCode"] == 202


def test_amounts_are_shown_to_the_cent(function, order_id):
    order = read_order(function, order_id)
    assert (order["order_id"], order["total_amount"], order["items"][0]["price"]) == (order_id, 59.98, 29.99)


def test_text_of_any_script_is_returned_unchanged(function):
    metadata = {"gift": "für dich 🎁 \u2028 \u0000"}
    order_id = text(submit(function, valid_order(metadata=metadata)))["order_id"]
    assert read_order(function, order_id)["metadata"] == metadata


def test_orders_are_listed(function, order_id):
    page = text(function(events.load("api_list_orders")))
    assert order_id in [order["order_id"] for order in page["orders"]]


def test_a_retry_with_the_same_key_returns_the_same_order(function):
    key = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    assert text(submit(function, **key)) == text(submit(function, **key))
    again = submit(function, valid_order(customer_id="c"), **key)
    assert text(again)["type"] == "urn:dofs:problem:idempotency-key-reused"


def test_an_order_is_validated_stored_and_fulfilled(function, order_id):
    carried = function(task("task_validate", order_id))
    assert (carried["order_id"], carried.keys()) == (order_id, {"order_id", "traceparent"})
    assert function(task("task_store", order_id)) == carried
    assert function(batch(order_id)) == {"batchItemFailures": []}
    order = read_order(function, order_id)
    assert [entry["to"] for entry in order["timeline"]] == ["RECEIVED", "PENDING", "PROCESSING", "FULFILLED"]
    assert (order["status"], order["attempts"]) == ("FULFILLED", 1)


def test_a_replay_of_a_step_returns_the_same(function, order_id):
    for event in (task("task_validate", order_id), task("task_store", order_id), batch(order_id)):
        assert function(event) == function(event)
    assert read_order(function, order_id)["status"] == "FULFILLED"


def test_a_batch_reports_its_failed_messages(function, order_id):
    function(task("task_store", order_id))
    event = batch("ord_unknown", order_id, "ord_unknown")
    event["Records"][2]["body"] = "poison"
    first, _, third = (record["messageId"] for record in event["Records"])
    assert function(event) == {"batchItemFailures": [{"itemIdentifier": first}, {"itemIdentifier": third}]}


def test_without_time_left_every_message_of_a_batch_is_reported(function, order_id):
    function(task("task_store", order_id))
    event = batch(order_id)
    failures = [{"itemIdentifier": event["Records"][0]["messageId"]}]
    assert function(event, seconds=4) == {"batchItemFailures": failures}
    assert read_order(function, order_id)["status"] == "PENDING"


def test_an_invalid_order_is_rejected_by_the_workflow(function):
    order_id = text(submit(function, {"note": "x"}, Prefer="handling=lenient"))["order_id"]
    error = function.error(task("task_validate", order_id))
    assert error["errorType"] == "OrderInvalid"
    assert order_id in error["errorMessage"]
    answer = function(task("task_reject", order_id))
    assert answer["order_id"] == order_id
    order = read_order(function, order_id)
    assert (order["status"], order["errors"]) == ("REJECTED", json.loads(answer["cause"])["errors"])


def test_the_workflow_creates_an_order_from_raw_input(function):
    event = events.load("task_validate_raw_order")
    order_id = derive_id("execution", event["dofs"]["execution"])
    assert function(event)["order_id"] == order_id
    assert function(event) == function(event)
    assert read_order(function, order_id)["total_amount"] == 59.98


def test_an_execution_without_an_order_fails_with_a_named_error(function):
    assert function.error(task("task_validate", "ord_unknown"))["errorType"] == "OrderUnknown"
    assert function.error({"dofs": {"task": "store"}})["errorType"] == "BadTask"
    event = events.load("task_validate_raw_order")
    event["dofs"]["execution"], event["dofs"]["input"]["order"]["metadata"] = "malformed", {"x": 10**60}
    assert function.error(event)["errorType"] == "MalformedDocument"


def test_the_reconciler_finds_nothing_to_do(function, order_id):
    done = function(events.load("task_reconcile"))
    assert set(done.values()) == {0}


@pytest.mark.parametrize("name", events.names("unknown_"))
def test_an_unknown_event_is_an_error_with_its_keys(name, function):
    event = events.load(name)
    error = function.error(event)
    assert error["errorType"] == "UnknownEvent"
    assert all(key in error["errorMessage"] for key in event)


@pytest.mark.parametrize("event", [b"null", b"[]", b"5", b'"x"', b'{"dofs":{"task":"reconcile"},"dofs":{}}'])
def test_an_event_that_is_not_an_object_is_an_error(event, function):
    assert function.error(event)["errorType"] == "UnknownEvent"


def test_after_an_error_the_same_process_handles_the_next_event(function, order_id):
    before = function.process.pid
    for _ in range(3):
        function.error(events.load("unknown_empty"))
        assert function(task("task_store", order_id))["order_id"] == order_id
    assert (function.process.pid, function.process.poll()) == (before, None)


def test_the_function_reports_its_dependencies_as_ready(function):
    event = events.load("api_get_order")
    event["path"], event["requestContext"]["path"] = "/ready", "/dev/ready"
    assert set(text(function(event))["dependencies"].values()) == {"ok"}


def test_every_line_of_the_log_is_a_json_object(function):
    before = len(function.log)
    function({"Records": [record | {"body": "poison"} for record in events.load("sqs_batch")["Records"]]})
    function(events.load("task_reconcile"))
    lines = [json.loads(line) for line in function.log[before:].splitlines()]
    assert [line["level"] for line in lines if "level" in line] == ["WARNING"] * 3 + ["INFO"]
    assert [line["PoisonMessages"] for line in lines if "PoisonMessages" in line] == [3]
    assert [line["ReconcilerRuns"] for line in lines if "ReconcilerRuns" in line] == [1]
    directives = [each for line in lines if "_aws" in line for each in line["_aws"]["CloudWatchMetrics"]]
    assert {each["Namespace"] for each in directives} == {"SHOP"}


def test_an_error_is_logged_by_the_service_and_by_the_runtime(function):
    """The line of the runtime has no event, by which saved queries and the runbook distinguish the two."""
    before = len(function.log)
    order_id = text(submit(function, {"note": "x"}, Prefer="handling=lenient"))["order_id"]
    function.error(task("task_validate", order_id))
    lines = [json.loads(line) for line in function.log[before:].splitlines()]
    (ours,) = [line for line in lines if line.get("event") == "validate"]
    assert (ours["level"], ours["outcome"], ours["order_id"]) == ("INFO", "OrderInvalid", order_id)
    (theirs,) = [line for line in lines if line.get("errorType") == "OrderInvalid"]
    assert (theirs["level"], "event" in theirs) == ("ERROR", False)


def test_the_log_has_no_order_data(function):
    submit(function, valid_order(metadata={"note": "canary"}))
    submit(function, {"canary": 1})
    assert "canary" not in function.log


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"DOFS_QUEUE_URL": ""}, ["DOFS_QUEUE_URL is missing"]),
        (
            {"DOFS_ORDERS_TABLE": "", "DOFS_MAX_ATTEMPTS": "x"},
            ["DOFS_ORDERS_TABLE is missing", "DOFS_MAX_ATTEMPTS='x'"],
        ),
        ({"DOFS_QUEUE": "x"}, ["DOFS_QUEUE is not a setting"]),
    ],
)
def test_every_invocation_reports_a_wrong_setting(changes, named, cloud, tmp_path):
    with running({**cloud.variables, **changes}, tmp_path) as function:
        for _ in range(2):
            error = function.error(events.load("task_reconcile"))
            assert error["errorType"] == "SettingsError"
            assert all(name in error["errorMessage"] for name in named)
