"""Creates the AWS clients, each when it is first used, and translates their errors.

The clients come from botocore itself. boto3 creates the same clients, but loads S3's transfer manager at every cold
start.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from service import __version__
from service.orders.ports import Unavailable
from service.settings import Settings

EMULATOR_CREDENTIAL = "test"
"""The credential that emulators receive. They never receive the user's credentials."""

MOST_CONNECTIONS = 50
"""Connections of one client: for the pushes of the reconciler and the queries of a list at the same time."""

USER_AGENT = f"dofs/{__version__}"
"""A fixed user agent. Botocore would build a longer one for every call, which takes a tenth of the call's time."""

HANDLED = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException", "ExecutionAlreadyExists"})
"""Error codes that the adapters catch. Every other failure of a call raises ``Unavailable``."""

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Error codes of calls that come too fast; DynamoDB, SQS and Step Functions use different ones."""

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient


class Clients:
    """The botocore clients of one process. Threads can share them.

    Calls are retried in botocore's standard mode: exponential backoff with jitter, 3 attempts in total. The timeouts
    are shorter than the function's, so that a connection that hangs costs one attempt and not the invocation.

    Step Functions gets one attempt of 2 seconds: a customer waits for the start of the workflow, and the reconciler
    starts what was not started.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._building = Lock()  # creating clients is not thread-safe; using them is

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @cached_property
    def sqs(self) -> "SQSClient":
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        client: SFNClient = self._client("stepfunctions", connect_timeout=0.5, read_timeout=1.5, total_max_attempts=1)
        return client

    @cached_property
    def secretsmanager(self) -> Any:
        return self._client("secretsmanager")

    def _client(
        self, service: Any, connect_timeout: float = 2, read_timeout: float = 5, total_max_attempts: int = 3
    ) -> Any:
        endpoint, region = self._settings.aws_endpoint_url, self._settings.region
        credential = EMULATOR_CREDENTIAL if endpoint else None
        with self._building, _unavailable(str(service)):
            return _session().create_client(
                service,
                region_name=region or None,
                endpoint_url=endpoint or None,
                aws_access_key_id=credential,
                aws_secret_access_key=credential,
                config=Config(
                    user_agent=USER_AGENT,
                    parameter_validation=False,  # the adapters build all parameters, and AWS validates them
                    connect_timeout=connect_timeout,
                    read_timeout=read_timeout,
                    retries={"mode": "standard", "total_max_attempts": total_max_attempts},
                    max_pool_connections=MOST_CONNECTIONS,
                ),
            )


@cache
def _session() -> Session:
    """Create the session that all clients of a process share, as it caches the service models."""
    session = Session()
    session.register("creating-client-class", _add_base_class)
    return session


def _add_base_class(**event: Any) -> None:
    event["base_classes"].insert(0, _PortClient)


class _PortClient(BaseClient):
    """Base class of all clients: failed calls raise ``Unavailable``, with the error of botocore as the cause."""

    def _make_api_call(self, operation_name: str, api_params: Any) -> Any:
        with _unavailable(f"{self.meta.service_model.service_name} {operation_name}"):
            return super()._make_api_call(operation_name, api_params)  # type: ignore[misc]


@contextmanager
def _unavailable(call: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown error")
        if code in HANDLED:
            raise
        raise Unavailable(f"{call}: {code}", throttled=code in THROTTLED) from error
    except BotoCoreError as error:
        raise Unavailable(f"{call}: {type(error).__name__}") from error
