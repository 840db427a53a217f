"""The row of an order: its index partitions, its lines and its parcels."""

import pytest

from service.aws.attributes import to_attribute
from service.aws.records import from_order, owner_reference, shard_key, to_order
from service.orders.errors import UnreadableRow
from service.orders.lifecycle import Status
from service.orders.shipments import Shipment
from tests.contract.support import order_in


@pytest.mark.parametrize("shards", [1, 2, 8, 16])
def test_the_orders_of_a_status_fill_all_shards_and_no_more(shards):
    partitions = {shard_key(Status.PENDING, f"ord_{number}", shards) for number in range(500)}
    assert partitions == {f"PENDING#{shard}" for shard in range(shards)}


def test_no_two_pairs_of_an_owner_and_a_reference_share_a_partition():
    pairs = [("api_key:a", "b:c"), ("api_key:a:b", "c"), ("api_key", "a:b:c"), ("9:api_key:a", "b:c")]
    assert len({owner_reference(*pair) for pair in pairs}) == len(pairs)


def test_a_row_without_a_reference_is_in_no_index_of_references():
    assert not {"reference", "owner_reference"} & from_order(order_in(reference=None), 8).keys()


def test_a_parcel_without_a_description_is_read_as_it_was_written():
    order = order_in(shipments=(Shipment(delivery=2, id="*", lines=((1, 2),)),), parcels=1)
    assert to_order(from_order(order, 8)) == order


def test_a_row_without_lines_and_parcels_has_no_empty_lists():
    assert not {"lines", "shipments", "due_at"} & from_order(order_in(lines=(), due_at=None), 8).keys()


@pytest.mark.parametrize("lines", [[[1, 0]], [[0, 1]], [[1]], [["1", 1]], [1], "1"])
def test_a_row_with_lines_that_are_none_is_unreadable(lines):
    with pytest.raises(UnreadableRow, match="attribute lines"):
        to_order(from_order(order_in(), 8) | {"lines": to_attribute(lines)})
