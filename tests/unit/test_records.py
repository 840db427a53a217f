"""The index partitions of an order."""

import pytest

from service.aws.records import from_order, owner_reference, shard_key
from service.orders.lifecycle import Status
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
