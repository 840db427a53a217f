"""The DynamoDB expressions of each transition, and the number of requests of each operation."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import service.aws
from service.aws.clients import Clients
from service.aws.expressions import Expressions, compile_write
from service.aws.store import DynamoDbOrderStore
from service.orders.lifecycle import Assign, Guard, Increment, Reset, Source, Status
from service.orders.listing import Listing
from service.orders.model import Order, Write
from service.orders.ports import OrderStore, TransitionRefused
from service.orders.transitions import TRANSITIONS, TransitionName
from tests.contract.support import IN_TWO_TABLES, NOW, order_in, permitting, put, requests, write_of
from tests.support import SETTINGS
from tests.transition_table import NAMES

WORDS = {"SET", "ADD", "AND", "OR", "list_append", "attribute_not_exists"}
SHARDS = SETTINGS.status_shards


def writes(name: TransitionName) -> list[Write]:
    """Writes that append to the timeline and writes that rewrite it."""
    order = permitting(name) or order_in()
    return [write_of(name, order, seen=order)] + ([] if write_of(name, order).seen else [write_of(name, order)])


WRITES = [pytest.param(write, id=f"{write.name}-{bool(write.seen)}") for name in NAMES for write in writes(name)]


def tokens(expression: str) -> list[str]:
    return re.findall(r"[#:]?\w+|[<>=]+|[(),]", expression)


def comparisons(expressions: Expressions) -> Counter[tuple[str, str, str]]:
    """The comparisons of a condition, as attribute, comparison and name of the value."""
    found = re.findall(r"(#\w+) (=|<|>=) :(\w+)", expressions.condition)
    return Counter((expressions.names[name], comparison, value) for name, comparison, value in found)


def name_of(guard: Guard) -> str:
    """The name of the value that a guard compares with."""
    return guard.value if isinstance(guard.value, str) else f"constant_{guard.value}"


@pytest.mark.parametrize("write", WRITES)
def test_every_name_and_value_is_used_and_defined(write: Write):
    expressions = compile_write(write, SHARDS)
    used = tokens(f"{expressions.condition} {expressions.update}")
    assert {token for token in used if token.startswith("#")} == expressions.names.keys()
    assert {token for token in used if token.startswith(":")} == expressions.values.keys()


@pytest.mark.parametrize("write", WRITES)
def test_every_attribute_has_a_placeholder(write: Write):
    expressions = compile_write(write, SHARDS)
    used = tokens(f"{expressions.condition} {expressions.update}")
    assert {token for token in used if token[0].isalpha()} <= WORDS


@pytest.mark.parametrize("write", WRITES)
def test_conditions_have_no_redundant_parentheses(write: Write):
    condition = compile_write(write, SHARDS).condition
    opened, pairs = [], set()
    for place, character in enumerate(condition):
        if character == "(":
            opened.append(place)
        elif character == ")":
            pairs.add((opened.pop(), place))
    assert not opened
    assert not {(start + 1, end - 1) for start, end in pairs} & pairs


@pytest.mark.parametrize("write", WRITES)
def test_the_condition_has_exactly_the_guards_of_the_transition(write: Write):
    transition = TRANSITIONS[write.name]
    guards = [*transition.guards, *(guard for source in transition.sources for guard in source.guards)]
    expressions = compile_write(write, SHARDS)
    assert comparisons(expressions) == Counter(
        [
            *(("status", "=", f"from_{source.status.lower()}") for source in transition.sources),
            *((guard.attribute, guard.comparison, name_of(guard)) for guard in guards),
        ]
    )
    for source in transition.sources:
        assert expressions.values[f":from_{source.status.lower()}"] == {"S": source.status.value}


@pytest.mark.parametrize("write", WRITES)
def test_the_update_sets_each_attribute_of_the_transition_once(write: Write):
    update = compile_write(write, SHARDS).update
    setting, _, adding = update.removeprefix("SET ").partition(" ADD ")
    written = [*re.findall(r"#(\w+) =", setting), *re.findall(r"#(\w+) :", adding)]
    assert len(written) == len(set(written))
    assert set(written) == {
        *("status", "status_shard", "updated_at", "write_id", "timeline", "version"),
        *(change.attribute for change in TRANSITIONS[write.name].changes),
    }


def test_the_expressions_of_a_claim():
    expressions = compile_write(write_of("claim", order_in(Status.PENDING)), SHARDS)
    assert expressions.condition == (
        "(#status = :from_pending OR (#status = :from_processing AND #lease_until < :now))"
        " AND #attempts < :max_attempts"
    )
    assert expressions.update == (
        "SET #status = :status, #status_shard = :status_shard, #updated_at = :updated_at, #write_id = :write_id,"
        " #timeline = list_append(#timeline, :entry), #lease_owner = :new_lease_owner,"
        " #lease_until = :new_lease_until, #resends = :new_resends ADD #version :add_1, #attempts :add_1, #asked :add_1"
    )


def test_no_module_has_a_condition_outside_the_transition_table():
    written = {
        (path.name, *match)
        for path in Path(service.aws.__file__).parent.glob("*.py")
        for match in re.findall(r"\b(\w*(?:Condition|Update|Filter)Expression)\"?[:=] ?(.*?),?\n", path.read_text())
    }
    assert written == {
        ("store.py", "ConditionExpression", '"attribute_not_exists(order_id)"'),
        ("brake.py", "ConditionExpression", '"attribute_not_exists(order_id) OR #version = :before"'),
        ("cursor_key.py", "ConditionExpression", '"NOT (attribute_type(#key, :binary) AND size(#key) = :bytes)"'),
        ("expressions.py", "ConditionExpression", "self.condition"),
        ("expressions.py", "UpdateExpression", "self.update"),
        ("partitions.py", "KeyConditionExpression", "condition"),
    }


def test_every_store_applies_a_new_transition_of_the_table(store: OrderStore, monkeypatch: pytest.MonkeyPatch):
    calm = Guard("few restarts", "restarts", "<", "most_restarts")
    row = replace(
        TRANSITIONS["store"],
        sources=(Source(Status.REJECTED, (calm,)), Source(Status.CANCELLED)),
        target=Status.RECEIVED,
        changes=(Increment("epoch"), Reset("restarts", 7), Assign("owner")),
    )
    monkeypatch.setitem(TRANSITIONS, "store", row)
    values = {"most_restarts": 2, "owner": "somebody"}
    for order_id, status, restarts in (("a", "REJECTED", 1), ("b", "CANCELLED", 2)):
        order = store.create(order_in(Status(status), order_id, restarts=restarts))
        moved = store.apply(write_of("store", order, values=values))
        assert (moved.status, moved.epoch, moved.restarts, moved.owner) == ("RECEIVED", 2, 7, "somebody")
    for order_id, status, restarts in (("c", "REJECTED", 2), ("d", "RECEIVED", 1)):
        order = store.create(order_in(Status(status), order_id, restarts=restarts))
        with pytest.raises(TransitionRefused):
            store.apply(write_of("store", order, values=values))


# requests


def test_creating_an_order_takes_one_request(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    with requests(clients) as sent:
        dynamodb_store.create(order_in())
        dynamodb_store.create(order_in())
    assert [name for name, _ in sent] == ["PutItem", "PutItem"]


@pytest.mark.parametrize("name", NAMES)
def test_a_transition_takes_one_request_when_applied_repeated_or_refused(
    dynamodb_store: DynamoDbOrderStore, clients: Clients, name: TransitionName
):
    order: Order = dynamodb_store.create(permitting(name))
    write = write_of(name, order)
    with requests(clients) as sent:
        dynamodb_store.apply(write)
        dynamodb_store.apply(write)
        with pytest.raises(TransitionRefused):
            dynamodb_store.apply(replace(write, order_id="unknown"))
    assert [name for name, _ in sent] == ["TransactWriteItems" if name in IN_TWO_TABLES else "UpdateItem"] * 3


def test_reading_an_order_takes_one_request(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    with requests(clients) as sent:
        dynamodb_store.get("ord_1")
        dynamodb_store.get_failed("ord_1")
    assert [name for name, _ in sent] == ["GetItem", "GetItem"]


@pytest.mark.parametrize("shards", [1, 8])
def test_a_list_takes_one_query_for_each_partition_and_one_batch_read(clients: Clients, new_tables, shards: int):
    store = DynamoDbOrderStore(clients, new_tables(status_shards=shards))
    put(store, 10, status=lambda _: Status.PENDING)
    with requests(clients) as by_status:
        store.list_orders(Listing(status=Status.PENDING), 10)
    with requests(clients) as waiting:
        next(store.list_waiting(Status.PENDING, NOW, 10))
    with requests(clients) as by_customer:
        store.list_orders(Listing(customer_id="cust_123"), 10)
    with requests(clients) as by_reference:
        store.list_orders(Listing(owner="anonymous", reference="#1001"), 10)
    for sent, partitions in ((by_status, shards), (waiting, shards), (by_customer, 1), (by_reference, 1)):
        assert Counter(name for name, _ in sent) == {"Query": partitions, "BatchGetItem": 1}


def test_an_empty_list_reads_no_rows(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    with requests(clients) as sent:
        dynamodb_store.list_orders(Listing(status=Status.PENDING), 10)
        dynamodb_store.list_orders(Listing(customer_id="cust_123"), 10)
        dynamodb_store.list_orders(Listing(owner="anonymous", reference="#1001"), 10)
    assert Counter(name for name, _ in sent) == {"Query": SHARDS + 2}


def test_a_query_asks_for_one_key_more_than_the_page_size(dynamodb_store: DynamoDbOrderStore, clients: Clients):
    put(dynamodb_store, 3)
    with requests(clients) as sent:
        page = dynamodb_store.list_orders(Listing(customer_id="cust_123"), 2)
        dynamodb_store.list_orders(Listing(customer_id="cust_123"), 2, page.next)
    assert [body["Limit"] for name, body in sent if name == "Query"] == [3, 5]
