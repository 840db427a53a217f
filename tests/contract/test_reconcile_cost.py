"""The reads and writes of a reconciler run are bounded for any number of open orders."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from service.aws.store import DynamoDbOrderStore
from service.orders.lifecycle import Status
from service.orders.model import FailureKind
from service.steps.reconcile import LOOK_FURTHER, run
from tests.contract.support import order_in, requests
from tests.support import START, MemorySystem
from tests.transition_table import OPEN_STATES

LIMIT = 5


def cost(clients, settings, waiting, **changes):
    """The result of one run with a number of PENDING orders, and its requests to DynamoDB."""
    store = DynamoDbOrderStore(clients, settings)
    state = {"status": Status.PENDING, "attempts": 0, "resends": 0, "updated_at": START, **changes}
    for number in range(waiting):
        store.create(replace(order_in(order_id=f"ord_{number}"), **state))
    system = MemorySystem(settings=settings, store=store)
    system.now.at = START + timedelta(minutes=20)
    with requests(clients) as sent:
        done = run({}, system, lambda: 30)
    return done, sent


@pytest.mark.parametrize("waiting", [20, 200])
def test_a_run_costs_the_same_for_any_number_of_open_orders(waiting, clients, new_tables):
    settings = new_tables(reconcile_limit=LIMIT, restart_limit=LIMIT)
    done, sent = cost(clients, settings, waiting)
    assert done["resent"] == LIMIT
    calls = Counter(name for name, _ in sent)
    assert calls == {"Query": 6 * settings.status_shards, "BatchGetItem": 1, "UpdateItem": LIMIT}
    assert {body["Limit"] for name, body in sent if name == "Query"} == {LIMIT}
    keys = [key for name, body in sent if name == "BatchGetItem" for key in body["RequestItems"].values()]
    assert [len(each["Keys"]) for each in keys] == [LIMIT]


def test_a_run_reads_only_the_partitions_of_open_states_and_of_failures_that_may_have_shipped(clients, new_tables):
    settings = new_tables()
    _, sent = cost(clients, settings, 1)
    asked = {body["ExpressionAttributeValues"][":key"]["S"] for name, body in sent if name == "Query"}
    shards = range(settings.status_shards)
    unresolved = (FailureKind.UNKNOWN, FailureKind.ABANDONED)
    assert asked == {f"{value}#{shard}" for value in (*OPEN_STATES, *unresolved) for shard in shards}


def test_a_run_reads_a_bounded_number_beyond_orders_in_backoff(clients, new_tables):
    settings = new_tables(reconcile_limit=LIMIT, restart_limit=LIMIT)
    done, sent = cost(clients, settings, 120, resends=20)
    assert done["resent"] == 0
    limits = {body["Limit"] for name, body in sent if name == "Query"}
    assert limits == {LIMIT}
    keys = [each for name, body in sent if name == "BatchGetItem" for each in body["RequestItems"].values()]
    assert sum(len(each["Keys"]) for each in keys) == LOOK_FURTHER * LIMIT
    assert max(len(each["Keys"]) for each in keys) == LIMIT
