"""The alarms of Terraform are triggered by their metrics, notify the topic, and return to OK.

LocalStack evaluates alarms on one metric. It publishes the depth of queues and a function's errors by itself; tests
publish AWS's other metrics, and a collector publishes the service's metrics from the function's log. LocalStack
evaluates no alarms on metric math; their expressions are read back and evaluated here.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from service.aws.clients import Clients
from service.aws.store import DynamoDbOrderStore
from service.orders.identity import order_id_for
from service.orders.submission import new_order
from tests.compose.faults import stop_schedule
from tests.compose.mailbox import Mailbox, Notification, subscribe
from tests.support import valid_order
from tests.system import depth_becomes, ended, is_shipped, key_for, oracle, settled, submit_until_accepted, until, url
from tests.terraform.alarms import describe_alarms, metrics_of, name_of, speed_up
from tests.terraform.collector import Collector
from tests.terraform.measured import Measured
from tests.terraform.root import Deployed
from tests.terraform.watched import Watched, by, math_alarms, simple_alarms

pytestmark = [pytest.mark.anyio, pytest.mark.docker]


PATIENCE = 600  # seconds; only a failing test waits so long


@pytest.fixture(scope="module")
def empty_dead_letter_queue(deployed: Deployed) -> None:
    """Messages of other tests would keep the dead-letter alarm in ALARM."""
    deployed.client("sqs").purge_queue(QueueUrl=url(deployed, deployed.names.dead_letter_queue))


@pytest.fixture
def mailbox(deployed: Deployed) -> Iterator[Mailbox]:
    """A mailbox for each test, because a restored alarm evaluates the minutes of the previous test again."""
    with subscribe(deployed) as found:
        yield found


@pytest.fixture(scope="module")
def collector(deployed: Deployed) -> Collector:
    return Collector(deployed.stack)


def publish(system: Deployed, metric: Watched, values: Sequence[float]) -> None:
    if values:
        dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
        data = {"MetricName": metric.name, "Dimensions": dimensions, "Values": list(values)}
        system.client("cloudwatch").put_metric_data(Namespace=metric.namespace, MetricData=[data])


async def wait_for_states(
    system: Deployed, mailbox: Mailbox, meanwhile: Callable[[], object], states: dict[str, str]
) -> None:
    """Wait until each alarm has notified the topic of its expected state, unless it was in that state before.

    Args:
        system: the system of the alarms.
        mailbox: the notifications.
        meanwhile: a function to call repeatedly while waiting.
        states: the expected states, by the alarms' keys.
    """
    wanted = {name_of(system, key): state for key, state in states.items()}
    before = await asyncio.to_thread(mailbox.last_states)
    reached = {name for name, state in wanted.items() if before.get(name) == state}
    seen = set(mailbox.read())

    async def read() -> set[str]:
        await asyncio.to_thread(meanwhile)
        arrived = await asyncio.to_thread(mailbox.read)
        new = [each for each in arrived if each not in seen]
        return wanted.keys() - reached - {each.alarm for each in new if wanted.get(each.alarm) == each.state}

    await until(read, lambda missing: not missing, PATIENCE)


def test_each_alarm_watches_published_metrics(deployed):
    # LocalStack also matches a metric by a subset of its dimensions, AWS does not.
    simple = {key: {watched[:3]} for key, watched in simple_alarms(deployed.names).items()}
    wanted = {name_of(deployed, key): metrics for key, metrics in (simple | math_alarms(deployed.names)).items()}
    assert {name: metrics_of(alarm) for name, alarm in describe_alarms(deployed).items()} == wanted


@pytest.mark.usefixtures("failing_orders")
async def test_each_alarm_is_triggered_by_its_metric_and_returns_to_ok(deployed, mailbox):
    watched = simple_alarms(deployed.names)
    del watched["dlq-depth"]  # LocalStack publishes its metric; the last test has its messages

    def publish_all(which: str) -> None:
        for metric in watched.values():
            publish(deployed, metric, getattr(metric, which))

    with speed_up(deployed, *watched):
        await wait_for_states(deployed, mailbox, lambda: publish_all("bad"), dict.fromkeys(watched, "ALARM"))
        await wait_for_states(deployed, mailbox, lambda: publish_all("good"), dict.fromkeys(watched, "OK"))
        notifications = mailbox.read()
    for key in watched:
        check_notifications(deployed, key, notifications)


def check_notifications(system: Deployed, key: str, arrived: Sequence[Notification]) -> None:
    """Check that an alarm was triggered, named its runbook section, returned to OK, and repeated no notification."""
    states = [each.state for each in arrived if each.alarm == name_of(system, key)]
    assert "ALARM" in states
    assert states[-1] == "OK"
    assert [
        states[index : index + 2] for index in range(len(states) - 1) if len({*states[index : index + 2]}) == 1
    ] == []
    described = {each.description for each in arrived if each.alarm == name_of(system, key)}
    assert all(each.endswith(f"Runbook: docs/runbook.md#{key}") for each in described), described


class FailingOrders(NamedTuple):
    """The ids of failing orders, and the metrics of all orders."""

    ids: list[str]
    measured: Measured


@pytest.fixture(scope="module")
async def failing_orders(deployed: Deployed, collector: Collector, empty_dead_letter_queue: None) -> FailingOrders:
    """Submits twenty orders that succeed, and three that fail.

    The messages of the three reach the dead-letter queue after three attempts. They are submitted before the first
    test, and the last test waits for them.
    """
    measured = Measured(deployed, collector)
    settings = deployed.settings
    good = [key_for(settings, ("FULFILLED", 1), uuid.uuid4().hex) for _ in range(20)]
    bad = [await asyncio.to_thread(find_key_of_two_epochs, deployed) for _ in range(3)]
    async with deployed.api() as api:
        for key in good:
            await submit_until_accepted(api, key)
        await measured.become("success-rate", fulfilled=20, failed=0)
        assert not measured.pages("success-rate")
        return FailingOrders([await submit_until_accepted(api, key) for key in bad], measured)


def find_key_of_two_epochs(system: Deployed) -> str:
    """Find a key whose order fails, and is fulfilled by its first attempt after a redrive."""
    settings = system.settings
    for number in range(100_000):
        key = f"{uuid.uuid4().hex}-{number}"
        order_id = order_id_for("anonymous", key, str)
        if oracle(settings, order_id)[0] == "FAILED" and is_shipped(settings, order_id, settings.max_attempts + 1):
            return key
    raise AssertionError("no such key was found")


def create_stuck_order(system: Deployed) -> str:
    """Create an order that was received an hour ago and has no execution."""
    endpoint = system.client("dynamodb").meta.endpoint_url
    settings = replace(system.settings, cloud="localstack", aws_endpoint_url=endpoint)
    key = key_for(settings, ("FULFILLED", 1), uuid.uuid4().hex)
    order = new_order(
        valid_order(),
        order_id=order_id_for("anonymous", key, str),
        owner="anonymous",
        actor="api",
        at=datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1),
        write_id=uuid.uuid4().hex,
    )
    return DynamoDbOrderStore(Clients(settings), settings).create(order).order_id


async def test_a_silent_reconciler_and_its_later_interventions_trigger_alarms(
    deployed, mailbox, collector, failing_orders
):
    def run_schedule() -> None:
        """Invoke the targets of the rule if it is enabled, as EventBridge does each minute."""
        events, invoke = deployed.client("events"), deployed.client("lambda").invoke
        if events.describe_rule(Name=deployed.names.rule)["State"] == "ENABLED":
            for target in events.list_targets_by_rule(Rule=deployed.names.rule)["Targets"]:
                assert "FunctionError" not in invoke(FunctionName=target["Arn"], Payload=target["Input"])
        collector.collect()

    silent, interventions = "reconciler-silent", "reconciler-interventions"
    async with deployed.api() as api:
        with speed_up(deployed, silent, interventions):
            await wait_for_states(deployed, mailbox, run_schedule, {silent: "OK", interventions: "OK"})
            with stop_schedule(deployed):
                order_id = await asyncio.to_thread(create_stuck_order, deployed)
                await wait_for_states(deployed, mailbox, run_schedule, {silent: "ALARM", interventions: "OK"})
                assert (await api.get(f"/orders/{order_id}")).json()["status"] == "RECEIVED"
            await wait_for_states(deployed, mailbox, run_schedule, {silent: "OK", interventions: "ALARM"})
            assert (await settled(api, order_id, PATIENCE))["status"] == "FULFILLED"
            await wait_for_states(deployed, mailbox, run_schedule, {silent: "OK", interventions: "OK"})


async def test_errors_trigger_alarms_and_invalid_orders_do_not(deployed, collector, failing_orders):
    measured = Measured(deployed, collector)
    invalid, order_ids = {**valid_order(), "items": []}, []
    async with deployed.api() as api:
        for _ in range(3):
            answer = await api.post("/order", json=invalid, headers={"Prefer": "handling=lenient"})
            assert answer.status_code == 202, answer.text
            order_ids.append(answer.json()["order_id"])
    await measured.become("lambda-errors", errors=3, rejected=3)
    assert not measured.pages("lambda-errors")

    # AWS publishes a 1 for a failed execution, LocalStack publishes nothing.
    ends = [(await ended(deployed, order_id, PATIENCE))["status"] for order_id in order_ids]
    executions_failed = Watched(
        "AWS/States", "ExecutionsFailed", by(StateMachineArn=deployed.names.state_machine_arn), (1, 1), ()
    )
    publish(deployed, executions_failed, [1 for end in ends if end == "FAILED"])
    await measured.become("workflow-failures", failed=3, rejected=3)
    assert not measured.pages("workflow-failures")

    for _ in range(3):
        answer = deployed.client("lambda").invoke(
            FunctionName=deployed.names.alias_arn, Payload=b'{"unknown": "event"}'
        )
        assert answer["FunctionError"], "an unknown event is an error"
    await measured.become("lambda-errors", errors=6, rejected=3)
    assert measured.pages("lambda-errors")
    publish(deployed, executions_failed, executions_failed.bad)
    assert measured.pages("workflow-failures")


async def test_failed_orders_trigger_alarms_until_they_are_redriven(deployed, mailbox, collector, failing_orders):
    async with deployed.api() as api:
        for order_id in failing_orders.ids:
            assert (await settled(api, order_id, PATIENCE))["status"] == "FAILED"
        await failing_orders.measured.become("success-rate", failed=len(failing_orders.ids))
        assert failing_orders.measured.pages("success-rate")
        await depth_becomes(deployed, deployed.names.dead_letter_queue, 3, PATIENCE)
        seen = set(mailbox.read())
        with speed_up(deployed, "dlq-depth"):
            await wait_for_states(deployed, mailbox, collector.collect, {"dlq-depth": "ALARM"})
            for order_id in failing_orders.ids:
                answer = await api.post(f"/failed-orders/{order_id}/redrive", json={"note": "the warehouse is open"})
                assert answer.status_code == 200, answer.text
                assert (await settled(api, order_id, PATIENCE))["status"] == "FULFILLED"
            await wait_for_states(deployed, mailbox, collector.collect, {"dlq-depth": "OK"})
            check_notifications(deployed, "dlq-depth", [each for each in mailbox.read() if each not in seen])
