"""The simulated services behave as the real ones."""

from dataclasses import replace

import pytest

from tests.simulation.loop import Crash, Loop
from tests.simulation.profiles import HOUR, PROFILES
from tests.simulation.rng import Rng
from tests.simulation.state_machine import Invoke, Result, Send, TaskFailed, Wait, execution
from tests.simulation.world import World


def test_tasks_run_in_the_order_of_their_due_times():
    loop, seen = Loop(), []

    def sleeper(name, *waits):
        for wait in waits:
            loop.sleep(wait)
            seen.append((loop.now, name))

    loop.spawn(sleeper, "a", 10, 10, 10)
    loop.spawn(sleeper, "b", 15, 10)
    loop.run(1000)
    assert seen == [(10, "a"), (15, "b"), (20, "a"), (25, "b"), (30, "a")]
    assert loop.now == 1000


def test_a_wait_ends_with_the_first_signal_or_at_its_timeout():
    loop, seen = Loop(), []

    def waiter():
        quick, slow = loop.spawn(loop.sleep, 5), loop.spawn(loop.sleep, 50)
        seen.append((loop.wait([slow.done, quick.done], 20) == [quick.done], loop.now))
        seen.append((loop.wait([slow.done], 20), loop.now))

    loop.spawn(waiter)
    loop.run(1000)
    assert seen == [(True, 5), ([], 25)]


def test_a_killed_task_does_not_resume():
    loop, seen = Loop(), []
    victim = loop.spawn(lambda: (loop.sleep(10), seen.append("alive")))
    loop.at(5, lambda: loop.kill(victim))
    loop.run(1000)
    assert seen == []


def test_a_crash_ends_the_invocation_of_the_task():
    class Owner:
        crashed = False

        def crash(self):
            self.crashed = True

    def crashing():
        raise Crash

    loop, owner = Loop(), Owner()
    loop.spawn(crashing, owner=owner)
    loop.run(1)
    assert owner.crashed


def test_a_draw_depends_on_the_seed_and_its_name_only():
    one, other = Rng(1), Rng(1)
    other.draw("something else")
    assert one.draw("a") == other.draw("a")
    assert one.draw("a") != other.draw("b")
    assert Rng(2).draw("a") != Rng(1).draw("a")


def drive(*answers):
    """Run an execution with the given answers; return its actions and its result."""
    steps, acts = execution("e", {"order_id": "o"}), []
    try:
        act = next(steps)
        for answer in answers:
            acts.append(act)
            while isinstance(act, Wait):
                act = steps.send(None)
                acts.append(act)
            act = steps.throw(answer) if isinstance(answer, TaskFailed) else steps.send(answer)
    except StopIteration as stopped:
        return acts, stopped.value
    raise AssertionError(f"not ended, but {act}")


DONE = {"order_id": "o"}


def test_the_workflow_validates_stores_and_sends():
    acts, ended = drive(DONE, DONE, None)
    assert [type(act) for act in acts] == [Invoke, Invoke, Send]
    assert {**acts[1].payload["dofs"], "execution": "?"} == {"task": "store", "execution": "?", "input": DONE}
    assert acts[2].body == '{"order_id": "o"}'
    assert ended == Result("SUCCEEDED", DONE)


@pytest.mark.parametrize(
    ("error", "retries"), [("Lambda.TooManyRequestsException", 8), ("ConnectionError", 4), ("BadTask", 0)]
)
def test_a_failing_step_is_retried_as_the_workflow_file_says(error, retries):
    acts, ended = drive(*[TaskFailed(error)] * (retries + 1))
    assert sum(isinstance(act, Invoke) for act in acts) == retries + 1
    assert [act.longest for act in acts if isinstance(act, Wait)] == [min(30, 2**n) for n in range(retries)]
    assert ended == Result("FAILED", error="OrderWorkflowFailed")


@pytest.mark.parametrize(("express", "executions"), [(False, 1), (True, 3)])
def test_a_name_runs_once_and_with_express_at_every_start(express, executions):
    world = World(1, replace(PROFILES["zero"], express=express))
    started = [world.workflows.start("ord_1", {"order_id": each}) for each in ("ord_1", "ord_1", "ord_2")]
    assert started == ([True] * 3 if express else [True, True, False])
    assert [execution.name for execution in world.workflows.executions] == ["ord_1"] * executions


def test_an_execution_times_out():
    world = World(1, PROFILES["zero"])
    world.outage("function", 0, 24 * HOUR)
    world.workflows.start("ord_1", {"order_id": "ord_1"})
    (execution,) = world.workflows.executions
    execution.ends = 5 * 1000
    world.loop.run(HOUR)
    assert execution.status == "TIMED_OUT"


def test_an_invalid_order_is_rejected_by_the_workflow():
    acts, ended = drive(TaskFailed("OrderInvalid", "{}"), {"order_id": "o", "cause": "{}"})
    assert [act.payload["dofs"]["task"] for act in acts] == ["validate", "reject"]
    assert ended == Result("FAILED", error="OrderRejected")


def test_a_message_moves_to_the_dead_letter_queue_at_the_receive_after_its_last():
    world = World(1, PROFILES["zero"])
    world.queue.send('{"order_id": "ord_1"}')
    (message,) = world.queue.receive()
    for receives in (1, 2, 3):
        assert message.receives == receives
        assert world.queue.receive() == []
        world.loop.now = message.visible_at
        received = world.queue.receive()
        assert received == ([message] if receives < 3 else [])
    assert (world.queue.messages, world.queue.dead) == ([], [message])
    assert [message.body for message in world.queue.peek()] == ['{"order_id": "ord_1"}']
