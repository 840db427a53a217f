"""Every call of AWS that an order's way makes, with every fault: the order comes to its end all the same.

No case is left out: a run without a fault says which calls there are, and then there is one run for each call and
each fault. A failure names the flow, the call and the fault; the test's id runs that flow with that fault again.
"""

import pytest

from tests.faults.checks import check
from tests.faults.driver import Run
from tests.faults.fault_injector import Call, Fault
from tests.faults.flows import FLOWS

AT_LEAST = 900  # cases; there are more, and a flow that makes fewer calls than it did is to be looked at
BY_WHOM = {
    "api": {"PutItem", "StartExecution", "UpdateItem"},
    "validate": {"GetItem", "PutItem"},
    "store": {"UpdateItem"},
    "reject": {"GetItem", "UpdateItem"},
    "workflow": {"SendMessage"},
    "mapping": {"ReceiveMessage", "DeleteMessageBatch"},
    "fulfill": {"UpdateItem", "TransactWriteItems"},
    "operator": {"GetItem", "TransactWriteItems", "SendMessage", "ReceiveMessage", "DeleteMessage"},
    "reconcile": {
        *("Query", "BatchGetItem", "GetItem", "UpdateItem", "TransactWriteItems"),
        *("ReceiveMessage", "SendMessage", "StartExecution"),
    },
}

flows = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)


@flows
def test_without_a_fault_the_order_comes_to_its_end_and_the_run_can_be_repeated(flow, cloud, without):
    first = without(flow)
    without.cache_clear()
    assert without(flow) == first
    assert first.story[-1][0] == flow.ends


def test_the_flows_make_every_call_that_there_is(without):
    made = [call for flow in FLOWS for call in without(flow).calls]
    assert set(made) == {Call(by, operation) for by, operations in BY_WHOM.items() for operation in operations}
    assert sum(call.may_have(fault) for call in made for fault in Fault) >= AT_LEAST


@pytest.mark.parametrize("fault", Fault)
@flows
def test_whichever_call_it_befalls_the_order_comes_to_its_end(flow, fault, cloud, without, counted):
    cases = [number for number, call in enumerate(without(flow).calls) if call.may_have(fault)]
    broken, ran = [], 0
    for number in cases:
        run = Run(cloud, (number, fault))
        try:
            flow.begin(run)
            run.until_quiet()
            check(flow, run, number, fault, without(flow))
        except Exception as error:
            call = without(flow).calls[number]
            broken.append(f"{flow.name}, call {number}: {call}, {fault}: {type(error).__name__} {error}")
        ran += 1
    assert ran == len(cases)
    assert not broken, "\n".join(["", *broken])
    counted("runs with one fault at one AWS call", ran)
