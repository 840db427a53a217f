from collections.abc import Iterator

import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from service.provisioning.tables import failed_orders_table, orders_table
from tests.runtime.function import REGION, Cloud, Function, running


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    cloud = Cloud(f"http://{host}:{port}", {})
    tables, queues, workflows = (cloud.client(name) for name in ("dynamodb", "sqs", "stepfunctions"))
    names = {"DOFS_ORDERS_TABLE": "dofs-orders-runtime", "DOFS_FAILED_ORDERS_TABLE": "dofs-failed-orders-runtime"}
    tables.create_table(**orders_table(names["DOFS_ORDERS_TABLE"]))
    tables.create_table(**failed_orders_table(names["DOFS_FAILED_ORDERS_TABLE"]))
    queue = queues.create_queue(QueueName="dofs-fulfillment-runtime")["QueueUrl"]
    dead_letter_queue = queues.create_queue(QueueName="dofs-fulfillment-dlq-runtime")["QueueUrl"]
    machine = workflows.create_state_machine(
        name="dofs-order-processing-runtime",
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/dofs",
    )["stateMachineArn"]
    cloud.variables = {
        **names,
        "DOFS_QUEUE_URL": queue,
        "DOFS_DEAD_LETTER_QUEUE_URL": dead_letter_queue,
        "DOFS_STATE_MACHINE_ARN": machine,
        "DOFS_CLOUD": "localstack",
        "DOFS_AWS_ENDPOINT_URL": cloud.endpoint,
        "DOFS_REGION": REGION,
        "DOFS_FULFILLMENT_SUCCESS_RATE": "1",
        "DOFS_METRICS_NAMESPACE": "SHOP",
    }
    yield cloud
    for table in names.values():
        tables.delete_table(TableName=table)
    for url in (queue, dead_letter_queue):
        queues.delete_queue(QueueUrl=url)
    workflows.delete_state_machine(stateMachineArn=machine)
    server.stop()


@pytest.fixture(scope="module")
def function(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    with running(cloud.variables, tmp_path_factory.mktemp("function")) as function:
        yield function
