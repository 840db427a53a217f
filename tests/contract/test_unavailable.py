"""Every adapter call that AWS refuses or does not answer raises ``Unavailable``."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError, ReadTimeoutError

from service.aws.clients import Clients
from service.aws.queue import SqsDeadLetterQueue, SqsFulfillmentQueue
from service.aws.secret import read_secret_text
from service.aws.store import DynamoDbOrderStore
from service.aws.workflow import StepFunctionsWorkflow
from service.orders.lifecycle import Status
from service.orders.message import Message
from service.orders.model import FailureKind
from service.orders.paging import ALWAYS
from service.orders.ports import Unavailable, error_name
from service.settings import Settings
from tests.contract.support import NOW, order_in, permitting, waiting, write_of
from tests.support import SETTINGS

SECOND = timedelta(seconds=1)
QUEUE, MACHINE = SETTINGS.queue_url, SETTINGS.state_machine_arn

CALLS: dict[str, Callable[[Clients], object]] = {
    "dynamodb PutItem": lambda clients: DynamoDbOrderStore(clients, SETTINGS).create(order_in()),
    "dynamodb UpdateItem": lambda clients: DynamoDbOrderStore(clients, SETTINGS).apply(write_of("store", order_in())),
    "dynamodb TransactWriteItems": lambda clients: DynamoDbOrderStore(clients, SETTINGS).apply(
        write_of("fail", permitting("fail"))
    ),
    "dynamodb GetItem": lambda clients: DynamoDbOrderStore(clients, SETTINGS).get("ord_1"),
    "dynamodb Query": lambda clients: waiting(DynamoDbOrderStore(clients, SETTINGS), Status.PENDING, NOW, 1),
    "dynamodb BatchGetItem": lambda clients: DynamoDbOrderStore(clients, SETTINGS).durations(["ord_1"]),
    "sqs SendMessage": lambda clients: SqsFulfillmentQueue(clients, QUEUE).send(Message("ord_1", 0)),
    "sqs ChangeMessageVisibility": lambda clients: SqsFulfillmentQueue(clients, QUEUE).deliver_again("h", SECOND),
    "sqs GetQueueAttributes": lambda clients: SqsFulfillmentQueue(clients, QUEUE).depth(),
    "sqs ReceiveMessage": lambda clients: SqsDeadLetterQueue(clients, QUEUE).peek(),
    "secretsmanager GetSecretValue": lambda clients: read_secret_text(clients, "arn"),
    "stepfunctions StartExecution": lambda clients: StepFunctionsWorkflow(clients, MACHINE).start("ord_1", "ord_1"),
    "stepfunctions DescribeStateMachine": lambda clients: StepFunctionsWorkflow(clients, MACHINE).ready(),
}


def failing(do: Callable[..., Any]) -> Clients:
    """Clients whose every call runs ``do`` in place of a request."""
    clients = Clients(SETTINGS)
    for client in (clients.dynamodb, clients.secretsmanager, clients.sqs, clients.stepfunctions):
        client.meta.events.register("before-call", do)
    return clients


def refuse(**_: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
    error = {"Code": "AccessDeniedException", "Message": "canary"}
    return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {}}


def hang(**_: Any) -> None:
    raise ReadTimeoutError(endpoint_url="https://canary")


@pytest.mark.parametrize(
    ("do", "code", "cause"),
    [(refuse, "AccessDeniedException", ClientError), (hang, "ReadTimeoutError", BotoCoreError)],
    ids=["refused", "no answer"],
)
@pytest.mark.parametrize("call", CALLS)
def test_a_failed_call_raises_unavailable_with_operation_and_code(
    call: str, do: Callable[..., Any], code: str, cause: type[Exception]
):
    with pytest.raises(Unavailable) as raised:
        CALLS[call](failing(do))
    assert (str(raised.value), error_name(raised.value)) == (f"{call}: {code}", f"{call}: {code}")
    assert isinstance(raised.value.__cause__, cause)


@pytest.mark.parametrize("kind", FailureKind)
def test_a_failed_list_in_several_threads_raises_unavailable(kind: FailureKind):
    store = DynamoDbOrderStore(failing(hang), replace(SETTINGS, status_shards=8))
    with pytest.raises(Unavailable, match="dynamodb Query: ReadTimeoutError"):
        store.failed_orders(kind, ALWAYS, 10)


def test_a_client_that_cannot_be_created_raises_unavailable(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    settings: Settings = replace(SETTINGS, region="")
    with pytest.raises(Unavailable, match="dynamodb: NoRegionError") as raised:
        DynamoDbOrderStore(Clients(settings), settings).get("ord_1")
    assert isinstance(raised.value.__cause__, NoRegionError)


def test_other_errors_are_named_by_class_without_their_message():
    assert error_name(ValueError("canary")) == "ValueError"
