"""The alarms that Terraform applied go off when they should, tell the topic, and come back.

LocalStack evaluates those on one metric, on whatever was published. It publishes little by itself: how deep queues are,
and a function's errors. The rest is published here: what AWS would publish, by the test, and what the service measures,
by a collector that takes it out of the function's log. Those on metric math LocalStack leaves alone; their expressions
are read back, and evaluated on what was measured.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from service.aws.clients import Clients
from service.aws.store import DynamoDbOrderStore
from service.fulfillers.simulated import succeeds
from service.orders.identity import order_id_for
from service.orders.submission import new_order
from tests.compose.mailbox import Mailbox, subscribed
from tests.support import valid_order
from tests.system import depth_becomes, ended, key_for, oracle, settled, until, url
from tests.terraform.alarms import described, metrics_of, name_of, quickened
from tests.terraform.collector import Collector
from tests.terraform.measured import Measured
from tests.terraform.root import Deployed
from tests.terraform.watched import Watched, by, math_alarms, simple_alarms

pytestmark = [pytest.mark.anyio, pytest.mark.docker]


@pytest.fixture(scope="module", autouse=True)
def no_letters_of_others(deployed: Deployed) -> None:
    """What other tests have left in the dead-letter queue would keep its alarm on."""
    deployed.client("sqs").purge_queue(QueueUrl=url(deployed, deployed.names.dead_letter_queue))


@pytest.fixture
def mailbox(deployed: Deployed) -> Iterator[Mailbox]:
    """One for each test: an alarm that is put back looks at minutes again, and tells of what a test did before."""
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


async def told(
    system: Deployed, mailbox: Mailbox, meanwhile: Callable[[], object], deadline: float = 90, **states: str
) -> None:
    """Wait until the topic has been told that alarms are in these states now."""
    wanted = {name_of(system, key.replace("_", "-")): state for key, state in states.items()}

    async def read() -> dict[str, str]:
        await asyncio.to_thread(meanwhile)
        found = await asyncio.to_thread(mailbox.states)
        return {name: found.get(name, "nothing") for name in wanted}

    await until(read, lambda found: found == wanted, deadline)


def test_each_alarm_watches_the_very_metrics_that_are_published(deployed):
    # LocalStack would find a metric by some of its dimensions, AWS would not.
    simple = {key: {watched[:3]} for key, watched in simple_alarms(deployed.names).items()}
    wanted = {name_of(deployed, key): metrics for key, metrics in (simple | math_alarms(deployed.names)).items()}
    assert {name: metrics_of(alarm) for name, alarm in described(deployed).items()} == wanted


async def test_each_alarm_goes_off_by_its_metric_and_comes_back(deployed, mailbox):
    watched = simple_alarms(deployed.names)

    def publish_all(which: str) -> None:
        for metric in watched.values():
            publish(deployed, metric, getattr(metric, which))

    with quickened(deployed, *watched):
        await told(deployed, mailbox, lambda: publish_all("bad"), **dict.fromkeys(watched, "ALARM"))
        await told(deployed, mailbox, lambda: publish_all("good"), **dict.fromkeys(watched, "OK"))
        arrived = mailbox.arrived()
    for key in watched:
        heard = [each for each in arrived if each.alarm == name_of(deployed, key)]
        alarmed = [each.state for each in heard].index("ALARM")
        assert [each.state for each in heard[alarmed:]] == ["ALARM", "OK"], "nobody is told the same twice"
        assert heard[alarmed].description.endswith(f"Runbook: docs/runbook.md#{key}")


class Ending(NamedTuple):
    """Orders that are failing, beside others, and what is measured of all."""

    failing: list[str]
    measured: Measured


@pytest.fixture(scope="module")
async def ending(deployed: Deployed, collector: Collector) -> Ending:
    """Twenty good orders, and three that fail.

    The three take two minutes until they are dead letters, as their queue's visibility timeout will have it; tests that
    have no need to wait for it come first.
    """
    measured = Measured(deployed, collector)
    settings = deployed.settings
    good = [key_for(settings, ("FULFILLED", 1), uuid.uuid4().hex) for _ in range(20)]
    bad = [await asyncio.to_thread(key_of_an_order_that_takes_two_epochs, deployed) for _ in range(3)]
    async with deployed.api() as api:

        async def submit(key: str) -> str:
            answer = await api.post("/order", json=valid_order(), headers={"Idempotency-Key": key})
            assert answer.status_code == 202, answer.text
            order_id: str = answer.json()["order_id"]
            return order_id

        for key in good:
            await submit(key)
        await measured.become("success-rate", fulfilled=20, failed=0)
        assert not measured.pages("success-rate")
        return Ending([await submit(key) for key in bad], measured)


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


@contextmanager
def schedule_stopped(system: Deployed) -> Iterator[None]:
    """Disable the reconciler's rule. LocalStack fires it still, so its target is taken away as well."""
    events, rule = system.client("events"), system.names.rule
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.disable_rule(Name=rule)
    events.remove_targets(Rule=rule, Ids=[each["Id"] for each in targets])
    try:
        yield
    finally:
        events.put_targets(Rule=rule, Targets=targets)
        events.enable_rule(Name=rule)


