"""Pages of a list in which many orders can have the same timestamp."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.views import DecimalResponse
from service.orders.json_views import operator_view
from service.orders.lifecycle import Status
from service.orders.model import FieldError, Order, TimelineEntry
from service.orders.paging import Key, Position, cut, mark, read_page, rows_to_read
from tests.contract.support import order_in
from tests.support import START

# few timestamps for many keys, so that most keys share theirs with others
KEYS = st.lists(st.integers(0, 4), max_size=40).map(
    lambda stamps: [key(stamp, number) for number, stamp in enumerate(stamps)]
)
LIMITS = st.integers(1, 7)


def key(stamp: int, number: int) -> Key:
    return Key(START + timedelta(milliseconds=stamp), f"ord_{number:02}")


def read(keys: list[Key], limit: int, after: Position | None, data: st.DataObject, partitions: int) -> list[Key]:
    """The answer of an index: the newest keys of each partition; keys with equal timestamps come in any order."""
    found = []
    for partition in range(partitions):
        mine = [each for each in keys if int(each.order_id[4:]) % partitions == partition]
        candidates = data.draw(st.permutations([each for each in mine if after is None or each.at <= after.at]))
        found += sorted(candidates, key=lambda each: each.at, reverse=True)[: rows_to_read(limit, after)]
    return data.draw(st.permutations(found))


def walk(keys: list[Key], limit: int, data: st.DataObject, partitions: int = 1) -> list[list[str]]:
    pages, after = [], None
    while not pages or after is not None:
        page, after = cut(read(keys, limit, after, data, partitions), limit, after)
        pages.append([each.order_id for each in page])
        assert len(pages) <= len(keys) + 1
    return pages


@given(KEYS, LIMITS, st.data())
def test_the_pages_hold_every_key_exactly_once(keys: list[Key], limit: int, data: st.DataObject):
    listed = [order_id for page in walk(keys, limit, data) for order_id in page]
    assert sorted(listed) == sorted(each.order_id for each in keys)


@given(KEYS, LIMITS, st.integers(2, 4), st.data())
def test_the_pages_of_several_partitions_hold_every_key_exactly_once(
    keys: list[Key], limit: int, partitions: int, data: st.DataObject
):
    listed = [order_id for page in walk(keys, limit, data, partitions) for order_id in page]
    assert sorted(listed) == sorted(each.order_id for each in keys)


@given(KEYS, LIMITS, st.data())
def test_the_pages_are_read_newest_first(keys: list[Key], limit: int, data: st.DataObject):
    at = {each.order_id: each.at for each in keys}
    stamps = [at[order_id] for page in walk(keys, limit, data) for order_id in page]
    assert stamps == sorted(stamps, reverse=True)


@given(KEYS, LIMITS, st.data())
def test_only_the_last_page_may_be_partly_filled(keys: list[Key], limit: int, data: st.DataObject):
    *full, last = walk(keys, limit, data)
    assert all(len(page) == limit for page in full)
    assert 0 < len(last) <= limit or not keys


@given(KEYS, LIMITS, st.integers(1, 5), st.data())
def test_new_orders_neither_hide_nor_repeat_older_ones(keys: list[Key], limit: int, arriving: int, data: st.DataObject):
    first, after = cut(read(keys, limit, None, data, 1), limit, None)
    later = [key(9, 50 + number) for number in range(arriving)]
    listed = list(first)
    while after is not None:
        page, after = cut(read(keys + later, limit, after, data, 1), limit, after)
        listed += page
    assert sorted(listed) == sorted(keys)


def test_a_full_last_page_has_no_next_page():
    assert cut([key(0, 1), key(1, 2)], 2, None) == ([key(1, 2), key(0, 1)], None)


def test_an_empty_list_is_one_empty_page():
    assert cut([], 10, None) == ([], None)


def test_a_position_lists_the_orders_already_shown_with_its_timestamp():
    keys = [key(5, number) for number in range(5)]
    first, after = cut(keys, 2, None)
    assert after == Position(keys[0].at, frozenset(mark(each.order_id) for each in first))
    second, after = cut(keys, 2, after)
    assert after == Position(keys[0].at, frozenset(mark(each.order_id) for each in first + second))


def test_a_position_drops_orders_with_other_timestamps():
    keys = [key(5, 0), key(4, 1), key(3, 2)]
    _, after = cut(keys, 1, None)
    _, after = cut(keys, 1, after)
    assert after == Position(keys[1].at, frozenset({mark("ord_01")}))


@pytest.mark.parametrize(("listed", "keys"), [(None, 11), (frozenset({"a", "b"}), 13)])
def test_one_more_key_is_read_than_is_shown(listed: frozenset[str] | None, keys: int):
    assert rows_to_read(10, None if listed is None else Position(START, listed)) == keys


LAMBDA_ANSWER = 6_291_556
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
ENTRY = TimelineEntry(START, Status.PENDING, Status.PROCESSING, "operator:" + "a" * 200, '"é' * 100)
LARGE = {
    "document": {"submission": json.dumps({"customer_id": "c", "note": '"é' * 20_000}, ensure_ascii=False)},
    "timeline": {"timeline": (ENTRY,) * 100},
    "errors": {"errors": (FieldError("/items/0/" + "x" * 200, "is not a field of an order"),) * 400},
}


@pytest.mark.parametrize("large", LARGE)
def test_a_page_of_orders_fits_into_an_answer_whatever_makes_them_large(large: str):
    orders = {f"ord_{number:02}": order_in(order_id=f"ord_{number:02}", **LARGE[large]) for number in range(100)}
    keys = [Key(START, order_id) for order_id in sorted(orders, reverse=True)]
    page = read_page(keys, None, None, lambda ids: [orders[order_id] for order_id in ids], 100, lambda _: True)
    assert 2_000_000 < answer_size(page.orders) < LAMBDA_ANSWER < answer_size([*orders.values()])
    assert page.next is not None


def answer_size(orders: Sequence[Order]) -> int:
    body = DecimalResponse({"orders": [operator_view(order, order.updated_at) for order in orders]}).body
    return len(json.dumps({"body": bytes(body).decode()}))
