"""Records the ids of the rows and index entries that a store reads, in memory or on DynamoDB."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from service.aws.clients import Clients
from service.orders.ports import OrderStore
from tests.contract.support import on
from tests.memory.store import InMemoryOrderStore
from tests.memory.table import Index, Table


@contextmanager
def reads_of(store: OrderStore, clients: Clients) -> Iterator[list[str]]:
    """Record the id of each row and each index entry that is read, also in the responses of writes."""
    ids: list[str] = []
    with _in_memory(ids) if isinstance(store, InMemoryOrderStore) else _on_dynamodb(ids, clients):
        yield ids


@contextmanager
def _in_memory(ids: list[str]) -> Iterator[None]:
    read_row, read_keys = Table.__getitem__, Index.keys

    def row(table: Any, order_id: str) -> Any:
        found = read_row(table, order_id)
        ids.append(order_id)
        return found

    def keys(*args: Any, **options: Any) -> Any:
        part = read_keys(*args, **options)
        ids.extend(key.order_id for key in part.keys)
        return part

    with patch.object(Table, "__getitem__", row), patch.object(Index, "keys", keys):
        yield


@contextmanager
def _on_dynamodb(ids: list[str], clients: Clients) -> Iterator[None]:
    def answer(parsed: dict[str, Any], **_: Any) -> None:
        ids.extend(_ids_in(parsed))

    with on(clients, "after-call.dynamodb", answer):
        yield


def _ids_in(document: Any) -> Iterator[str]:
    """The ids of all items in a response, wherever they are."""
    if isinstance(document, dict):
        order_id = document.get("order_id")
        if isinstance(order_id, dict) and "S" in order_id:
            yield order_id["S"]
            return
        document = document.values()
    if not isinstance(document, str):
        for part in document if isinstance(document, Iterable) else ():
            yield from _ids_in(part)
