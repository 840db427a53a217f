"""The timeouts and retries of the AWS clients: a connection that hangs costs one attempt, not the invocation."""

import socket
from dataclasses import replace
from functools import cached_property
from threading import Thread

import pytest

from service.aws.clients import MOST_CONNECTIONS, Clients
from service.aws.partitions import SIDE_BY_SIDE
from service.aws.workflow import StepFunctionsWorkflow
from service.orders.lifecycle import Status
from service.orders.orders import Orders
from service.orders.strict_json import from_python
from service.orders.submission import Submission
from service.settings import Settings
from tests.support import SETTINGS, MemorySystem, valid_order

CLIENTS = sorted(name for name, member in vars(Clients).items() if isinstance(member, cached_property))


@pytest.fixture(scope="module")
def clients():
    return Clients(SETTINGS)


@pytest.mark.parametrize("name", [name for name in CLIENTS if name != "stepfunctions"])
def test_every_client_has_short_timeouts_and_three_attempts(name, clients):
    config = getattr(clients, name).meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert (config.retries["mode"], config.retries["total_max_attempts"]) == ("standard", 3)


def test_a_workflow_start_has_one_attempt_of_two_seconds(clients):
    config = clients.stepfunctions.meta.config
    assert config.connect_timeout + config.read_timeout == 2
    assert config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize("name", CLIENTS)
def test_attempts_that_hang_end_before_the_function_does(name, clients):
    config = getattr(clients, name).meta.config
    attempt = config.connect_timeout + config.read_timeout
    assert config.retries["total_max_attempts"] * attempt < SETTINGS.function_timeout


def test_a_client_has_connections_for_every_thread_of_the_reconciler():
    """Botocore drops the connections of other threads after each call, and opens new ones."""
    most = Settings.__dataclass_fields__["reconcile_parallel"].metadata["most"]
    assert most + SIDE_BY_SIDE <= MOST_CONNECTIONS


@pytest.fixture
def silent_service():
    """The address of a server that accepts connections and never answers, and the connections that it has accepted."""
    accepted = []

    def accept():
        while True:
            try:
                accepted.append(server.accept()[0])
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", accepted
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in accepted:
        connection.close()


def test_an_order_is_accepted_after_one_short_try_to_start_its_workflow(silent_service, caplog):
    """While Step Functions hangs, the customer gets an answer, and the reconciler starts the workflow later."""
    url, accepted = silent_service
    settings = replace(SETTINGS, cloud="localstack", aws_endpoint_url=url)
    system = MemorySystem()
    system.workflow = StepFunctionsWorkflow(Clients(settings), settings.state_machine_arn)
    order, replayed = Orders(system).submit(Submission(from_python(valid_order()), "somebody"))
    assert (order.status, replayed) == (Status.RECEIVED, False)
    assert system.store.get(order.order_id) == order
    assert len(accepted) == 1
    assert "not started (stepfunctions StartExecution: ReadTimeoutError)" in caplog.text
