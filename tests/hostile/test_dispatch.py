"""Whatever event arrives: a clean answer, or an exception that says that nobody here handles it."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.handler import UnknownEvent, dispatch
from service.orders.lifecycle import Status
from service.provisioning.workflow import WORKFLOW_FILE
from tests import events
from tests.api.proxy import Gateway, GatewaySystem
from tests.hostile.junk import objects, spoiled, telling, values, with_ids_that_logs_may_tell
from tests.hostile.logs import left_the_function
from tests.memory.store import InMemoryOrderStore
from tests.steps.doubles import standing
from tests.support import Context

STATES = json.loads(WORKFLOW_FILE.read_text())["States"]
IN_VAIN = {"BadTask", "OrderUnknown", "OrderInvalid", "MalformedDocument", "KeyReused", "UnknownEvent"}
JUNK = "junk events dispatched"
MET: Counter[str] = Counter()
"""How events ended since the test began."""


def often(examples: int) -> Any:
    """Each example begins with a store of its own; what else a fixture gives serves all alike."""
    unconcerned = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=examples, suppress_health_check=unconcerned)


@pytest.fixture(scope="module")
def stock() -> dict[str, Any]:
    """An order in every state, and those that the events of the library name."""
    wanted = {f"ord_{status.lower()}": status for status in Status}
    wanted |= {"ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6": Status.RECEIVED, "ord_1": Status.PENDING, "ord_2": Status.FAILED}
    return {order_id: standing(status, GatewaySystem(), order_id) for order_id, status in wanted.items()}


@pytest.fixture
def end_of(event_loop, stock) -> Callable[[Any], str]:
    """Dispatches an event; how it ended."""
    system = Gateway().system
    MET.clear()

    def ended(event: Any) -> str:
        system.store = InMemoryOrderStore()
        system.store.orders.update(stock)
        end = judged(event, system)
        MET[end] += 1
        return end

    return ended


def judged(event: Any, system: GatewaySystem) -> str:
    event = with_ids_that_logs_may_tell(event)
    try:
        answer = dispatch(event, Context(), system)
    except UnknownEvent as error:
        left_the_function(error)
        return "UnknownEvent"
    except Exception as error:
        left_the_function(error)
        assert event.keys() == {"dofs"}
        assert type(error).__name__ in IN_VAIN
        return type(error).__name__
    assert isinstance(answer, dict)
    assert json.loads(json.dumps(answer)) == answer
    if event.keys() == {"dofs"}:
        return event["dofs"]["task"]
    if event.keys() == {"Records"}:
        assert_batch(answer, event["Records"])
        return "batch"
    assert answer.keys() == {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
    assert 200 <= answer["statusCode"] < 500
    return str(answer["statusCode"])


def assert_batch(answer: dict[str, Any], records: list[Any]) -> None:
    assert answer.keys() == {"batchItemFailures"}
    assert all(failure.keys() == {"itemIdentifier"} for failure in answer["batchItemFailures"])
    reported = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    assert len(reported) == len(set(reported))
    assert set(reported) <= {record["messageId"] for record in records}


def test_the_workflow_knows_the_errors_that_no_retry_mends():
    tasks = [state for state in STATES.values() if "lambda" in state.get("Resource", "")]
    assert len(tasks) == 3
    assert all(set(task["Retry"][0]["ErrorEquals"]) == IN_VAIN for task in tasks)
    assert all(task["Retry"][0]["MaxAttempts"] == 0 for task in tasks)


def test_an_order_without_a_row_is_unknown_to_every_step():
    for task in ("validate", "reject", "store"):
        with pytest.raises(Exception) as raised:
            dispatch({"dofs": {"task": task, "order_id": "ord_1"}}, Context(), GatewaySystem())
        assert type(raised.value).__name__ == "OrderUnknown", task


def test_an_execution_whose_name_is_half_a_character_is_a_bad_task():
    with pytest.raises(Exception) as raised:
        dispatch(
            {"dofs": {"task": "validate", "execution": "\ud800", "input": {"order": {}}}}, Context(), GatewaySystem()
        )
    assert type(raised.value).__name__ == "BadTask"


def test_arbitrary_json(end_of, counted):
    @often(400)
    @given(values | objects)
    def run(event):
        assert end_of(event) == "UnknownEvent"

    run()
    counted(JUNK, sum(MET.values()))


def test_our_envelope_around_anything(end_of, counted):
    names = ("validate", "store", "reject", "reconcile", "fulfill")

    @often(500)
    @given(objects, st.sampled_from(names))
    def run(task, name):
        end_of({"dofs": {**task, "task": name}})

    run()
    assert MET.keys() >= {"UnknownEvent", "BadTask", "reconcile"}
    counted(JUNK, sum(MET.values()))


@pytest.mark.parametrize(
    ("prefix", "examples", "ends"),
    [
        ("task_", 600, {"validate", "store", "reject", "reconcile", "BadTask", "OrderInvalid", "UnknownEvent"}),
        ("sqs_", 500, {"batch", "UnknownEvent"}),
        ("api_", 1_000, {"200", "202", "400", "404", "405", "415", "422", "UnknownEvent"}),
        ("unknown_", 200, {"UnknownEvent"}),
    ],
)
def test_a_real_event_with_junk_in_it(prefix, examples, ends, end_of, counted):
    @often(examples)
    @given(spoiled([telling(name) for name in events.names(prefix)]))
    def run(event):
        end_of(event)

    run()
    assert MET.keys() >= ends, MET
    counted(JUNK, sum(MET.values()))


@pytest.mark.parametrize("api_auth", ["api_key", "iam", "cognito"])
def test_a_caller_that_is_junk_is_nobody(api_auth, event_loop):
    system, event = Gateway(api_auth=api_auth).system, telling("api_list_orders")
    event["requestContext"]["identity"] |= {"apiKeyId": "k", "userArn": "arn:aws:iam::123456789012:user/u"}
    event["requestContext"]["authorizer"] = {"claims": {"sub": "s"}}
    MET.clear()

    @often(200)
    @given(spoiled([event], ("requestContext",)))
    def run(event):
        MET[judged(event, system)] += 1

    run()
    assert MET.keys() == {"200", "401", "UnknownEvent"}, MET


@pytest.mark.parametrize("name", [5, True, ["s"], {"s": "s"}, "", None])
@pytest.mark.parametrize("api_auth", ["api_key", "iam", "cognito"])
def test_a_caller_whose_name_is_no_text_is_nobody(api_auth, name, event_loop):
    event = telling("api_list_orders")
    event["requestContext"]["identity"] |= {"apiKeyId": name, "userArn": name}
    event["requestContext"]["authorizer"] = {"claims": {"sub": name}}
    assert judged(event, Gateway(api_auth=api_auth).system) == "401"


@pytest.mark.parametrize("name", events.names("api_"))
def test_the_marks_of_a_load_balancer_or_of_an_http_api_beside_its_own_change_nothing(name, event_loop):
    system, event = Gateway().system, telling(name)
    expected = dispatch(telling(name), Context(), system)
    event["requestContext"] |= {"elb": {"targetGroupArn": "arn"}, "http": {"method": "DELETE", "path": "/"}}
    event |= {"version": "2.0", "rawPath": "/", "cookies": [], "routeKey": "$default"}
    assert dispatch(event, Context(), system).keys() == expected.keys()
    assert dispatch(event, Context(), system)["statusCode"] == expected["statusCode"]


@pytest.mark.parametrize("name", events.names("api_"))
@pytest.mark.parametrize(
    "header", ["Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-For", "Content-Length", "Content-Type"]
)
@pytest.mark.parametrize("value", ["", "a:b:c", "[::1]:80", "x", "-1", "9" * 50, "é", "\x00", "\ud800"])
def test_a_header_that_says_nothing_sensible(value, header, name, end_of):
    event = telling(name)
    event["headers"][header], event["multiValueHeaders"][header] = value, [value]
    end_of(event)