def stuck_order(system: Deployed) -> str:
    """An order that was received an hour ago, and whose workflow nobody started."""
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


async def test_a_silent_reconciler_is_noticed_and_what_it_finds_to_do_then_as_well(
    deployed, mailbox, collector, ending
):
    def a_minute() -> None:
        """What EventBridge does each minute, which is a second or so here: run a rule that is enabled."""
        events, invoke = deployed.client("events"), deployed.client("lambda").invoke
        if events.describe_rule(Name=deployed.names.rule)["State"] == "ENABLED":
            for target in events.list_targets_by_rule(Rule=deployed.names.rule)["Targets"]:
                assert "FunctionError" not in invoke(FunctionName=target["Arn"], Payload=target["Input"])
        collector.collect()

    async with deployed.api() as api:
        with quickened(deployed, "reconciler-silent", "reconciler-interventions"):
            await told(deployed, mailbox, a_minute, reconciler_silent="OK", reconciler_interventions="OK")
            with schedule_stopped(deployed):
                order_id = await asyncio.to_thread(stuck_order, deployed)
                await told(deployed, mailbox, a_minute, reconciler_silent="ALARM", reconciler_interventions="OK")
                assert (await api.get(f"/orders/{order_id}")).json()["status"] == "RECEIVED"
            await told(deployed, mailbox, a_minute, reconciler_silent="OK", reconciler_interventions="ALARM")
            assert (await settled(api, order_id, 60))["status"] == "FULFILLED"
            await told(deployed, mailbox, a_minute, reconciler_silent="OK", reconciler_interventions="OK")


async def test_invalid_orders_page_nobody_and_errors_do(deployed, collector, ending):
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
    ends = [(await ended(deployed, order_id))["status"] for order_id in order_ids]
    executions_failed = Watched(
        "AWS/States", "ExecutionsFailed", by(StateMachineArn=deployed.names.state_machine_arn), (1, 1), ()
    )
    publish(deployed, executions_failed, [1 for end in ends if end == "FAILED"])
    await measured.become("workflow-failures", failed=3, rejected=3)
    assert not measured.pages("workflow-failures")

    for _ in range(3):
        answer = deployed.client("lambda").invoke(FunctionName=deployed.names.alias_arn, Payload=b'{"who": "knows"}')
        assert answer["FunctionError"], "nobody knows this event"
    await measured.become("lambda-errors", errors=6, rejected=3)
    assert measured.pages("lambda-errors")
    publish(deployed, executions_failed, executions_failed.bad)
    assert measured.pages("workflow-failures")


async def test_orders_that_fail_for_good_are_noticed_until_they_are_redriven(deployed, mailbox, collector, ending):
    async with deployed.api() as api:
        for order_id in ending.failing:
            assert (await settled(api, order_id, 180))["status"] == "FAILED"
        await ending.measured.become("success-rate", failed=len(ending.failing))
        assert ending.measured.pages("success-rate")
        await depth_becomes(deployed, deployed.names.dead_letter_queue, 3, 180)
        with quickened(deployed, "dlq-depth"):
            await told(deployed, mailbox, collector.collect, dlq_depth="ALARM")
            for order_id in ending.failing:
                answer = await api.post(f"/failed-orders/{order_id}/redrive", json={"note": "the warehouse is open"})
                assert answer.status_code == 200, answer.text
                assert (await settled(api, order_id, 60))["status"] == "FULFILLED"
            await told(deployed, mailbox, collector.collect, dlq_depth="OK")


def test_all_is_as_terraform_left_it(deployed):
    assert deployed.root.changes() == ""
