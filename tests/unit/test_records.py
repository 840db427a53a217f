"""The index partitions of an order."""

import pytest

from service.aws.records import shard_key
from service.orders.lifecycle import Status


@pytest.mark.parametrize("shards", [1, 2, 8, 16])
def test_the_orders_of_a_status_fill_all_shards_and_no_more(shards):
    partitions = {shard_key(Status.PENDING, f"ord_{number}", shards) for number in range(500)}
    assert partitions == {f"PENDING#{shard}" for shard in range(shards)}
