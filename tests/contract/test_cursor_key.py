"""The key of the cursors: one for all processes of a deployment, in a row that no list shows."""

import pytest

from service.aws.cursor_key import KEY, KEY_BYTES, read_or_create
from service.orders.identity import is_id
from service.wiring import LiveSystem
from tests.contract.support import requests
from tests.invariants import rows


@pytest.fixture
def table(new_tables) -> str:
    name: str = new_tables().orders_table
    return name


def test_every_process_has_the_key_of_the_first_one(clients, table):
    key = read_or_create(clients, table)
    assert len(key) == KEY_BYTES
    with requests(clients) as sent:
        assert read_or_create(clients, table) == key
    assert [name for name, _ in sent] == ["GetItem"]
    assert sent[0][1]["ConsistentRead"]


def test_two_deployments_have_two_keys(clients, new_tables):
    assert read_or_create(clients, new_tables().orders_table) != read_or_create(clients, new_tables().orders_table)


def test_a_process_that_another_one_was_faster_than_takes_its_key(clients, table, monkeypatch):
    answers = [{}]  # the first read was before the other's write
    read = clients.dynamodb.get_item
    monkeypatch.setattr(clients.dynamodb, "get_item", lambda **given: answers.pop() if answers else read(**given))
    theirs = b"k" * KEY_BYTES
    clients.dynamodb.put_item(TableName=table, Item={"order_id": {"S": KEY}, "key": {"B": theirs}})
    assert read_or_create(clients, table) == theirs


@pytest.mark.parametrize(
    "damage", [{}, {"key": {"S": "s" * KEY_BYTES}}, {"key": {"NULL": True}}, {"key": {"B": b""}}, {"key": {"B": b"k"}}]
)
def test_a_damaged_row_is_written_anew(damage, clients, table):
    clients.dynamodb.put_item(TableName=table, Item={"order_id": {"S": KEY}} | damage)
    key = read_or_create(clients, table)
    assert len(key) == KEY_BYTES
    assert read_or_create(clients, table) == key


def test_no_order_has_the_row(clients, table):
    read_or_create(clients, table)
    assert not is_id(KEY), "no route reads it"
    assert rows(clients.dynamodb, table) == {}


def test_a_process_reads_the_key_once(clients, new_tables):
    system = LiveSystem(new_tables())
    system._clients = clients
    read_or_create(clients, system.settings.orders_table)
    with requests(clients) as sent:
        assert system.cursor_key == system.cursor_key
    assert [name for name, _ in sent] == ["GetItem"]
