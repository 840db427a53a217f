"""Connects ports to adapters. Each adapter is created on first use, so that an event loads only the ones it needs."""

import logging
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from service.orders.policy import Policy
from service.orders.ports import BrakeStore, DeadLetterQueue, Fulfiller, FulfillmentQueue, Metrics, OrderStore, Workflow
from service.orders.timestamps import to_the_millisecond
from service.settings import Settings

if TYPE_CHECKING:
    from service.aws.clients import Clients
    from service.warehouses.signer import Signer

log = logging.getLogger(__name__)


class LiveSystem:
    """The ports on AWS, or on the emulator of the settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def get_ready(self) -> None:
        """Create the adapters that every event needs, before the first event."""
        _ = self.metrics, self.store, self._clients.dynamodb

    @cached_property
    def policy(self) -> Policy:
        return self.settings.policy

    @cached_property
    def store(self) -> OrderStore:
        from service.aws.store import DynamoDbOrderStore

        return DynamoDbOrderStore(self._clients, self.settings, self.metrics)

    @cached_property
    def queue(self) -> FulfillmentQueue:
        from service.aws.queue import SqsFulfillmentQueue

        return SqsFulfillmentQueue(self._clients, self.settings.queue_url)

    @cached_property
    def dead_letters(self) -> DeadLetterQueue:
        from service.aws.queue import SqsDeadLetterQueue

        return SqsDeadLetterQueue(self._clients, self.settings.dead_letter_queue_url)

    @cached_property
    def workflow(self) -> Workflow:
        from service.aws.workflow import StepFunctionsWorkflow

        return StepFunctionsWorkflow(self._clients, self.settings.state_machine_arn)

    @cached_property
    def fulfiller(self) -> Fulfiller:
        if self.settings.warehouse_url:
            from service.warehouses.http import HttpWarehouse

            return HttpWarehouse(self.settings.warehouse_url, self._signer, self.now)
        from service.warehouses.simulated import SimulatedWarehouse

        return SimulatedWarehouse(
            self.settings.fulfillment_success_rate, self.settings.fulfillment_seed, self.settings.fulfillment_latency
        )

    @cached_property
    def brake(self) -> BrakeStore:
        if not self.settings.warehouse_url:
            from service.orders.brake import NoBrake

            return NoBrake()
        from service.aws.brake import DynamoDbBrake

        return DynamoDbBrake(self._clients, self.settings.orders_table)

    @cached_property
    def metrics(self) -> Metrics:
        from service.aws.metrics import EmbeddedMetricFormat

        collected = self.settings.cloud != "embedded"
        write = sys.stdout.write if collected else log.debug
        return EmbeddedMetricFormat(self.settings.metrics_namespace, self.settings.environment, self.now, write)

    @cached_property
    def cursor_key(self) -> bytes:
        from service.aws.cursor_key import read_or_create

        return read_or_create(self._clients, self.settings.orders_table)

    def is_from_warehouse(self, headers: Mapping[str, str], body: bytes) -> bool:
        if not self.settings.warehouse_url:
            return False
        return self._signer.verifies(headers, body, self.policy.cancel_seconds)

    @cached_property
    def _signer(self) -> "Signer":
        from service.warehouses.signer import Signer

        return Signer(self._read_warehouse_secret, self.now)

    def _read_warehouse_secret(self) -> str:
        if not self.settings.warehouse_secret_is_stored:
            return self.settings.warehouse_secret
        from service.aws.secret import read_secret_text

        return read_secret_text(self._clients, self.settings.warehouse_secret)

    @property
    def now(self) -> Callable[[], datetime]:
        return lambda: to_the_millisecond(datetime.now(UTC))

    @property
    def new_id(self) -> Callable[[], str]:
        return lambda: os.urandom(16).hex()

    @cached_property
    def _clients(self) -> "Clients":
        from service.aws.clients import Clients

        return Clients(self.settings)
