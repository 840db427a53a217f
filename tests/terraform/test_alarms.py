"""The alarms that Terraform applied go off when they should, notify the topic, and return to OK.

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
from service.fulfillers.simulated import succeeds
from service.orders.identity import order_id_for
from service.orders.submission import new_order
from tests.compose.faults import schedule_stopped
from tests.compose.mailbox import Mailbox, Notification, subscribed
from tests.support import valid_order
from tests.system import depth_becomes, ended, key_for, oracle, settled, submit_until_accepted, until, url
from tests.terraform.alarms import described, metrics_of, name_of, quickened
from tests.terraform.collector import Collector
from tests.terraform.measured import Measured
from tests.terraform.root import Deployed
from tests.terraform.watched import Watched, by, math_alarms, simple_alarms

pytestmark = [pytest.mark.anyio, pytest.mark.docker]


PATIENCE = 600  # seconds; only a failing test waits so long


@pytest.fixture(scope="module")
def empty_dead_letter_queue(deployed: Deployed) -> None:
    """Messages of other tests would keep the alarm of the dead-letter queue on."""
    deployed.client("sqs").purge_queue(QueueUrl=url(deployed, deployed.names.dead_letter_queue))


@pytest.fixture
def mailbox(deployed: Deployed) -> Iterator[Mailbox]:
    """One for each test: an alarm that is restored evaluates minutes again, which are those of the test before."""
    with subscribed(deployed) as found:
        yield found


@pytest.fixture(scope="module")
def collector(deployed: Deployed) -> Collector:
    return Collector(deployed.stack)


def publish(system: Deployed, metric: Watched, values: Sequence[float]) -> None:
    if values:
        dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
        data = {"MetricName": metric.name, "Dimensions": dimensions, "Values": list(values)}
        system.client("cloudwatch").put_metric_data(Namespace=metric.namespace, MetricData=[data])


async def notified(system: Deployed, mailbox: Mailbox, meanwhile: Callable[[], object], states: dict[str, str]) -> None:
    """Wait until each alarm has notified the topic of a state, unless it is in that state already.

    Args:
        system: the system of the alarms.
        mailbox: the notifications.
        meanwhile: called again and again while waiting.
        states: the states by the alarms' keys.
    """
    wanted = {name_of(system, key): state for key, state in states.items()}
    before = await asyncio.to_thread(mailbox.states)
    reached = {name for name, state in wanted.items() if before.get(name) == state}
    seen = set(mailbox.arrived())

    async def read() -> set[str]:
        await asyncio.to_thread(meanwhile)
        arrived = await asyncio.to_thread(mailbox.arrived)
        new = [each for each in arrived if each not in seen]
        return wanted.keys() - reached - {each.alarm for each in new if wanted.get(each.alarm) == each.state}

    await until(read, lambda missing: not missing, PATIENCE)


def test_each_alarm_watches_the_very_metrics_that_are_published(deployed):
    # LocalStack would find a metric by some of its dimensions, AWS would not.
    simple = {key: {watched[:3]} for key, watched in simple_alarms(deployed.names).items()}
    wanted = {name_of(deployed, key): metrics for key, metrics in (simple | math_alarms(deployed.names)).items()}
    assert {name: metrics_of(alarm) for name, alarm in described(deployed).items()} == wanted


@pytest.mark.usefixtures("ending")
async def test_each_alarm_goes_off_by_its_metric_and_returns_to_ok(deployed, mailbox):
    watched = simple_alarms(deployed.names)
    del watched["dlq-depth"]  # LocalStack publishes its metric; the last test has its messages

    def publish_all(which: str) -> None:
        for metric in watched.values():
            publish(deployed, metric, getattr(metric, which))

    with quickened(deployed, *watched):
        await notified(deployed, mailbox, lambda: publish_all("bad"), dict.fromkeys(watched, "ALARM"))
        await notified(deployed, mailbox, lambda: publish_all("good"), dict.fromkeys(watched, "OK"))
        arrived = mailbox.arrived()
    for key in watched:
        check_notifications(deployed, key, arrived)


def check_notifications(system: Deployed, key: str, arrived: Sequence[Notification]) -> None:
    """Check that an alarm went off, named its place in the runbook, returned to OK, and repeated no notification."""
    states = [each.state for each in arrived if each.alarm == name_of(system, key)]
    assert "ALARM" in states
    assert states[-1] == "OK"
    assert [
        states[index : index + 2] for index in range(len(states) - 1) if len({*states[index : index + 2]}) == 1
    ] == []
    described = {each.description for each in arrived if each.alarm == name_of(system, key)}
    assert all(each.endswith(f"Runbook: docs/runbook.md#{key}") for each in described), described


class Ending(NamedTuple):
    """Orders that are failing, and the metrics of all orders."""

    failing: list[str]
    measured: Measured


@pytest.fixture(scope="module")
async def ending(deployed: Deployed, collector: Collector, empty_dead_letter_queue: None) -> Ending:
    """Twenty good orders, and three that fail.

    The three take four visibility timeouts until they are in the dead-letter queue. They are submitted before the first
    test, and the last one waits for them.
    """
    measured = Measured(deployed, collector)
    settings = deployed.settings
    good = [key_for(settings, ("FULFILLED", 1), uuid.uuid4().hex) for _ in range(20)]
    bad = [await asyncio.to_thread(key_of_an_order_that_takes_two_epochs, deployed) for _ in range(3)]
    async with deployed.api() as api:
        for key in good:
            await submit_until_accepted(api, key)
        await measured.become("success-rate", fulfilled=20, failed=0)
        assert not measured.pages("success-rate")
        return Ending([await submit_until_accepted(api, key) for key in bad], measured)


def key_of_an_order_that_takes_two_epochs(system: Deployed) -> str:
    """A key whose order fails for good, and is fulfilled at once when it is redriven."""
    settings = system.settings
    for number in range(100_000):
        key = f"{uuid.uuid4().hex}-{number}"
        order_id = order_id_for("anonymous", key, str)
        if oracle(settings, order_id)[0] == "FAILED" and succeeds(
            settings.fulfillment_seed, settings.fulfillment_success_rate, order_id, 1, 1
        ):
            return key
    raise AssertionError("no order is like that")


def stuck_order(system: Deployed) -> str:
    """An order that was received an hour ago, and whose execution was never started."""
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


async def test_a_silent_reconciler_sets_off_an_alarm_and_so_do_its_interventions_afterwards(
    deployed, mailbox, collector, ending
):
    def run_schedule() -> None:
        """Do what EventBridge does each minute: invoke the targets of the rule if it is enabled."""
        events, invoke = deployed.client("events"), deployed.client("lambda").invoke
        if events.describe_rule(Name=deployed.names.rule)["State"] == "ENABLED":
            for target in events.list_targets_by_rule(Rule=deployed.names.rule)["Targets"]:
                assert "FunctionError" not in invoke(FunctionName=target["Arn"], Payload=target["Input"])
        collector.collect()

    silent, interventions = "reconciler-silent", "reconciler-interventions"
    async with deployed.api() as api:
        with quickened(deployed, silent, interventions):
            await notified(deployed, mailbox, run_schedule, {silent: "OK", interventions: "OK"})
            with schedule_stopped(deployed):
                order_id = await asyncio.to_thread(stuck_order, deployed)
                await notified(deployed, mailbox, run_schedule, {silent: "ALARM", interventions: "OK"})
                assert (await api.get(f"/orders/{order_id}")).json()["status"] == "RECEIVED"
            await notified(deployed, mailbox, run_schedule, {silent: "OK", interventions: "ALARM"})
            assert (await settled(api, order_id, PATIENCE))["status"] == "FULFILLED"
            await notified(deployed, mailbox, run_schedule, {silent: "OK", interventions: "OK"})


async def test_errors_set_off_alarms_and_invalid_orders_do_not(deployed, collector, ending):
    measured = Measured(deployed, collector)
    invalid, order_ids = {**valid_order(), "items": []}, []
    async with deployed.api() as api:
        for _ in range(3):
            answer = await api.post("/order", json=invalid, headers={"Prefer": "handling=lenient"})
            assert answer.status_code == 202, answer.text
            order_ids.append(answer.json()["order_id"])
    await measured.become("lambda-errors", errors=3, rejected=3)
    assert not measured.pages("lambda-errors")

    # Of an execution that failed AWS publishes a 1, and LocalStack nothing.
    ends = [(await ended(deployed, order_id, PATIENCE))["status"] for order_id in order_ids]
    executions_failed = Watched(
        "AWS/States", "ExecutionsFailed", by(StateMachineArn=deployed.names.state_machine_arn), (1, 1), ()
    )
    publish(deployed, executions_failed, [1 for end in ends if end == "FAILED"])
    await measured.become("workflow-failures", failed=3, rejected=3)
    assert not measured.pages("workflow-failures")

    for _ in range(3):
        answer = deployed.client("lambda").invoke(FunctionName=deployed.names.alias_arn, Payload=b'{"who": "knows"}')
        assert answer["FunctionError"], "an unknown event is an error"
    await measured.become("lambda-errors", errors=6, rejected=3)
    assert measured.pages("lambda-errors")
    publish(deployed, executions_failed, executions_failed.bad)
    assert measured.pages("workflow-failures")


async def test_failed_orders_set_off_alarms_until_they_are_redriven(deployed, mailbox, collector, ending):
    async with deployed.api() as api:
        for order_id in ending.failing:
            assert (await settled(api, order_id, PATIENCE))["status"] == "FAILED"
        await ending.measured.become("success-rate", failed=len(ending.failing))
        assert ending.measured.pages("success-rate")
        await depth_becomes(deployed, deployed.names.dead_letter_queue, 3, PATIENCE)
        seen = set(mailbox.arrived())
        with quickened(deployed, "dlq-depth"):
            await notified(deployed, mailbox, collector.collect, {"dlq-depth": "ALARM"})
            for order_id in ending.failing:
                answer = await api.post(f"/failed-orders/{order_id}/redrive", json={"note": "the warehouse is open"})
                assert answer.status_code == 200, answer.text
                assert (await settled(api, order_id, PATIENCE))["status"] == "FULFILLED"
            await notified(deployed, mailbox, collector.collect, {"dlq-depth": "OK"})
            check_notifications(deployed, "dlq-depth", [each for each in mailbox.arrived() if each not in seen])
