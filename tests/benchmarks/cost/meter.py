"""What the function asks of AWS, and how long it is busy itself: read where the emulator answers."""

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

from tests.benchmarks.cost.dynamodb import Charge, Item, found_nothing, read_consistently, written


@dataclass(frozen=True, slots=True)
class Call:
    """One request to AWS; ``order_id`` is the order that it is about."""

    name: str
    order_id: str
    charges: tuple[Charge, ...] = ()


class Meter:
    """Keeps the calls that are made, and the processor's time that goes to the emulator and not to us."""

    def __init__(self, region: str, tables: dict[str, Any]) -> None:
        self._region = region
        self._tables = tables
        self._lock = threading.Lock()
        self.calls: list[Call] = []
        self.emulated = 0.0

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Stand before the emulator, which answers one request at a time meanwhile."""
        answer = BotocoreStubber.__call__

        def metered(stubber: BotocoreStubber, event_name: str, request: Any, **more: Any) -> Any:
            began = time.thread_time()
            with self._lock:
                try:
                    return self._metered(event_name, request, lambda: answer(stubber, event_name, request, **more))
                finally:
                    self.emulated += time.thread_time() - began

        with patch.object(BotocoreStubber, "__call__", metered):
            yield

    def _metered(self, event_name: str, request: Any, send: Any) -> Any:
        _, service, operation = event_name.split(".")
        body = json.loads(request.body)
        touched = [(table, key) for table, key in _touched(operation, body) if service == "dynamodb"]
        before = [self.row(*each) for each in touched]
        answered = send()
        assert answered.status_code == 200, f"{operation} was refused: {answered.text}"
        after = [self.row(*each) for each in touched]
        charges = [
            read_consistently(old)
            if operation == "GetItem"
            else written(self._tables[table], old, new, in_a_transaction=operation == "TransactWriteItems")
            for (table, _), old, new in zip(touched, before, after, strict=True)
        ]
        if operation == "Query":
            assert json.loads(answered.text)["Count"] == 0, "the model knows no other"
            charges = [found_nothing()]
        order_id = touched[0][1] if touched else str(body.get("name", ""))
        self.calls.append(Call(f"{service}.{operation}", order_id, tuple(charges)))
        return answered

    def row(self, table: str, order_id: str) -> Item:
        found = dynamodb_backends[DEFAULT_ACCOUNT_ID][self._region].get_item(table, {"order_id": {"S": order_id}})
        return dict(found.to_json()["Attributes"]) if found else {}


def _touched(operation: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    """The tables and orders that a request of the service touches."""
    match operation:
        case "PutItem":
            return [(body["TableName"], body["Item"]["order_id"]["S"])]
        case "GetItem" | "UpdateItem":
            assert operation == "UpdateItem" or body["ConsistentRead"], "other reads cost half"
            return [(body["TableName"], body["Key"]["order_id"]["S"])]
        case "TransactWriteItems":
            writes = [next(iter(each.items())) for each in body["TransactItems"]]
            return [
                (each["TableName"], each["Item" if kind == "Put" else "Key"]["order_id"]["S"]) for kind, each in writes
            ]
        case "StartExecution" | "Query" | "ReceiveMessage":
            return []
    raise ValueError(f"the model does not know what {operation} costs")


def longest_chain(calls: list[Call]) -> int:
    """Calls that follow one another: those of different orders are made side by side."""
    return max(Counter(call.order_id for call in calls).values(), default=0)
