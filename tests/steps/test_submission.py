"""Submission stores the order and then starts its workflow; one idempotency key creates one order."""

import re

import pytest

from service.orders.errors import KeyReused, OrderInvalid
from service.orders.identity import ID_PATTERN, derive_id, order_id_for
from service.orders.lifecycle import Status
from service.orders.model import FieldError, TimelineEntry
from service.orders.orders import Orders
from service.orders.strict_json import MAX_SIZE, MalformedDocument, parse
from service.orders.submission import Submission
from service.steps import store
from tests.steps.doubles import PatchedStore, break_store
from tests.support import MemorySystem, valid_order

KEY = "a-key-of-16-chars"
TEXT = '{"customer_id":"c","items":[{"product_id":"p","quantity":2,"price":29.99}],"total_amount":59.98}'


@pytest.fixture
def system():
    return MemorySystem()


def submission(text=TEXT, **given):
    return Submission(document=parse(text), owner=given.pop("owner", "anonymous"), **given)


def test_a_submitted_order_is_received_and_its_workflow_started(system):
    order, replayed = Orders(system).submit(submission())
    assert not replayed
    assert system.store.get(order.order_id) == order
    assert (order.status, order.owner, order.customer_id) == (Status.RECEIVED, "anonymous", "c")
    assert order.timeline == (TimelineEntry(system.now(), None, Status.RECEIVED, "api"),)
    assert system.workflow.started == [(order.order_id, order.order_id)]


def test_the_row_is_stored_before_the_workflow_starts(system):
    seen = []
    system.workflow.start = lambda order_id, *_: seen.append(system.store.get(order_id))
    order, _ = Orders(system).submit(submission())
    assert seen == [order]


@pytest.mark.parametrize("error", [ConnectionError("canary"), RuntimeError(), TimeoutError(), ValueError()])
def test_an_order_is_accepted_even_if_its_workflow_cannot_be_started(error, system):
    system.workflow.broken = error
    order, replayed = Orders(system).submit(submission())
    assert (system.store.get(order.order_id), replayed) == (order, False)
    assert order.status is Status.RECEIVED


def test_no_workflow_starts_if_the_row_cannot_be_stored(system):
    system.store = PatchedStore(system.store, create=lambda store, order: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Orders(system).submit(submission())
    assert system.workflow.started == []


def test_orders_without_a_key_have_random_ids(system):
    ids = [Orders(system).submit(submission())[0].order_id for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("ord_[0-9a-f]{32}", order_id) for order_id in ids)


def test_a_retry_with_the_same_key_returns_the_first_order(system):
    first, _ = Orders(system).submit(submission(idempotency_key=KEY))
    system.now.forward(60)
    assert Orders(system).submit(submission(idempotency_key=KEY)) == (first, True)
    assert (len(system.store.orders), len(system.workflow.started)) == (1, 1)


def test_a_late_retry_returns_the_current_order(system):
    first, _ = Orders(system).submit(submission(idempotency_key=KEY))
    store.run({"order_id": first.order_id}, system)
    again, replayed = Orders(system).submit(submission(idempotency_key=KEY))
    assert (again.order_id, again.status, replayed) == (first.order_id, Status.PENDING, True)


@pytest.mark.parametrize(
    "same",
    [
        TEXT.replace("59.98", "59.980"),
        TEXT.replace("59.98", "5998e-2"),
        TEXT.replace(":", " :\n"),
        TEXT[:-1] + ',"currency":"USD","metadata":{}}',
        '{"total_amount":59.98,"items":[{"price":29.99,"quantity":2,"product_id":"p"}],"customer_id":"c"}',
        TEXT.replace('"c"', '"\\u0063"'),
    ],
)
def test_the_same_order_in_another_notation_is_a_retry(same, system):
    first, _ = Orders(system).submit(submission(idempotency_key=KEY))
    assert Orders(system).submit(submission(same, idempotency_key=KEY)) == (first, True)


@pytest.mark.parametrize(
    "other",
    [
        TEXT.replace('"c"', '"d"'),
        TEXT[:-1] + ',"currency":"EUR"}',
        TEXT[:-1] + ',"metadata":{"a":"b"}}',
        '{"customer_id":"c","items":[{"product_id":"p","quantity":1,"price":59.98}],"total_amount":59.98}',
    ],
)
def test_a_key_cannot_be_used_for_another_order(other, system):
    first, _ = Orders(system).submit(submission(idempotency_key=KEY))
    with pytest.raises(KeyReused):
        Orders(system).submit(submission(other, idempotency_key=KEY))
    assert system.store.orders == {first.order_id: first}
    assert len(system.workflow.started) == 1


@pytest.mark.parametrize(
    ("owner", "order_id"),
    [
        ("anonymous", "ord_955bb1277f7d3c895a8724dccb20f50f"),
        ("key:k1a2b3", "ord_38abb83914d0a824fea14e9736150996"),
    ],
)
def test_a_key_has_the_same_order_id_as_in_version_0_1_0(owner, order_id, system):
    """With another id, a retry after a deployment would create a second order."""
    assert Orders(system).submit(submission(idempotency_key=KEY, owner=owner))[0].order_id == order_id


def test_the_same_key_of_two_callers_creates_two_orders(system):
    ids = {Orders(system).submit(submission(idempotency_key=KEY, owner=owner))[0].order_id for owner in ("ann", "bob")}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("one", "other"), [(("ab", "c"), ("a", "bc")), (("a", ""), ("", "a")), (("a",), ("a", "")), (("1:a",), ("1", "a"))]
)
def test_derived_ids_separate_their_parts(one, other):
    assert derive_id(*one) != derive_id(*other)
    assert derive_id(*one) == derive_id(*one)


