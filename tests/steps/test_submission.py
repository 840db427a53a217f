"""Taking an order in: the row comes first, then the workflow; one idempotency key is one order."""

import re

import pytest

from service.orders.errors import KeyReused, OrderInvalid
from service.orders.identity import derived_id, order_id_for
from service.orders.lifecycle import Status
from service.orders.model import TimelineEntry
from service.orders.orders import Orders
from service.orders.strict_json import MalformedDocument, parse
from service.orders.submission import Submission
from service.orders.validation import ID_PATTERN
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


def test_an_order_is_received_and_its_workflow_started(system):
    order, replayed = Orders(system).submit(submission())
    assert not replayed
    assert system.store.get(order.order_id) == order
    assert (order.status, order.owner, order.customer_id) == (Status.RECEIVED, "anonymous", "c")
    assert order.timeline == (TimelineEntry(system.now(), None, Status.RECEIVED, "api"),)
    assert system.workflow.started == [(order.order_id, order.order_id)]


def test_the_row_stands_before_the_workflow_starts(system):
    seen = []
    system.workflow.start = lambda order_id, *_: seen.append(system.store.get(order_id))
    order, _ = Orders(system).submit(submission())
    assert seen == [order]


@pytest.mark.parametrize("error", [ConnectionError("canary"), RuntimeError(), TimeoutError(), ValueError()])
def test_an_order_whose_workflow_cannot_be_started_is_taken_in_all_the_same(error, system):
    system.workflow.broken = error
    order, replayed = Orders(system).submit(submission())
    assert (system.store.get(order.order_id), replayed) == (order, False)
    assert order.status is Status.RECEIVED


def test_without_a_row_no_workflow_is_started(system):
    system.store = PatchedStore(system.store, create=lambda store, order: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Orders(system).submit(submission())
    assert system.workflow.started == []


def test_orders_without_a_key_have_random_ids(system):
    ids = [Orders(system).submit(submission())[0].order_id for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("ord_[0-9a-f]{32}", order_id) for order_id in ids)


def test_a_repeat_with_its_key_gets_the_first_answer_and_starts_nothing(system):
    first, _ = Orders(system).submit(submission(idempotency_key=KEY))
    system.now.forward(60)
    assert Orders(system).submit(submission(idempotency_key=KEY)) == (first, True)
    assert (len(system.store.orders), len(system.workflow.started)) == (1, 1)


def test_a_repeat_long_after_finds_the_order_where_it_is_by_then(system):
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
def test_the_same_order_written_otherwise_is_the_same(same, system):
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
def test_a_key_does_not_serve_another_order(other, system):
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
def test_a_key_leads_to_the_order_id_that_version_0_1_0_made_of_it(owner, order_id, system):
    """With another id, a retry across a deployment would be a second order."""
    assert Orders(system).submit(submission(idempotency_key=KEY, owner=owner))[0].order_id == order_id


def test_one_key_of_two_callers_is_two_orders(system):
    ids = {Orders(system).submit(submission(idempotency_key=KEY, owner=owner))[0].order_id for owner in ("ann", "bob")}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("one", "other"), [(("ab", "c"), ("a", "bc")), (("a", ""), ("", "a")), (("a",), ("a", "")), (("1:a",), ("1", "a"))]
)
def test_derived_ids_do_not_confuse_where_a_part_ends(one, other):
    assert derived_id(*one) != derived_id(*other)
    assert derived_id(*one) == derived_id(*one)


@pytest.mark.parametrize("key", [None, KEY, "x" * 128, '"quoted"' * 3, "é" * 16])
def test_every_id_is_an_id(key):
    assert re.fullmatch(ID_PATTERN, order_id_for("iam:arn:aws:iam::123456789012:user/é", key, lambda: "0" * 32))


@pytest.mark.parametrize(
    "text", ["{}", "[]", '"x"', "null", "5", TEXT.replace("59.98", "59.97"), TEXT[:-1] + ',"x":1}']
)
def test_an_invalid_order_is_refused_and_nothing_is_kept(text, system):
    with pytest.raises(OrderInvalid) as refused:
        Orders(system).submit(submission(text))
    assert refused.value.errors
    assert (system.store.orders, system.workflow.started) == ({}, [])


@pytest.mark.parametrize(
    ("text", "customer"),
    [
        ("{}", None),
        ('{"customer_id":5}', None),
        ('{"customer_id":"a b"}', None),
        ('{"customer_id":"c\\n"}', None),
        ('{"customer_id":"c","note":[1.50,{"x":null}]}', "c"),
    ],
)
def test_leniently_any_object_is_kept_as_it_was_sent_and_left_to_the_workflow(text, customer, system):
    order, _ = Orders(system).submit(submission(text, lenient=True))
    assert order.document == parse(text)
    assert (order.status, order.customer_id, order.errors) == (Status.RECEIVED, customer, ())
    assert system.workflow.started == [(order.order_id, order.order_id)]


@pytest.mark.parametrize("text", ["[]", '"x"', "null", "5", "true"])
def test_leniently_what_is_no_object_is_refused_still(text, system):
    with pytest.raises(OrderInvalid) as refused:
        Orders(system).submit(submission(text, lenient=True))
    assert [error.pointer for error in refused.value.errors] == [""]
    assert system.store.orders == {}


def test_a_valid_order_is_the_same_order_leniently(system):
    first, _ = Orders(system).submit(submission(idempotency_key=KEY))
    assert Orders(system).submit(submission(idempotency_key=KEY, lenient=True)) == (first, True)


def test_a_table_that_does_not_answer_is_an_error_and_not_an_order(system):
    break_store(system, "create", order_id_for("anonymous", KEY, str))
    with pytest.raises(ConnectionError):
        Orders(system).submit(submission(idempotency_key=KEY))
    assert system.workflow.started == []


def test_what_is_malformed_never_gets_as_far(system):
    with pytest.raises(MalformedDocument):
        Orders(system).submit(submission('{"a":NaN}'))


def test_what_was_submitted_can_be_read_back_exactly(system):
    order, _ = Orders(system).submit(submission())
    assert order.document["items"][0] == {"product_id": "p", "quantity": 2, "price": parse("29.99")}
    assert valid_order().keys() <= order.document.keys() == {"currency", "metadata"} | valid_order().keys()
