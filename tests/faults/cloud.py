"""The AWS resources in moto, on the scheduler's clock; the warehouse; and the system that the function runs with."""

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any
from unittest.mock import patch

import boto3
import moto.sqs.models as sqs_models
from boto3.dynamodb.types import TypeDeserializer
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.parsing.validators import (
    ExecuteOperations,
    ExpressionAttributeResolvingProcessor,
    ExpressionAttributeValueProcessor,
    UpdateExpressionFunctionEvaluator,
    UpdateExpressionValidator,
)
from moto.sqs.models import sqs_backends
from moto.stepfunctions.models import stepfunctions_backends

from service.aws.brake import KEY as BRAKE
from service.aws.brake import DynamoDbBrake
from service.aws.clients import Clients
from service.embedded import moto_speedups
from service.provisioning.deployment import Deployment
from service.provisioning.names import Names
from service.provisioning.queues import create_queues
from service.provisioning.tables import create_tables
from service.provisioning.workflow import workflow_definition
from service.steps import rounds
from service.wiring import LiveSystem
from tests.faults.fault_injector import FaultInjector
from tests.faults.scheduler import Scheduler
from tests.faults.warehouse import FaultyWarehouse
from tests.support import SETTINGS as PINNED_SETTINGS
from tests.support import ManualClock, counting_ids

REGION = "ap-south-1"
NAMES = Names("faults", ACCOUNT, REGION)
QUEUES = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
SETTINGS = dataclasses.replace(
    PINNED_SETTINGS,
    orders_table=NAMES.orders_table,
    failed_orders_table=NAMES.failed_orders_table,
    queue_url=f"{QUEUES}/{NAMES.queue}",
    dead_letter_queue_url=f"{QUEUES}/{NAMES.dead_letter_queue}",
    state_machine_arn=NAMES.state_machine_arn,
    cloud="embedded",  # no metrics
    region=REGION,
    environment=NAMES.environment,
    # The times of production divided by 7.5: a message is received three times before the reconciler acts.
    function_timeout=4,
    visibility_timeout=24,
    retry_delay=20,
    restart_after=16,
    recover_after=54,
    resend_after=120,
    backoff_ceiling=480,
    deadline_margin=1,
    status_shards=1,  # one query at a time, so that the calls have the same order in every run
)


class FaultySystem(LiveSystem):
    """The system on AWS, with a clock and ids of its own, and with clients whose calls can fail."""

    def __init__(self, clock: ManualClock, injector: FaultInjector) -> None:
        super().__init__(SETTINGS)
        self.ids = counting_ids()
        self._clock = clock
        self._injector = injector

    @property
    def now(self) -> Callable[[], datetime]:
        return self._clock

    @property
    def new_id(self) -> Callable[[], str]:
        return self.ids

    @cached_property
    def fulfiller(self) -> FaultyWarehouse:
        return FaultyWarehouse(self._injector, self._clock, SETTINGS)

    @cached_property
    def brake(self) -> DynamoDbBrake:
        return DynamoDbBrake(self.clients, SETTINGS.orders_table)

    @cached_property
    def clients(self) -> Clients:
        clients = Clients(SETTINGS)
        for client in (clients.dynamodb, clients.sqs, clients.stepfunctions):
            self._injector.attach(client)
        return clients

    @property
    def _clients(self) -> Clients:  # type: ignore[override]
        return self.clients


