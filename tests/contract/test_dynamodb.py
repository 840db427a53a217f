"""The DynamoDB store with lost responses, conflicts, stale indexes and a changed number of shards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from types import SimpleNamespace
from typing import Any

import pytest

from service.aws.clients import Clients
from service.aws.records import shard_key
from service.aws.store import DynamoDbOrderStore
from service.orders.lifecycle import Status
from service.orders.listing import Listing
from service.orders.model import Order
from service.orders.paging import Span
from service.orders.ports import Unavailable
from service.orders.transitions import TransitionName
from service.settings import Settings
from tests.contract.support import (
    NOW,
    after,
    expected,
    on,
    order_in,
    permitting,
    put,
    requests,
    waiting,
    walk,
    write_of,
)
from tests.support import SETTINGS
from tests.transition_table import NAMES

NewTables = Callable[..., Settings]


@contextmanager
def losing_the_first_response(clients: Clients, operation: str) -> Iterator[list[int]]:
    """Let the client send every request twice, as after a lost response."""
    tries: list[int] = []

    def lose(attempts: int, **_: Any) -> int | None:
        tries.append(attempts)
        return 0 if attempts == 1 else None

    with on(clients, f"needs-retry.dynamodb.{operation}", lose):
        yield tries


def test_creating_an_order_survives_a_lost_response(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    with losing_the_first_response(clients, "PutItem") as tries:
        assert dynamodb_store.create(order_in()) == order_in()
    assert tries == [1, 2]


@pytest.mark.parametrize("name", NAMES)
def test_a_transition_survives_a_lost_response(
    dynamodb_store: DynamoDbOrderStore, clients: Clients, name: TransitionName
):
    order = dynamodb_store.create(permitting(name))
    write = write_of(name, order)
    with losing_the_first_response(clients, "*") as tries:
        assert dynamodb_store.apply(write) == expected(order, write)
    assert tries == [1, 2]
    assert dynamodb_store.get(order.order_id) == expected(order, write)


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_cancelled_for_another_reason_is_unavailable(
    dynamodb_store: DynamoDbOrderStore, clients: Clients, code: str
):
    order = dynamodb_store.create(permitting("fail"))
    canceled = {
        "Error": {"Code": "TransactionCanceledException", "Message": "canceled"},
        "CancellationReasons": [{"Code": code}, {"Code": "None"}],
        "ResponseMetadata": {},
    }

    def cancel(**_: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        return SimpleNamespace(status_code=400), canceled

    with (
        on(clients, "before-call.dynamodb.TransactWriteItems", cancel),
        pytest.raises(Unavailable, match=f"dynamodb TransactWriteItems: cancelled by {code}, None"),
    ):
        dynamodb_store.apply(write_of("fail", order))
    assert dynamodb_store.get(order.order_id) == order


def test_a_transaction_has_the_write_id_as_its_token(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    order = dynamodb_store.create(permitting("fail"))
    with requests(clients) as sent:
        dynamodb_store.apply(write_of("fail", order, id="w-7"))
    assert [body["ClientRequestToken"] for _, body in sent] == ["w-7"]


def test_reads_of_one_order_are_consistent(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    with requests(clients) as sent:
        dynamodb_store.get("ord_1")
        dynamodb_store.get_failed("ord_1")
    assert all(body["ConsistentRead"] is True for _, body in sent)


def test_a_store_whose_tables_are_missing_is_not_ready(clients: Clients):
    with pytest.raises(Unavailable, match="dynamodb GetItem: ResourceNotFoundException"):
        DynamoDbOrderStore(clients, SETTINGS).ready()


def test_readiness_checks_both_tables(clients: Clients, dynamodb_store: DynamoDbOrderStore):
    with requests(clients) as sent:
        dynamodb_store.ready()
    assert len({body["TableName"] for _, body in sent}) == 2


# a changed number of shards

SHARDINGS = [(8, 16), (16, 4)]


def all_pending(store: DynamoDbOrderStore) -> list[Order]:
    pages = walk(lambda limit, position: store.list_orders(Listing(status=Status.PENDING), limit, position), 20)
    return [order for page in pages for order in page]


@pytest.mark.parametrize(("before", "now"), SHARDINGS)
def test_orders_written_before_resharding_are_listed(clients: Clients, new_tables: NewTables, before: int, now: int):
    earlier = new_tables(status_shards=before)
    old = put(DynamoDbOrderStore(clients, earlier), 50, status=lambda _: Status.PENDING, updated_at=after)
    later = DynamoDbOrderStore(clients, replace(earlier, status_shards=now, previous_status_shards=before))
    new = [later.create(order_in(Status.PENDING, f"new_{number}", updated_at=after(99))) for number in range(20)]
    assert {shard_key(Status.PENDING, order.order_id, before) for order in old} == {
        f"PENDING#{shard}" for shard in range(before)
    }
    listed = all_pending(later)
    assert len(listed) == 70
    assert {order.order_id for order in listed} == {order.order_id for order in (*old, *new)}
    assert next(later.list_waiting(Status.PENDING, NOW, 10)) == tuple(old[:10])


@pytest.mark.parametrize(("before", "now"), SHARDINGS)
def test_a_write_after_resharding_moves_an_order_to_a_new_shard(
    clients: Clients, new_tables: NewTables, before: int, now: int
):
    earlier = new_tables(status_shards=before)
    orders = put(DynamoDbOrderStore(clients, earlier), 20, status=lambda _: Status.PENDING)
    later = DynamoDbOrderStore(clients, replace(earlier, status_shards=now, previous_status_shards=before))
    for order in orders:
        later.apply(write_of("resend", order))
    alone = DynamoDbOrderStore(clients, replace(earlier, status_shards=now))
    assert {order.order_id for order in all_pending(alone)} == {order.order_id for order in orders}


def test_the_shard_of_an_order_never_changes():
    shards = [shard_key(Status.PENDING, f"ord_{number}", 8) for number in range(4)]
    assert shards == ["PENDING#5", "PENDING#3", "PENDING#1", "PENDING#7"]


# stale indexes


def test_an_order_changed_while_a_list_is_read_is_omitted(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    moving, staying = put(dynamodb_store, 2, status=lambda _: Status.PENDING, asked=lambda _: 0)

    def move(**_: Any) -> None:
        dynamodb_store.apply(write_of("cancel", moving))

    with on(clients, "before-call.dynamodb.BatchGetItem", move):
        assert dynamodb_store.list_orders(Listing(status=Status.PENDING), 10).orders == (staying,)


def test_an_order_updated_while_a_list_of_a_time_span_is_read_is_omitted(
    dynamodb_store: DynamoDbOrderStore, clients: Clients
):
    moving, staying = put(dynamodb_store, 2, status=lambda _: Status.PENDING)

    def touch(**_: Any) -> None:
        dynamodb_store.apply(write_of("resend", moving))

    with on(clients, "before-call.dynamodb.BatchGetItem", touch):
        listing = Listing(status=Status.PENDING, span=Span(end=NOW))
        assert dynamodb_store.list_orders(listing, 10).orders == (staying,)


def test_an_order_updated_while_overdue_orders_are_read_is_omitted(
    dynamodb_store: DynamoDbOrderStore, clients: Clients
):
    moving, staying = put(dynamodb_store, 2, status=lambda _: Status.PENDING)

    def touch(**_: Any) -> None:
        dynamodb_store.apply(write_of("resend", moving))

    with on(clients, "before-call.dynamodb.BatchGetItem", touch):
        assert waiting(dynamodb_store, Status.PENDING, NOW, 10) == (staying,)


def test_a_deleted_order_is_omitted(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    gone, staying = put(dynamodb_store, 2)

    def delete(params: dict[str, Any], **_: Any) -> None:
        clients.dynamodb.delete_item(TableName=dynamodb_store._orders, Key={"order_id": {"S": gone.order_id}})

    with on(clients, "before-call.dynamodb.BatchGetItem", delete):
        assert dynamodb_store.list_orders(Listing(customer_id="cust_123"), 10).orders == (staying,)


def test_an_order_that_moves_while_all_orders_are_listed_is_listed_once(
    dynamodb_store: DynamoDbOrderStore, clients: Clients
):
    order = dynamodb_store.create(order_in(Status.RECEIVED))
    # The partitions are read by several threads.
    first = Lock()

    def move(**_: Any) -> None:
        if first.acquire(blocking=False):
            dynamodb_store.apply(write_of("store", order))

    with on(clients, "after-call.dynamodb.Query", move):
        assert [each.order_id for each in dynamodb_store.list_orders(Listing(), 10).orders] == ["ord_1"]


# many rows


def test_no_more_whole_rows_are_read_at_once_than_fit_into_memory(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    orders = put(dynamodb_store, 53, updated_at=after)
    with requests(clients) as sent:
        found = waiting(dynamodb_store, Status.RECEIVED, NOW, 200)
    assert found == tuple(orders)
    batches = [body["RequestItems"] for name, body in sent if name == "BatchGetItem"]
    assert [len(keys["Keys"]) for batch in batches for keys in batch.values()] == [25, 25, 3]


def test_a_list_is_sorted_whatever_the_order_of_the_response(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    orders = put(dynamodb_store, 5, created_at=lambda number: after(-number))

    def shuffle(parsed: dict[str, Any], **_: Any) -> None:
        for rows in parsed["Responses"].values():
            rows.reverse()

    with on(clients, "after-call.dynamodb.BatchGetItem", shuffle):
        assert dynamodb_store.list_orders(Listing(customer_id="cust_123"), 10).orders == tuple(orders)
