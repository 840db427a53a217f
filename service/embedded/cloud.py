"""Runs the whole system in one process: moto holds the resources, and this module runs the services between them."""

import json
import logging
import os
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from service.embedded.endpoint import AwsEndpoint
from service.embedded.event_source import EventSource
from service.embedded.functions import LambdaHook
from service.embedded.isolation import FAKE_CREDENTIAL, isolate
from service.embedded.log_group import log_to_group
from service.embedded.moto_patches import patch_moto
from service.embedded.moto_speedups import infrequent_gc, speed_up_moto
from service.embedded.schedule import Schedule
from service.embedded.warehouse import create_warehouse
from service.handler import dispatch
from service.provisioning.deployment import Deployment
from service.provisioning.function import BATCH_SIZE
from service.provisioning.names import Names
from service.provisioning.provision import provision
from service.provisioning.schedule import RECONCILE_EVENT
from service.settings import EMBEDDED_DEFAULTS, PREFIX, Settings
from service.wiring import LiveSystem

log = logging.getLogger(__name__)


def embedded_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the embedded cloud: its defaults, the names of its resources, and the user's variables.

    Raises:
        SettingsError: a variable of the user is wrong.
    """
    given = {name: value for name, value in (os.environ if environ is None else environ).items() if value}
    defaults = {**EMBEDDED_DEFAULTS, **{name: value for name, value in given.items() if name.startswith(PREFIX)}}
    names = Names(defaults.get("DOFS_ENVIRONMENT", "dev"), DEFAULT_ACCOUNT_ID, defaults["DOFS_REGION"])
    queues = f"https://sqs.{names.region}.amazonaws.com/{names.account}"
    resource_names = {
        "DOFS_ORDERS_TABLE": names.orders_table,
        "DOFS_FAILED_ORDERS_TABLE": names.failed_orders_table,
        "DOFS_QUEUE_URL": f"{queues}/{names.queue}",
        "DOFS_DEAD_LETTER_QUEUE_URL": f"{queues}/{names.dead_letter_queue}",
        "DOFS_STATE_MACHINE_ARN": names.state_machine_arn,
    }
    return Settings.load({**defaults, **resource_names})


class EmbeddedCloud:
    """Runs from ``start`` to ``stop``. A process can have one.

    Args:
        settings: its settings. With ``embedded_warehouse="http"`` it has a warehouse, and ``self.settings`` name that.

    Raises:
        SettingsError: the settings of the warehouse are wrong.
        SystemExit: an option of the warehouse is wrong, or its port is taken.
    """

    def __init__(self, settings: Settings) -> None:
        self.warehouse = None
        if settings.embedded_warehouse == "http":
            self.warehouse, settings = create_warehouse(settings)
        self.settings = settings
        self.names = Names(settings.environment, DEFAULT_ACCOUNT_ID, settings.region)
        self.system = LiveSystem(settings)
        self._clients: dict[str, Any] = {}
        self._running = ExitStack()

    def start(self) -> None:
        """Create the resources, and start the AWS endpoint, the event source mapping and the schedule.

        Raises:
            PortTaken: the AWS endpoint's port is in use.
            WouldReachAws: the environment directs AWS calls to another machine.
        """
        with ExitStack() as starting:
            if self.warehouse:
                starting.enter_context(self.warehouse)
            starting.enter_context(isolate(self.settings.region))
            starting.enter_context(mock_aws(config={"stepfunctions": {"execute_state_machine": True}}))
            starting.enter_context(patch_moto(self.settings.embedded_executions_kept))
            starting.enter_context(speed_up_moto())
            starting.enter_context(log_to_group(self.names))
            hook = LambdaHook(self.names.function, lambda event, context: dispatch(event, context, self.system))
            hook.install()
            starting.callback(hook.remove)
            provision(Deployment(self.client, self.names, self.settings))
            self.endpoint = AwsEndpoint(self.settings.embedded_aws_port)
            functions = self.client("lambda")

            def invoke(event: Any) -> tuple[bytes, bool]:
                answer = functions.invoke(FunctionName=self.names.alias_arn, Payload=json.dumps(event))
                return answer["Payload"].read(), "FunctionError" in answer

            source = EventSource(
                self.client("sqs"),
                self.settings.queue_url,
                self.names.queue_arn(self.names.queue),
                BATCH_SIZE,
                invoke,
            )
            schedule = Schedule(self.settings.embedded_reconcile_every, lambda: invoke(RECONCILE_EVENT))
            for part in (self.endpoint, source, schedule):
                part.start()
                starting.callback(part.stop)
            starting.enter_context(infrequent_gc())
            self._running = starting.pop_all()

    def stop(self) -> None:
        """Stop everything and delete all data."""
        self._running.close()

    def client(self, service: Any) -> Any:
        """Return a boto3 client of this cloud."""
        if service not in self._clients:
            config = Config(retries={"total_max_attempts": 1})
            self._clients[service] = _session().client(service, region_name=self.settings.region, config=config)
        return self._clients[service]


@cache
def _session() -> Any:
    """Create the session that all clouds of a process share, as it caches the service models."""
    return boto3.session.Session(aws_access_key_id=FAKE_CREDENTIAL, aws_secret_access_key=FAKE_CREDENTIAL)