@pytest.mark.parametrize("key", [None, KEY, "x" * 128, '"quoted"' * 3, "é" * 16])
def test_every_order_id_matches_the_pattern_of_ids(key):
    assert re.fullmatch(ID_PATTERN, order_id_for("iam:arn:aws:iam::123456789012:user/é", key, lambda: "0" * 32))


@pytest.mark.parametrize(
    "text", ["{}", "[]", '"x"', "null", "5", TEXT.replace("59.98", "59.97"), TEXT[:-1] + ',"x":1}']
)
def test_an_invalid_order_is_refused_and_not_stored(text, system):
    with pytest.raises(OrderInvalid) as refused:
        Orders(system).submit(submission(text))
    assert refused.value.errors
    assert (system.store.orders, system.workflow.started) == ({}, [])


@pytest.mark.parametrize(
    ("text", "customer"),
    [
        ("{}", None),
        ('{"customer_id":5}', None),
        ('{"customer_id":"a b"}', "a b"),
        ('{"customer_id":" a"}', None),
        ('{"customer_id":"c\\n"}', None),
        ('{"customer_id":"c","note":[1.50,{"x":null}]}', "c"),
    ],
)
def test_lenient_handling_stores_any_object_and_starts_its_workflow(text, customer, system):
    order, _ = Orders(system).submit(submission(text, lenient_bytes=MAX_SIZE))
    assert order.document == parse(text)
    assert (order.status, order.customer_id, order.errors) == (Status.RECEIVED, customer, ())
    assert system.workflow.started == [(order.order_id, order.order_id)]


@pytest.mark.parametrize("text", ["[]", '"x"', "null", "5", "true"])
def test_lenient_handling_refuses_documents_that_are_not_objects(text, system):
    with pytest.raises(OrderInvalid) as refused:
        Orders(system).submit(submission(text, lenient_bytes=MAX_SIZE))
    assert [error.pointer for error in refused.value.errors] == [""]
    assert system.store.orders == {}


def test_lenient_handling_has_a_limit_in_bytes(system):
    text = '{ "note": "é" }'  # 13 bytes without the spaces
    Orders(system).submit(submission(text, lenient_bytes=13))
    with pytest.raises(OrderInvalid) as refused:
        Orders(system).submit(submission(text, lenient_bytes=12))
    assert refused.value.errors[-1] == FieldError("", "is larger than 12 bytes, the limit of invalid orders")
    assert len(system.store.orders) == 1


def test_a_valid_order_may_be_larger_than_the_limit_of_lenient_handling(system):
    order, _ = Orders(system).submit(submission(lenient_bytes=1))
    assert order.status is Status.RECEIVED


def test_a_lenient_retry_of_a_valid_order_returns_the_first_order(system):
    first, _ = Orders(system).submit(submission(idempotency_key=KEY))
    assert Orders(system).submit(submission(idempotency_key=KEY, lenient_bytes=MAX_SIZE)) == (first, True)


def test_an_unavailable_table_is_an_error_and_starts_no_workflow(system):
    break_store(system, "create", order_id_for("anonymous", KEY, str))
    with pytest.raises(ConnectionError):
        Orders(system).submit(submission(idempotency_key=KEY))
    assert system.workflow.started == []


def test_a_malformed_document_is_refused(system):
    with pytest.raises(MalformedDocument):
        Orders(system).submit(submission('{"a":NaN}'))


def test_a_submitted_order_is_read_back_exactly(system):
    order, _ = Orders(system).submit(submission())
    assert order.document["items"][0] == {"product_id": "p", "quantity": 2, "price": parse("29.99")}
    assert valid_order().keys() <= order.document.keys() == {"currency", "metadata"} | valid_order().keys()
