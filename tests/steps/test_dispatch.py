"""The handler dispatches each event to its function, and refuses unknown events."""

import importlib
import json

import pytest

from service.handler import UnknownEvent, dispatch
from service.orders.errors import OrderInvalid
from service.orders.identity import derive_id
from service.provisioning.schedule import RECONCILE_EVENT
from service.provisioning.workflow import WORKFLOW_FILE
from tests import events
from tests.support import Context, MemorySystem, valid_order

DESTINATIONS = {
    "service.steps.validate": "run",
    "service.steps.store": "run",
    "service.steps.reject": "run",
    "service.steps.reconcile": "run",
    "service.steps.fulfill": "run",
    "service.api.gateway": "respond",
}
API_EVENT_KEYS = ("resource", "httpMethod", "path", "requestContext")


@pytest.fixture
def went_to(monkeypatch):
    """The destinations of the dispatched events, with their payloads."""
    went = []
    for module, function in DESTINATIONS.items():
        monkeypatch.setattr(
            importlib.import_module(module), function, lambda *given, to=module: went.append((to, given[0]))
        )
    return went


@pytest.mark.parametrize(
    ("event", "destination"),
    [
        ("task_validate", "service.steps.validate"),
        ("task_validate_raw_order", "service.steps.validate"),
        ("task_store", "service.steps.store"),
        ("task_reject", "service.steps.reject"),
        ("task_reconcile", "service.steps.reconcile"),
        ("sqs_batch", "service.steps.fulfill"),
        ("api_post_order", "service.api.gateway"),
        ("api_post_order_base64", "service.api.gateway"),
        ("api_post_null_body", "service.api.gateway"),
        ("api_get_order", "service.api.gateway"),
        ("api_list_orders", "service.api.gateway"),
    ],
)
def test_each_event_is_dispatched_to_its_function(event, destination, went_to):
    given = events.load(event)
    dispatch(given, Context(), MemorySystem())
    payload = given.get("dofs") or given.get("Records") or given
    assert went_to == [(destination, payload)]


def test_every_known_event_is_dispatched(went_to):
    known = set(events.names("")) - set(events.names("unknown_"))
    for event in known:
        dispatch(events.load(event), Context(), MemorySystem())
    assert len(went_to) == len(known) == 11


@pytest.mark.parametrize("event", events.names("unknown_"))
def test_an_unknown_event_is_refused_and_its_keys_are_named(event, went_to):
    given = events.load(event)
    with pytest.raises(UnknownEvent) as refused:
        dispatch(given, Context(), MemorySystem())
    assert all(key in str(refused.value) for key in given)
    assert went_to == []


@pytest.mark.parametrize("missing", API_EVENT_KEYS)
def test_a_proxy_event_without_a_required_key_is_refused(missing, went_to):
    event = events.load("api_post_order")
    del event[missing]
    with pytest.raises(UnknownEvent, match="isBase64Encoded"):
        dispatch(event, Context(), MemorySystem())
    assert went_to == []


@pytest.mark.parametrize("event", [None, [], "store", 5, True, [{"dofs": {"task": "store"}}]])
def test_an_event_that_is_not_an_object_is_refused_and_its_type_named(event, went_to):
    with pytest.raises(UnknownEvent, match=type(event).__name__):
        dispatch(event, Context(), MemorySystem())


@pytest.mark.parametrize(
    "task",
    [
        None,
        "store",
        [],
        {},
        {"task": None},
        {"task": "fulfill"},
        {"task": "events"},
        {"task": "Store"},
        {"task": "store "},
        {"task": "os.path"},
        {"task": 5},
    ],
)
def test_an_envelope_without_a_known_task_is_refused(task, went_to):
    with pytest.raises(UnknownEvent, match="dofs"):
        dispatch({"dofs": task}, Context(), MemorySystem())
    assert went_to == []


@pytest.mark.parametrize("name", [["store"], {"store": 1}])
def test_a_task_whose_name_is_not_a_string_is_refused(name, went_to):
    with pytest.raises(UnknownEvent, match="dofs"):
        dispatch({"dofs": {"task": name}}, Context(), MemorySystem())


@pytest.mark.parametrize("beside", ["order_id", "Records", "task", "input"])
def test_an_envelope_with_another_key_beside_it_is_refused(beside, went_to):
    with pytest.raises(UnknownEvent):
        dispatch({**events.load("task_store"), beside: "x"}, Context(), MemorySystem())


@pytest.mark.parametrize("records", [None, {}, "aws:sqs", [], [None], ["aws:sqs"], [{}]])
def test_records_that_are_not_from_sqs_are_refused(records, went_to):
    with pytest.raises(UnknownEvent, match="Records"):
        dispatch({"Records": records}, Context(), MemorySystem())
    assert went_to == []


@pytest.mark.parametrize("source", ["aws:SQS", "aws:kinesis", "aws:s3", "", None])
def test_a_record_of_another_event_source_is_refused(source, went_to):
    first, *others = events.load("sqs_batch")["Records"]
    with pytest.raises(UnknownEvent, match="Records"):
        dispatch({"Records": [{**first, "eventSource": source}, *others]}, Context(), MemorySystem())
    assert went_to == []


@pytest.mark.parametrize("message_id", [None, 5, ["x"]])
def test_a_record_without_a_message_id_is_refused(message_id, went_to):
    first, *others = events.load("sqs_batch")["Records"]
    with pytest.raises(UnknownEvent, match="Records"):
        dispatch({"Records": [*others, {**first, "messageId": message_id}]}, Context(), MemorySystem())
    assert went_to == []


def test_records_with_another_key_beside_them_are_refused(went_to):
    with pytest.raises(UnknownEvent):
        dispatch({**events.load("sqs_batch"), "order_id": "ord_1"}, Context(), MemorySystem())


def test_an_unknown_event_with_many_keys_has_a_short_error():
    with pytest.raises(UnknownEvent) as refused:
        dispatch({f"key{number}": 1 for number in range(1000)}, Context(), MemorySystem())
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("event", ["unknown_order_posing_as_api", "api_get_order", "sqs_batch", "task_reconcile"])
def test_an_order_that_imitates_an_event_is_validated_as_an_order(event):
    """The input of an execution started by hand is user input; inside the envelope it is only an order."""
    system = MemorySystem()
    task = events.load("task_validate_raw_order")
    task["dofs"]["input"]["order"] = valid_order() | events.load(event)
    with pytest.raises(OrderInvalid):
        dispatch(task, Context(), system)
    assert list(system.store.orders) == [derive_id("execution", "started-by-hand-1")]


def test_the_workflow_sends_only_envelopes_to_the_function():
    states = json.loads(WORKFLOW_FILE.read_text())["States"].values()
    payloads = [state["Parameters"]["Payload"] for state in states if "lambda" in state.get("Resource", "")]
    assert {payload["dofs"]["task"] for payload in payloads} == {"validate", "store", "reject"}
    assert all(payload.keys() == {"dofs"} for payload in payloads)
    assert all(name in ("task", "execution.$", "input.$", "order_id.$") for each in payloads for name in each["dofs"])


def test_the_schedule_sends_the_event_task_reconcile():
    assert events.load("task_reconcile") == RECONCILE_EVENT


def test_the_workflow_sends_the_output_of_the_store_step_as_the_message():
    states = json.loads(WORKFLOW_FILE.read_text())["States"]
    assert states["EnqueueFulfillment"]["Parameters"]["MessageBody.$"] == "$"
    assert (states["StoreOrder"]["Next"], states["StoreOrder"]["OutputPath"]) == ("EnqueueFulfillment", "$.Payload")
