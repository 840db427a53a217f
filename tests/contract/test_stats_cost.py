"""The cost of stats is bounded, by the number of requests and by the limit of each."""

from collections import Counter

import pytest

from service.aws.store import DynamoDbOrderStore
from service.orders import stats
from service.orders.lifecycle import OPEN, Status
from service.orders.model import FailureKind
from tests.contract.support import put, requests
from tests.support import START, MemorySystem

SHARDS = 8
STATUSES = len(Status)
KINDS = len(FailureKind)
QUERIES = (STATUSES + KINDS + len(OPEN) - 1 + 2) * SHARDS  # the oldest open order is none at the warehouse


@pytest.mark.parametrize("orders", [0, 10, 300])
def test_stats_cost_the_same_for_any_number_of_orders(orders, clients, new_tables):
    settings = new_tables(status_shards=SHARDS)
    store = DynamoDbOrderStore(clients, settings)
    statuses = list(Status)
    put(store, orders, status=lambda number: statuses[number % len(statuses)], updated_at=lambda _: START)
    system = MemorySystem(settings=settings, store=store)
    system.now.forward(60)
    with requests(clients) as sent:
        taken = stats.take(system)
    made = Counter(name for name, _ in sent)
    assert made["Query"] == QUERIES
    assert made["BatchGetItem"] <= len(OPEN) + 1
    assert made.keys() <= {"Query", "BatchGetItem"}
    limits = [body["Limit"] for name, body in sent if name == "Query"]
    assert max(limits) == stats.COUNTED == 1000
    assert all(body.get("Select") == "COUNT" or body["Limit"] <= stats.LOOKED_AT for _, body in sent if "Limit" in body)
    assert sum(tally.count for tally in taken.orders.values()) == orders
