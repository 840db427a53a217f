"""Records the function's AWS calls and the emulator's processor time, between botocore and the emulator."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.botocore_stubber import BotocoreStubber
from moto.dynamodb.models import dynamodb_backends

from tests.benchmarks.cost.dynamodb import Charge, Item, empty_query_charge, read_charge, write_charge


@dataclass(frozen=True, slots=True)
class Call:
    """One request to AWS. ``order_id`` is its order."""

    name: str
    order_id: str
    charges: tuple[Charge, ...] = ()


class Meter:
    """Records AWS calls, and the processor time of the emulator, which does not count as the function's."""

    def __init__(self, region: str, tables: dict[str, Any]) -> None:
        self._region = region
        self._tables = tables
        self._lock = threading.Lock()
        self.calls: list[Call] = []
        self.emulated = 0.0

    @contextmanager
    def install(self) -> Iterator[None]:
        """Intercept all requests to the emulator, which then answers one request at a time."""
        answer = BotocoreStubber.__call__

        def record_call(stubber: BotocoreStubber, event_name: str, request: Any, **more: Any) -> Any:
            began = time.thread_time()
            with self._lock:
                try:
                    return self._record(event_name, request, lambda: answer(stubber, event_name, request, **more))
                finally:
                    self.emulated += time.thread_time() - began

        with patch.object(BotocoreStubber, "__call__", record_call):
            yield

    def _record(self, event_name: str, request: Any, send: Any) -> Any:
        _, service, operation = event_name.split(".")
        body = json.loads(request.body)
        items = [(table, key) for table, key in _items_of(operation, body) if service == "dynamodb"]
        before = [self.row(*each) for each in items]
        response = send()
        assert response.status_code == 200, f"{operation} failed: {response.text}"
        after = [self.row(*each) for each in items]
        charges = [
            read_charge(old)
            if operation == "GetItem"
            else write_charge(self._tables[table], old, new, in_a_transaction=operation == "TransactWriteItems")
            for (table, _), old, new in zip(items, before, after, strict=True)
        ]
        if operation == "Query":
            assert json.loads(response.text)["Count"] == 0, "only queries without results are modeled"
            charges = [empty_query_charge()]
        order_id = items[0][1] if items else str(body.get("name", ""))
        self.calls.append(Call(f"{service}.{operation}", order_id, tuple(charges)))
        return response

    def row(self, table: str, order_id: str) -> Item:
        found = dynamodb_backends[DEFAULT_ACCOUNT_ID][self._region].get_item(table, {"order_id": {"S": order_id}})
        return dict(found.to_json()["Attributes"]) if found else {}


def _items_of(operation: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the tables and orders of a request of the service."""
    match operation:
        case "PutItem":
            return [(body["TableName"], body["Item"]["order_id"]["S"])]
        case "GetItem" | "UpdateItem":
            assert operation == "UpdateItem" or body["ConsistentRead"], (
                "only consistent reads are modeled; others cost half"
            )
            return [(body["TableName"], body["Key"]["order_id"]["S"])]
        case "TransactWriteItems":
            writes = [next(iter(each.items())) for each in body["TransactItems"]]
            return [
                (each["TableName"], each["Item" if kind == "Put" else "Key"]["order_id"]["S"]) for kind, each in writes
            ]
        case "StartExecution" | "Query" | "ReceiveMessage":
            return []
    raise ValueError(f"the charge of {operation} is not modeled")


def longest_chain(calls: list[Call]) -> int:
    """Count the calls of the order with the most calls. Calls of different orders run in parallel."""
    return max(Counter(call.order_id for call in calls).values(), default=0)
