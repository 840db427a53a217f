"""The indexes of a table always agree with a scan of all its rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.orders.paging import Key, Span
from tests.memory.table import Index, Table
from tests.support import START

IDS = st.sampled_from(["ord_a", "ord_b", "ord_c", "ord_d", "ord_e"])
STAMPS = st.integers(0, 4).map(lambda seconds: START + timedelta(seconds=seconds))


@dataclass(frozen=True)
class Row:
    color: str | None
    at: datetime


ROWS = st.builds(Row, color=st.sampled_from(["red", "blue", None]), at=STAMPS)
SPANS = st.builds(Span, start=st.none() | STAMPS, end=st.none() | STAMPS)


def table() -> Table[Row]:
    return Table(Index(lambda row: row.color, lambda row: row.at))


@given(
    writes=st.lists(st.tuples(IDS, ROWS | st.none())), span=SPANS, most=st.integers(1, 6), oldest_first=st.booleans()
)
def test_an_index_agrees_with_a_scan_of_all_rows(writes, span, most, oldest_first):
    colors, plain = table(), {}
    for order_id, row in writes:
        for rows in (colors, plain):
            if row is None:
                rows.pop(order_id, None)
            else:
                rows[order_id] = row
    assert colors == plain
    keys = sorted(Key(row.at, order_id) for order_id, row in plain.items() if row.color == "red" and row.at in span)
    part = colors.indexes[0].keys("red", span, most, oldest_first=oldest_first)
    assert part.keys == tuple(keys if oldest_first else reversed(keys))[:most]
    assert part.whole == (len(keys) <= most)
    assert colors.indexes[0].count("red") == sum(row.color == "red" for row in plain.values())


def test_a_missing_row_cannot_be_read_or_deleted():
    colors = table()
    with pytest.raises(KeyError):
        colors["ord_a"]
    with pytest.raises(KeyError):
        del colors["ord_a"]
    assert colors.get("ord_a") is None
