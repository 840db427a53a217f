"""What a run of the reconciler reads and writes is bounded, however many orders wait."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from service.aws.store import DynamoDbOrderStore
from service.orders.lifecycle import Status
from service.steps.reconcile import LOOK_FURTHER, run
from tests.contract.support import order_in, requests
from tests.support import START, MemorySystem
from tests.transition_table import OPEN_STATES

LIMIT = 5


def cost(clients, settings, waiting, **changes):
    """What one run does, and asks of DynamoDB, while so many PENDING orders wait."""
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
def test_a_run_costs_the_same_however_many_orders_wait(waiting, clients, new_tables):
    settings = new_tables(reconcile_limit=LIMIT)
    done, sent = cost(clients, settings, waiting)
    assert done["resent"] == LIMIT
    calls = Counter(name for name, _ in sent)
    assert calls == {"Query": 3 * settings.status_shards, "BatchGetItem": 1, "UpdateItem": LIMIT}
    assert {body["Limit"] for name, body in sent if name == "Query"} == {LIMIT}
    keys = [key for name, body in sent if name == "BatchGetItem" for key in body["RequestItems"].values()]
    assert [len(each["Keys"]) for each in keys] == [LIMIT]


def test_it_reads_the_partitions_of_the_open_states_and_no_others(clients, new_tables):
    settings = new_tables()
    _, sent = cost(clients, settings, 1)
    asked = {body["ExpressionAttributeValues"][":key"]["S"] for name, body in sent if name == "Query"}
    shards = range(settings.status_shards)
    assert asked == {f"{status}#{shard}" for status in OPEN_STATES for shard in shards}
    assert {body["IndexName"] for name, body in sent if name == "Query"} == {"by-status"}


def test_past_orders_in_back_off_it_reads_on_and_that_too_is_bounded(clients, new_tables):
    settings = new_tables(reconcile_limit=LIMIT)
    done, sent = cost(clients, settings, 120, resends=20)
    assert done["resent"] == 0
    limits = {body["Limit"] for name, body in sent if name == "Query"}
    assert limits == {LIMIT, LOOK_FURTHER * LIMIT}
    keys = [each for name, body in sent if name == "BatchGetItem" for each in body["RequestItems"].values()]
    assert sum(len(each["Keys"]) for each in keys) == LIMIT + LOOK_FURTHER * LIMIT
