"""The brake's row: both stores keep it, let one of several writers win, and no list of orders shows it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.aws.brake import KEY, DynamoDbBrake
from service.aws.store import DynamoDbOrderStore
from service.orders.brake import Brake
from service.orders.identity import is_id
from service.orders.lifecycle import Status
from service.orders.listing import Listing
from service.orders.ports import BrakeStore
from service.settings import Settings
from tests.contract.support import requests
from tests.invariants import rows
from tests.memory.brake import InMemoryBrake
from tests.support import START

ON = Brake(refusals=3, since=START, probe_at=START + timedelta(seconds=30), version=1)
RELEASED = Brake(released_at=START + timedelta(minutes=1), version=2)


@pytest.fixture
def settings(new_tables) -> Settings:
    found: Settings = new_tables()
    return found


@pytest.fixture(params=["memory", "dynamodb"])
def brake(request, clients, settings) -> BrakeStore:
    return InMemoryBrake() if request.param == "memory" else DynamoDbBrake(clients, settings.orders_table)


def test_there_is_no_brake_at_first(brake):
    assert brake.read() == Brake()


def test_a_row_is_read_as_it_was_written(brake):
    assert brake.replace(ON)
    assert brake.read() == ON
    assert brake.replace(RELEASED)
    assert brake.read() == RELEASED


@pytest.mark.parametrize("late", [ON, Brake(refusals=1, version=1), Brake(version=3)])
def test_a_writer_that_has_not_seen_the_present_version_changes_nothing(brake, late):
    brake.replace(ON)
    assert not brake.replace(late)
    assert brake.read() == ON


@pytest.mark.parametrize("damage", [{"probe_at": {"S": "soon"}}, {"refusals": {"N": "1.5"}}, {"version": {"S": "new"}}])
def test_a_row_that_cannot_be_read_is_no_brake_and_the_log_names_the_attribute(clients, settings, damage, caplog):
    brake = DynamoDbBrake(clients, settings.orders_table)
    brake.replace(ON)
    row = clients.dynamodb.get_item(TableName=settings.orders_table, Key={"order_id": {"S": KEY}})["Item"]
    clients.dynamodb.put_item(TableName=settings.orders_table, Item=row | damage)
    assert not brake.read().is_on
    assert not brake.replace(replace(ON, version=7))
    assert f"{KEY} cannot be read, because of {next(iter(damage))}" in caplog.text


def test_no_list_and_no_count_shows_the_row(clients, settings):
    DynamoDbBrake(clients, settings.orders_table).replace(ON)
    store = DynamoDbOrderStore(clients, settings)
    assert [store.list_orders(Listing(status=status), 10).orders for status in Status] == [()] * len(Status)
    assert not any(store.tally(status, 10).count for status in Status)
    assert not is_id(KEY), "no route reads it"
    assert rows(clients.dynamodb, settings.orders_table) == {}


def test_a_read_is_consistent_and_each_operation_is_one_call(clients, settings):
    brake = DynamoDbBrake(clients, settings.orders_table)
    with requests(clients) as sent:
        brake.read()
        brake.replace(ON)
    assert [name for name, _ in sent] == ["GetItem", "PutItem"]
    assert sent[0][1]["ConsistentRead"]
