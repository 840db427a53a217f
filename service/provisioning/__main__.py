"""``python -m service.provisioning``: creates the resources in an emulator, and invokes the function once.

Docker Compose runs it as the ``deploy`` service. It reads the function's settings, and can be run repeatedly.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.aws.clients import EMULATOR_CREDENTIAL
from service.provisioning.deployment import Deployment
from service.provisioning.monitoring import create_monitoring
from service.provisioning.names import Names
from service.provisioning.provision import provision
from service.provisioning.rest_api import create_rest_api
from service.provisioning.schedule import RECONCILE_EVENT
from service.settings import Settings, SettingsError

DEPLOYED = """
DOFS is deployed.

  API, behind API Gateway    http://{api_id}.execute-api.localhost:{port}/{stage}/order
  API, on its own server     http://127.0.0.1:{server_port}/docs
  Console                    http://127.0.0.1:{server_port}/console
  AWS endpoint               http://127.0.0.1:{port}   (region {region}, any credentials)
"""

TRIES, PAUSE = 10, 1.0  # seconds between two attempts


def main(arguments: Sequence[str] | None = None) -> None:
    """Deploy to the emulator of the settings.

    Raises:
        SystemExit: the deployment failed; the message names the cause.
    """
    parser = argparse.ArgumentParser(
        prog="python -m service.provisioning",
        description="Create all resources in the emulator of DOFS_*.",
    )
    parser.add_argument("--port", default="4566", help="port of the emulator on this machine")
    parser.add_argument("--server-port", default="8000", help="port of the API server on this machine")
    ports = parser.parse_args(arguments)
    try:
        deployment = emulator_deployment(Settings.load())
    except SettingsError as error:
        raise SystemExit(f"DOFS cannot be deployed:\n{error}") from None
    try:
        provision(deployment)
        api_id = create_rest_api(deployment)
        create_monitoring(deployment)
        check_function(deployment)
    except BotoCoreError as error:
        raise SystemExit(f"DOFS is not deployed: {error}; is the emulator running?") from None
    except ClientError as error:
        raise SystemExit(f"DOFS is not deployed, the emulator refused a part of it: {error}") from None
    names = deployment.names
    sys.stdout.write(DEPLOYED.format(api_id=api_id, stage=names.environment, region=names.region, **vars(ports)))


def emulator_deployment(settings: Settings) -> Deployment:
    """Return the deployment of the settings.

    Raises:
        SettingsError: the settings are not for LocalStack, or name other resources than a deployment creates.
    """
    if settings.cloud != "localstack":
        raise SettingsError("DOFS_CLOUD must be localstack: the other clouds are not deployed from here")
    _, _, _, region, account, *_ = f"{settings.state_machine_arn}::::".split(":")
    names = Names(settings.environment, account, region)
    expected = {
        "DOFS_REGION": (settings.region, names.region),
        "DOFS_ORDERS_TABLE": (settings.orders_table, names.orders_table),
        "DOFS_FAILED_ORDERS_TABLE": (settings.failed_orders_table, names.failed_orders_table),
        "DOFS_QUEUE_URL": (settings.queue_url.rsplit("/", 1)[-1], names.queue),
        "DOFS_DEAD_LETTER_QUEUE_URL": (settings.dead_letter_queue_url.rsplit("/", 1)[-1], names.dead_letter_queue),
        "DOFS_STATE_MACHINE_ARN": (settings.state_machine_arn, names.state_machine_arn),
    }
    wrong = [f"{name} must name {there}, not {here}" for name, (here, there) in expected.items() if here != there]
    if wrong:
        raise SettingsError("\n".join(wrong))
    return Deployment(_clients(settings), names, settings)


def _clients(settings: Settings) -> Callable[[Any], Any]:
    @cache
    def client(service: Any) -> Any:
        config = Config(retries={"mode": "standard", "total_max_attempts": 5}, read_timeout=120)
        return boto3.client(
            service,
            region_name=settings.region,
            endpoint_url=settings.aws_endpoint_url,
            aws_access_key_id=EMULATOR_CREDENTIAL,
            aws_secret_access_key=EMULATOR_CREDENTIAL,
            config=config,
        )

    return client


def check_function(deployment: Deployment) -> None:
    """Invoke the function once. The call is repeated only while a container starts its runtime.

    Raises:
        SystemExit: the function fails; the message is the function's.
    """
    for tried in range(1, TRIES + 1):
        answer = deployment.client("lambda").invoke(
            FunctionName=deployment.names.alias_arn, Payload=json.dumps(RECONCILE_EVENT)
        )
        if "FunctionError" not in answer:
            return
        error = answer["Payload"].read().decode()
        if "Sandbox.Failure" not in error or tried == TRIES:
            raise SystemExit(f"DOFS is deployed, but the function fails: {error}")
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