class Cloud:
    """The tables, the queues and the state machine. Tests read them in moto, not through the injector."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.scheduler = Scheduler(self.clock)
        self.injector = FaultInjector(self.scheduler.call_later)
        self.system = FaultySystem(self.clock, self.injector)
        deployment = Deployment(self._client, NAMES, SETTINGS)
        create_tables(deployment)
        create_queues(deployment)
        self._client("stepfunctions").create_state_machine(
            name=NAMES.state_machine,
            definition=workflow_definition(NAMES.alias_arn, SETTINGS.queue_url),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/{NAMES.workflow_role}",
        )
        self._tables = dynamodb_backends[ACCOUNT][REGION].tables
        self.queue = sqs_backends[ACCOUNT][REGION].queues[NAMES.queue]
        self.dead_letter_queue = sqs_backends[ACCOUNT][REGION].queues[NAMES.dead_letter_queue]
        machines = stepfunctions_backends[ACCOUNT][REGION]
        self.executions: list[Any] = machines.describe_state_machine(NAMES.state_machine_arn).executions

    def clear(self) -> None:
        """Empty all resources. To create them again for each case would take much longer."""
        self.scheduler.clear()
        self.system.ids = counting_ids()
        self.system.fulfiller.clear()
        self.executions.clear()
        for table in (SETTINGS.orders_table, SETTINGS.failed_orders_table):
            self._tables[table].items.clear()
        for queue in (self.queue, self.dead_letter_queue):
            queue._messages.clear()
            queue.pending_messages.clear()
            queue.deleted_messages.clear()

    def statuses(self) -> dict[str, str]:
        """The status of each order now."""
        items = self._tables[SETTINGS.orders_table].items
        return {key.value: item.attrs["status"].value for key, item in items.items() if key.value != BRAKE}

    def failed_orders(self) -> set[str]:
        """The ids of the failed orders now."""
        return {order_id.value for order_id in self._tables[SETTINGS.failed_orders_table].items}

    def is_braked(self) -> bool:
        """Whether the brake is on now."""
        brake = self._tables[SETTINGS.orders_table].items.get(DynamoType({"S": BRAKE}))
        return brake is not None and "since" in brake.attrs

    def has_visible_messages(self) -> bool:
        """Whether a receive would find a message, if only to move it to the dead-letter queue."""
        return any(message.visible for message in self.queue._messages)

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """All items of a table, by order id, read from moto's own objects for speed."""
        read = TypeDeserializer().deserialize
        items = [item.attrs for item in self._tables[table].items.values()]
        plain = [{name: read(value.to_regular_json()) for name, value in item.items()} for item in items]
        return {item["order_id"]: item for item in plain if item["order_id"] != BRAKE}

    def _client(self, service: Any) -> Any:
        return boto3.client(service, region_name=REGION)


class NoThreads:
    """Replaces the thread pool of the reconciler: a task is done when it is submitted, so calls have one order."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, run: Callable[..., Any], *args: Any) -> Future[Any]:
        done = Future[Any]()
        try:
            done.set_result(run(*args))
        except BaseException as error:
            done.set_exception(error)
        return done

    def shutdown(self, **_: Any) -> None:
        pass


@contextmanager
def running_cloud() -> Iterator[Cloud]:
    """A cloud in moto whose queues use the scheduler's clock, with a botocore that retries at once and without a quota.

    The quota belongs to a process, and all cases run in one process.
    """
    with mock_aws(), ExitStack() as patches:

        def replace(owner: Any, name: str, by: Any) -> None:
            patches.enter_context(patch.object(owner, name, by))

        cloud: Cloud | None = None

        def milliseconds() -> float:
            return (cloud.clock if cloud else ManualClock())().timestamp() * 1000

        replace(rounds, "ThreadPoolExecutor", NoThreads)
        replace(moto_speedups, "_milliseconds", milliseconds)
        patches.enter_context(moto_speedups.speed_up_moto())
        replace(sqs_models, "unix_time", lambda: milliseconds() / 1000)
        replace(DynamoType, "size", lambda self: 0)  # moto computes the size of the whole item for each attribute
        replace(UpdateExpressionValidator, "get_ast_processors", _resolvers)
        replace(ExponentialBackoff, "delay_amount", lambda self, context: 0)
        replace(RetryQuota, "acquire", lambda self, amount: True)
        cloud = Cloud()
        patches.enter_context(moto_speedups.infrequent_gc())
        yield cloud


def _resolvers(validator: UpdateExpressionValidator) -> list[Any]:
    """The processors that an update needs, without the six that validate it: other tests run those."""
    return [
        ExpressionAttributeValueProcessor(validator.expression_attribute_values),
        ExpressionAttributeResolvingProcessor(validator.expression_attribute_names, validator.item),
        UpdateExpressionFunctionEvaluator(),
        ExecuteOperations(),
    ]
