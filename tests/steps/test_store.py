"""The store step moves a RECEIVED order to PENDING, once."""

import pytest

from service.handler import dispatch
from service.orders.errors import OrderUnknown
from service.orders.lifecycle import Status
from service.orders.model import TimelineEntry
from service.steps.events import BadTask
from service.steps.store import run
from tests import events
from tests.steps.doubles import break_store, invalid, standing
from tests.support import Context, MemorySystem

TASK = {"task": "store", "order_id": "ord_1"}


@pytest.fixture
def system():
    return MemorySystem()


def test_a_received_order_becomes_pending(system):
    system.receive()
    system.now.forward(2)
    assert run(TASK, system) == {"order_id": "ord_1"}
    order = system.store.get("ord_1")
    assert (order.status, order.version, order.updated_at) == (Status.PENDING, 2, system.now())
    assert order.timeline[-1] == TimelineEntry(system.now(), Status.RECEIVED, Status.PENDING, "workflow")


def test_the_event_of_the_workflow_runs_the_step(system):
    event = events.load("task_store")
    order_id = event["dofs"]["input"]["order_id"]
    system.receive(order_id)
    assert dispatch(event, Context(), system) == {"order_id": order_id}
    assert system.store.get(order_id).status is Status.PENDING


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.RECEIVED}))
def test_an_order_past_received_is_left_unchanged(status, system):
    """Neither a replay nor a customer's earlier cancellation fails the execution."""
    before = standing(status, system)
    assert run(TASK, system) == {"order_id": "ord_1"}
    assert system.store.get("ord_1") == before


def test_the_store_step_sends_no_message(system):
    system.receive()
    run(TASK, system)
    assert (system.queue.sent, system.workflow.started) == ([], [])


def test_the_store_step_does_not_validate(system):
    invalid(system)
    assert run(TASK, system) == {"order_id": "ord_1"}


def test_an_order_without_a_row_is_an_error(system):
    with pytest.raises(OrderUnknown, match="order ord_1 has no row"):
        run(TASK, system)
    assert system.store.orders == {}


def test_an_error_of_the_table_is_raised_for_the_workflow_to_retry(system):
    system.receive()
    break_store(system, "apply", "ord_1")
    with pytest.raises(ConnectionError):
        run(TASK, system)
    assert system.store.get("ord_1").status is Status.RECEIVED


@pytest.mark.parametrize("task", [{}, {"order_id": ""}, {"order_id": None}, {"order_id": 5}, {"order_id": ["ord_1"]}])
def test_a_task_without_an_order_is_refused(task, system):
    with pytest.raises(BadTask):
        run({"task": "store", **task}, system)
