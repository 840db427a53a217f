"""Orders reach their final state although one call fails, of AWS or of the warehouse, for every call and every fault.

A run without a fault records the calls of a flow. Then there is one run for each call and each fault. A failure names
the flow, the call and the fault; the test's id runs that flow with that fault again. ``make fuzz``, which CI runs, does
so for the calls of all flows; ``make test`` for each actor's call of each operation in the shortest flow that has it.
"""

from collections.abc import Callable, Mapping, Sequence

import pytest

from tests.faults.checks import Baseline, check
from tests.faults.driver import Run
from tests.faults.fault_injector import Call, Fault
from tests.faults.flows import FLOWS, Flow

AT_LEAST = 2_500  # cases; a smaller number means that a flow makes fewer calls than before
CALLS = {
    "api": {"PutItem", "GetItem", "StartExecution", "UpdateItem", "TransactWriteItems", "cancel", "look"},
    "validate": {"GetItem", "PutItem"},
    "store": {"UpdateItem"},
    "reject": {"GetItem", "UpdateItem"},
    "workflow": {"SendMessage"},
    "mapping": {"ReceiveMessage", "DeleteMessageBatch"},
    "fulfill": {
        *("GetItem", "PutItem"),  # of the brake
        *("UpdateItem", "TransactWriteItems", "ChangeMessageVisibility", "ask", "look"),
    },
    "operator": {
        *("GetItem", "TransactWriteItems", "SendMessage", "ReceiveMessage", "DeleteMessage"),
        *("cancel", "look"),
    },
    "reconcile": {
        *("Query", "BatchGetItem", "GetItem", "UpdateItem", "TransactWriteItems"),
        *("ReceiveMessage", "SendMessage", "StartExecution", "cancel", "look"),
    },
}

flows = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)


@pytest.fixture(scope="module")
def calls_to_fail(baseline_of: Callable[[Flow], Baseline], thorough: bool) -> Mapping[str, Sequence[int]]:
    """The numbers of the calls that fail, by flow."""
    by_length = sorted(FLOWS, key=lambda flow: len(baseline_of(flow).calls))
    calls = [(flow.name, number, call) for flow in by_length for number, call in enumerate(baseline_of(flow).calls)]
    first = {call: (name, number) for name, number, call in reversed(calls)}
    return {
        flow.name: [at for name, at, call in calls if name == flow.name and (thorough or first[call] == (name, at))]
        for flow in FLOWS
    }


@flows
def test_a_run_without_a_fault_is_the_same_every_time(flow, cloud, baseline_of):
    first = baseline_of(flow)
    baseline_of.cache_clear()
    assert baseline_of(flow) == first
    assert first.history[-1][0] == flow.status


def test_the_flows_make_every_call_of_aws_and_of_the_warehouse(baseline_of):
    made = [call for flow in FLOWS for call in baseline_of(flow).calls]
    assert set(made) == {Call(by, operation) for by, operations in CALLS.items() for operation in operations}
    assert sum(call.may_have(fault) for call in made for fault in Fault) >= AT_LEAST


@pytest.mark.parametrize("fault", Fault)
@flows
def test_orders_reach_their_final_state_whichever_call_fails(flow, fault, cloud, baseline_of, calls_to_fail, counted):
    cases = [number for number in calls_to_fail[flow.name] if baseline_of(flow).calls[number].may_have(fault)]
    broken, ran = [], 0
    for number in cases:
        run = Run(cloud, (number, fault))
        try:
            flow.begin(run)
            run.until_quiet()
            check(flow, run, number, fault, baseline_of(flow))
        except Exception as error:
            call = baseline_of(flow).calls[number]
            broken.append(f"{flow.name}, call {number}: {call}, {fault}: {type(error).__name__} {error}")
        ran += 1
    assert ran == len(cases)
    assert not broken, "\n".join(["", *broken])
    counted("runs with one fault at one call of AWS or of the warehouse", ran)
