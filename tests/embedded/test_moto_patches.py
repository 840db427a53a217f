"""Each patch of the emulator's private parts works and is needed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.orders.deliveries import Deliveries
from service.orders.ports import TransitionRefused
from tests.embedded.support import running_cloud
from tests.polling import PATIENCE, eventually
from tests.support import valid_order
from tests.system import executions


@pytest.fixture
def cloud():
    with running_cloud(embedded_executions_kept=10) as cloud:
        yield cloud


def store_received_order(cloud, order_id):
    from service.orders import submission

    order = submission.new_order(
        valid_order(), order_id=order_id, owner="a", actor="api", at=cloud.system.now(), write_id=cloud.system.new_id()
    )
    return cloud.system.store.create(order)


def test_only_one_of_many_threads_claims_an_order(cloud):
    from service.steps import store

    for number in range(10):
        order = store_received_order(cloud, f"ord_{number}")
        store.run({"order_id": order.order_id}, cloud.system)
        together = threading.Barrier(8)

        def attempt(order_id: str, together: threading.Barrier = together) -> bool:
            together.wait(PATIENCE)
            try:
                Deliveries(cloud.system).claim(order_id)
            except TransitionRefused:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, [order.order_id] * 8)) == 1


def test_an_execution_without_a_name_gets_one(cloud):
    stepfunctions = cloud.client("stepfunctions")
    started = stepfunctions.start_execution(stateMachineArn=cloud.names.state_machine_arn, input="{}")
    assert not started["executionArn"].endswith(":None")


def test_a_second_start_with_the_same_name_is_refused(cloud):
    assert cloud.system.workflow.start("ord_x", "ord_x") is True
    eventually(lambda: executions(cloud) == [("ord_x", "FAILED")])
    assert cloud.system.workflow.start("ord_x", "ord_x") is False


def test_express_runs_every_start_and_describes_none():
    """As on AWS, and on LocalStack: tests/flow."""
    with running_cloud(embedded_executions_kept=10, workflow_type="EXPRESS") as cloud:
        stepfunctions, machine = cloud.client("stepfunctions"), cloud.names.state_machine_arn
        arns = []
        for _ in range(20):
            assert cloud.system.workflow.start("ord_x", "ord_x") is True
            started = stepfunctions.start_execution(stateMachineArn=machine, name="ord_x", input="{}")
            arns.append(started["executionArn"])
            assert len(_kept(cloud)) <= 12
        assert len(set(arns)) == 20
        assert {arn.rpartition(":")[0] for arn in arns} == {f"{machine.replace('stateMachine', 'express')}:ord_x"}
        with pytest.raises(stepfunctions.exceptions.StateMachineTypeNotSupported):
            executions(cloud)
        for refused in ("describe_execution", "get_execution_history", "stop_execution"):
            with pytest.raises(stepfunctions.exceptions.InvalidArn):
                getattr(stepfunctions, refused)(executionArn=arns[0])


def _kept(cloud):
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    backend = stepfunctions_parser_backends[cloud.names.account][cloud.names.region]
    return [each for each in backend.describe_state_machine(cloud.names.state_machine_arn).executions if _ended(each)]


def _ended(execution):
    return execution.status != "RUNNING"


def test_only_the_configured_number_of_finished_executions_is_kept(cloud):
    for number in range(40):
        cloud.system.workflow.start(f"ord_{number}", f"ord_{number}")
        eventually(lambda name=f"ord_{number}": dict(executions(cloud)).get(name) != "RUNNING")
    names = [name for name, _ in executions(cloud)]
    assert 10 <= len(names) <= 12
    assert "ord_39" in names
    assert "ord_0" not in names


def test_a_message_beyond_the_retention_period_is_not_delivered(cloud):
    from moto.sqs.models import sqs_backends

    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="short", Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="old")
    sqs.send_message(QueueUrl=url, MessageBody="new")
    sqs_backends[cloud.names.account][cloud.names.region].queues["short"]._messages[0].sent_timestamp -= 61_000
    seen = [m["Body"] for _ in range(3) for m in sqs.receive_message(QueueUrl=url).get("Messages", [])]
    assert "old" not in seen


def test_attributes_of_every_type_are_stored_unchanged(cloud):
    dynamodb = cloud.client("dynamodb")
    item = {
        "order_id": {"S": "types"},
        "number": {"N": "59.98"},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "list": {"L": [{"S": "a"}, {"M": {"b": {"N": "1"}}}]},
        "strings": {"SS": ["x", "y"]},
        "bytes": {"B": b"\x00\xff"},
    }
    dynamodb.put_item(TableName=cloud.settings.orders_table, Item=item)
    found = dynamodb.get_item(TableName=cloud.settings.orders_table, Key={"order_id": {"S": "types"}})["Item"]
    assert found == item
