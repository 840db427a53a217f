"""``python -m service.provisioning``: create everything in an emulator, say where it is, and see that it answers.

This is compose's one-shot ``deploy``. It reads the same settings as the function, and can run again at any time.
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

TRIES, PAUSE = 10, 1.0  # seconds between two


def main(arguments: Sequence[str] | None = None) -> None:
    """Deploy to the emulator that the environment names.

    Raises:
        SystemExit: it cannot be done; the message says why, and what to do.
    """
    parser = argparse.ArgumentParser(
        prog="python -m service.provisioning", description="Create everything in the emulator that DOFS_* names."
    )
    parser.add_argument("--port", default="4566", help="where this machine reaches the emulator")
    parser.add_argument("--server-port", default="8000", help="where this machine reaches the API's own server")
    ports = parser.parse_args(arguments)
    try:
        deployment = emulated(Settings.load())
    except SettingsError as error:
        raise SystemExit(f"DOFS cannot be deployed:\n{error}") from None
    try:
        provision(deployment)
        api_id = create_rest_api(deployment)
        create_monitoring(deployment)
        see_that_it_answers(deployment)
    except BotoCoreError as error:
        raise SystemExit(f"DOFS is not deployed: {error}; does the emulator run?") from None
    except ClientError as error:
        raise SystemExit(f"DOFS is not deployed, the emulator refused a part of it: {error}") from None
    names = deployment.names
    sys.stdout.write(DEPLOYED.format(api_id=api_id, stage=names.environment, region=names.region, **vars(ports)))


def emulated(settings: Settings) -> Deployment:
    """The deployment that the settings describe.

    Raises:
        SettingsError: they are not for an emulator, or call the resources other than a deployment does.
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


def see_that_it_answers(deployment: Deployment) -> None:
    """Invoke the function once; again only where a container had no runtime for it, as while it gets a new one.

    Raises:
        SystemExit: it fails; the message is its own.
    """
    for tried in range(1, TRIES + 1):
        answer = deployment.client("lambda").invoke(
            FunctionName=deployment.names.alias_arn, Payload=json.dumps(RECONCILE_EVENT)
        )
        if "FunctionError" not in answer:
            return
        said = answer["Payload"].read().decode()
        if "Sandbox.Failure" not in said or tried == TRIES:
            raise SystemExit(f"DOFS is deployed, but the function fails: {said}")
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
