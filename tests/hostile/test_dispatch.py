"""Every event gets a well-formed answer or an exception that names the problem."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.handler import UnknownEvent, dispatch
from service.orders.lifecycle import Status
from tests import events
from tests.api.proxy import Gateway, GatewaySystem
from tests.hostile.junk import mutated, objects, values, with_canary, with_loggable_ids
from tests.hostile.logs import log_as_lambda
from tests.memory.store import InMemoryOrderStore
from tests.steps.doubles import standing
from tests.support import Context

PERMANENT_ERRORS = {"BadTask", "OrderUnknown", "OrderInvalid", "MalformedDocument", "KeyReused", "UnknownEvent"}
JUNK = "junk events dispatched"
MET: Counter[str] = Counter()
"""The outcomes of the events since the test began."""


@pytest.fixture
def often(thorough: bool) -> Callable[[int], Any]:
    """Hypothesis's settings for a number of examples with `make fuzz`, and for a quarter of them with `make test`.

    The examples share the function-scoped fixtures, but not the store.
    """
    unconcerned = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return lambda examples: settings(
        max_examples=examples if thorough else examples // 4, suppress_health_check=unconcerned
    )


@pytest.fixture(scope="module")
def stock() -> dict[str, Any]:
    """An order in every state, and the orders that the events in ``tests/events`` name."""
    wanted = {f"ord_{status.lower()}": status for status in Status}
    wanted |= {"ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6": Status.RECEIVED, "ord_1": Status.PENDING, "ord_2": Status.FAILED}
    return {order_id: standing(status, GatewaySystem(), order_id) for order_id, status in wanted.items()}


@pytest.fixture
def outcome_of(event_loop, stock) -> Callable[[Any], str]:
    """Dispatches an event and returns its outcome."""
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
    event = with_loggable_ids(event)
    try:
        answer = dispatch(event, Context(), system)
    except UnknownEvent as error:
        log_as_lambda(error)
        return "UnknownEvent"
    except Exception as error:
        log_as_lambda(error)
        assert event.keys() == {"dofs"}
        assert type(error).__name__ in PERMANENT_ERRORS
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


def test_an_order_without_a_row_is_unknown_to_every_step():
    for task in ("validate", "reject", "store"):
        with pytest.raises(Exception) as raised:
            dispatch({"dofs": {"task": task, "order_id": "ord_1"}}, Context(), GatewaySystem())
        assert type(raised.value).__name__ == "OrderUnknown", task


def test_an_execution_named_with_a_lone_surrogate_is_a_bad_task():
    with pytest.raises(Exception) as raised:
        dispatch(
            {"dofs": {"task": "validate", "execution": "\ud800", "input": {"order": {}}}}, Context(), GatewaySystem()
        )
    assert type(raised.value).__name__ == "BadTask"


def test_arbitrary_json(outcome_of, often, counted):
    @often(400)
    @given(values | objects)
    def run(event):
        assert outcome_of(event) == "UnknownEvent"

    run()
    counted(JUNK, sum(MET.values()))


def test_the_task_envelope_around_any_value(outcome_of, often, counted):
    names = ("validate", "store", "reject", "reconcile", "fulfill")

    @often(500)
    @given(objects, st.sampled_from(names))
    def run(task, name):
        outcome_of({"dofs": {**task, "task": name}})

    run()
    assert MET.keys() >= {"UnknownEvent", "BadTask", "reconcile"}
    counted(JUNK, sum(MET.values()))


def an_order_with_a_wrong_customer() -> Any:
    event = with_canary("api_post_order")
    return {**event, "body": json.dumps({**json.loads(event["body"]), "customer_id": 5})}


@pytest.mark.parametrize(
    ("prefix", "examples", "ends"),
    [
        ("task_", 600, {"validate", "store", "reject", "reconcile", "BadTask", "OrderInvalid", "UnknownEvent"}),
        ("sqs_", 500, {"batch", "UnknownEvent"}),
        ("api_", 1_000, {"200", "202", "400", "404", "405", "415", "422", "UnknownEvent"}),
        ("unknown_", 200, {"UnknownEvent"}),
    ],
)
def test_real_events_with_junk_in_them(prefix, examples, ends, outcome_of, often, thorough, counted):
    @often(examples)
    @given(mutated([with_canary(name) for name in events.names(prefix)]))
    def run(event):
        outcome_of(event)

    run()
    if prefix == "api_":
        outcome_of(an_order_with_a_wrong_customer())  # few random events are requests that break a rule of an order
    assert MET.keys() >= ends or not thorough, MET
    counted(JUNK, sum(MET.values()))


@pytest.mark.parametrize("api_auth", ["api_key", "iam", "cognito"])
def test_a_junk_caller_is_anonymous(api_auth, event_loop, often):
    system, event = Gateway(api_auth=api_auth).system, with_canary("api_list_orders")
    event["requestContext"]["identity"] |= {"apiKeyId": "k", "userArn": "arn:aws:iam::123456789012:user/u"}
    event["requestContext"]["authorizer"] = {"claims": {"sub": "s"}}
    MET.clear()

    @often(200)
    @given(mutated([event], ("requestContext",)))
    def run(event):
        MET[judged(event, system)] += 1

    run()
    assert MET.keys() == {"200", "401", "UnknownEvent"}, MET


@pytest.mark.parametrize("name", [5, True, ["s"], {"s": "s"}, "", None])
@pytest.mark.parametrize("api_auth", ["api_key", "iam", "cognito"])
def test_a_caller_whose_name_is_no_text_is_anonymous(api_auth, name, event_loop):
    event = with_canary("api_list_orders")
    event["requestContext"]["identity"] |= {"apiKeyId": name, "userArn": name}
    event["requestContext"]["authorizer"] = {"claims": {"sub": name}}
    assert judged(event, Gateway(api_auth=api_auth).system) == "401"


@pytest.mark.parametrize("name", events.names("api_"))
def test_fields_of_other_proxy_events_are_ignored(name, event_loop):
    system, event = Gateway().system, with_canary(name)
    expected = dispatch(with_canary(name), Context(), system)
    event["requestContext"] |= {"elb": {"targetGroupArn": "arn"}, "http": {"method": "DELETE", "path": "/"}}
    event |= {"version": "2.0", "rawPath": "/", "cookies": [], "routeKey": "$default"}
    assert dispatch(event, Context(), system).keys() == expected.keys()
    assert dispatch(event, Context(), system)["statusCode"] == expected["statusCode"]


@pytest.mark.parametrize("name", events.names("api_"))
@pytest.mark.parametrize(
    "header", ["Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-For", "Content-Length", "Content-Type"]
)
@pytest.mark.parametrize("value", ["", "a:b:c", "[::1]:80", "x", "-1", "9" * 50, "é", "\x00", "\ud800"])
def test_junk_headers(value, header, name, outcome_of):
    event = with_canary(name)
    event["headers"][header], event["multiValueHeaders"][header] = value, [value]
    outcome_of(event)
