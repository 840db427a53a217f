"""The retries, the timeout and the final error of each step, stated independently of the definition.

A new kind of error, step or wait is added here with its reason.
"""

import pytest

from tests.simulation.state_machine import TIME_LIMIT, Invoke, TaskFailed, Wait, execution
from tests.support import SETTINGS

LAMBDA_STEPS = ("ValidateOrder", "StoreOrder", "RejectOrder")
STEPS = (*LAMBDA_STEPS, "EnqueueFulfillment")

# Permanent errors: the same input fails again, so a retry would only cost time and money.
PERMANENT_ERRORS = ("OrderInvalid", "OrderUnknown", "BadTask", "MalformedDocument", "UnknownEvent", "KeyReused")
# The function did not run, or Lambda lost it: throttling and outages last longer than errors of the function.
LAMBDA_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
)
# Errors of the function itself: a table that does not answer, an import that fails, a step that hangs.
OTHER_ERRORS = ("Unavailable", "TimeoutError", "Runtime.ImportModuleError", "States.Timeout")
# SQS is tried as long as Lambda is: the order is stored, and only the reconciler would send it, 30 minutes later.
QUEUE_ERRORS = ("SQS.SdkClientException", "SQS.QueueDoesNotExistException", "States.Timeout")

NINE_TRIES = [1, 2, 4, 8, 16, 30, 30, 30]  # seconds: about two minutes, so an execution can end within its five
FIVE_TRIES = [1, 2, 4, 8]


def walk_to(step):
    """An execution up to a step, and the act of that step."""
    steps = execution("e", {"order_id": "o"})
    act = next(steps)
    match step:
        case "RejectOrder":
            act = steps.throw(TaskFailed("OrderInvalid"))
        case "StoreOrder" | "EnqueueFulfillment":
            act = steps.send({"order_id": "o"})
    if step == "EnqueueFulfillment":
        act = steps.send({"order_id": "o"})
    return steps, act


def name_of(act):
    return act.payload["dofs"]["task"] if isinstance(act, Invoke) else "send"


def fail(step, error):
    """Fail every attempt of a step; return the longest waits before its retries, and the error of the execution.

    If the execution continues with another step, return the name of that step's task instead of the error.
    """
    steps, act = walk_to(step)
    failing, waits = name_of(act), []
    try:
        while True:
            act = steps.throw(TaskFailed(error, "the cause"))
            if not isinstance(act, Wait):
                return waits, name_of(act)
            waits.append(act.longest)
            assert name_of(next(steps)) == failing
    except StopIteration as stop:
        return waits, stop.value.error


@pytest.mark.parametrize("step", LAMBDA_STEPS)
@pytest.mark.parametrize("error", LAMBDA_ERRORS)
def test_an_error_of_the_lambda_service_is_retried_for_two_minutes(step, error):
    assert fail(step, error) == (NINE_TRIES, "OrderWorkflowFailed")


@pytest.mark.parametrize("step", LAMBDA_STEPS)
@pytest.mark.parametrize("error", OTHER_ERRORS)
def test_any_other_error_of_a_step_is_retried_four_times(step, error):
    assert fail(step, error) == (FIVE_TRIES, "OrderWorkflowFailed")


@pytest.mark.parametrize("error", QUEUE_ERRORS)
def test_a_message_that_cannot_be_sent_is_retried_for_two_minutes(error):
    assert fail("EnqueueFulfillment", error) == (NINE_TRIES, "OrderWorkflowFailed")


@pytest.mark.parametrize("step", LAMBDA_STEPS)
@pytest.mark.parametrize("error", PERMANENT_ERRORS)
def test_a_permanent_error_is_never_retried_and_only_an_invalid_order_is_rejected(step, error):
    """OrderRejected means that the order is stored as REJECTED; otherwise the reconciler restarts its workflow."""
    ended = "reject" if (step, error) == ("ValidateOrder", "OrderInvalid") else "OrderWorkflowFailed"
    assert fail(step, error) == ([], ended)


@pytest.mark.parametrize("step", STEPS)
def test_the_timeout_of_a_step_is_longer_than_the_one_of_the_function(step):
    """A shorter timeout would hide Lambda's error; without a timeout, a hang would use up the whole execution."""
    _, act = walk_to(step)
    assert act.timeout == 60
    assert SETTINGS.function_timeout < act.timeout < TIME_LIMIT / 4
