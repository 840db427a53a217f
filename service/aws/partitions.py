"""Reads the partitions of an index in parallel, and the rows of the keys that they hold.

The indexes hold keys only, because an order is written at least four times and rarely listed. A list reads its rows
from the table. Each status is spread over several partitions to distribute the writes; reads merge them.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from service.aws.clients import Clients
from service.aws.records import RowAttributes, name_unreadable
from service.orders.counts import Tally
from service.orders.paging import ALWAYS, MOST_ROWS, Key, Part, Position, Span, batches, cut, rest, rows_to_read
from service.orders.ports import Unavailable
from service.orders.row_reader import RowReader
from service.orders.timestamps import TICK, parse, text

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SIDE_BY_SIDE = 16  # parallel queries; `MOST_CONNECTIONS` of the client is larger
BATCH_GET_KEYS = 100  # limit of BatchGetItem
BATCH_GET_TRIES = 5  # without a row; of large rows, a response has 1 MB of each partition of the table

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of an index, sorted by a timestamp."""

    index: str
    key: str
    value: str
    stamp: str


class Partitions:
    """Reads the indexes and the rows of one table; passes over entries and rows that cannot be read."""

    def __init__(self, clients: Clients, table: str, reader: RowReader) -> None:
        self._clients = clients
        self._table = table
        self._reader = reader

    @property
    def _dynamodb(self) -> "DynamoDBClient":
        return self._clients.dynamodb

    def page(
        self, partitions: Sequence[Partition], limit: int, after: Position | None, span: Span = ALWAYS
    ) -> tuple[list[Key], Position | None]:
        """Read one page of keys from several partitions, newest first."""
        parts = self.keys(partitions, rest(span, after), rows_to_read(limit, after))
        newest = {key.order_id: key for key in sorted(key for part in parts for key in part.keys)}
        return cut(newest.values(), limit, after)  # an order that moves between two queries is in two partitions

    def keys(self, partitions: Sequence[Partition], span: Span, most: int, *, oldest_first: bool = False) -> list[Part]:
        """Read up to ``most`` keys of each partition within a time span."""
        if span.start is not None and span.end is not None and span.start >= span.end:
            return [Part((), whole=True) for _ in partitions]

        def read(partition: Partition) -> Part:
            found: list[Key] = []
            following: dict[str, Any] = {}
            while len(found) < most:
                answer = self._query(partition, span, most - len(found), ScanIndexForward=oldest_first, **following)
                found += self._reader.read(answer["Items"], _to_key(partition.stamp))
                if "LastEvaluatedKey" not in answer:
                    return Part(tuple(found), whole=True)
                following = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
            return Part(tuple(found), whole=False)

        return _side_by_side(read, partitions)

    def walk(
        self, partitions: Sequence[Partition], page: int, span: Span = ALWAYS, *, oldest_first: bool = False
    ) -> Iterator[Sequence[str]]:
        """Read order ids from several partitions in pages, newest first by default.

        A page is read when it is asked for, and divided into parts whose rows fit into memory. A partition is queried
        again, from where it was left, when its keys are used up.
        """
        following: dict[Partition, dict[str, Any]] = {partition: {} for partition in partitions}
        keys: dict[Partition, deque[Key]] = {partition: deque() for partition in partitions}

        def fill(partition: Partition) -> None:
            answer = self._query(partition, span, page, ScanIndexForward=oldest_first, **following[partition])
            keys[partition].extend(self._reader.read(answer["Items"], _to_key(partition.stamp)))
            if "LastEvaluatedKey" in answer:
                following[partition] = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
            else:
                del following[partition]

        first = min if oldest_first else max
        while following or any(keys.values()):
            ids: list[str] = []
            while len(ids) < page:
                while empty := [partition for partition in following if not keys[partition]]:
                    _side_by_side(fill, empty)
                left = [part for part in keys.values() if part]
                if not left:
                    break
                ids.append(first(left, key=itemgetter(0)).popleft().order_id)
            yield from batches(ids, MOST_ROWS)

    def tally(self, partitions: Sequence[Partition], most: int) -> Tally:
        """Count the keys of the partitions, up to ``most`` of each."""
        answers = _side_by_side(lambda each: self._query(each, ALWAYS, most, Select="COUNT"), partitions)
        exact = all("LastEvaluatedKey" not in answer for answer in answers)
        return Tally(sum(answer["Count"] for answer in answers), exact)

    def rows(
        self, order_ids: Sequence[str], convert: Callable[[Any], Answer], attributes: Sequence[str] = ()
    ) -> list[Answer]:
        """Read rows by their ids, in the order of the ids. Rows that do not exist or cannot be read are omitted.

        Args:
            order_ids: the orders.
            convert: converts one row; raises ``UnreadableRow`` if it cannot.
            attributes: the attributes to read besides the id; all if empty.

        Raises:
            Unavailable: DynamoDB did not return all rows.
        """
        rows: dict[str, Any] = {}
        for batch in batches(order_ids, BATCH_GET_KEYS):
            request: dict[str, Any] = {"Keys": [_key(each) for each in batch]}
            if attributes:
                request["ProjectionExpression"] = ", ".join(("order_id", *attributes))
            keys: Any = {self._table: request}
            tries = 0
            while keys:
                answer = self._dynamodb.batch_get_item(RequestItems=keys)
                found = answer["Responses"].get(self._table, [])
                rows |= {item["order_id"]["S"]: item for item in found}
                keys = answer.get("UnprocessedKeys")
                tries = 0 if found else tries + 1
                if keys and tries == BATCH_GET_TRIES:
                    raise Unavailable(f"DynamoDB left keys of {self._table} unprocessed {BATCH_GET_TRIES} times")
                if keys:
                    time.sleep(0.05 * 2**tries)
        return self._reader.read((rows[order_id] for order_id in order_ids if order_id in rows), convert)

    def _query(self, partition: Partition, span: Span, most: int, **more: Any) -> Any:
        condition, names, values = "#key = :key", {"#key": partition.key}, {":key": {"S": partition.value}}
        bounds = {":from": span.start, ":to": span.end - TICK if span.end else None}
        given = {name: {"S": text(bound)} for name, bound in bounds.items() if bound is not None}
        if given:
            names["#stamp"] = partition.stamp
            values |= given
            condition += f" AND #stamp {_compare_stamp(given)}"
        return self._dynamodb.query(
            TableName=self._table,
            IndexName=partition.index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            Limit=most,
            **more,
        )


def _to_key(stamp: str) -> Callable[[Any], Key]:
    """Return the conversion of an index entry to its place in a list."""

    @name_unreadable
    def convert(row: RowAttributes) -> Key:
        return Key(parse(row[stamp]), row["order_id"])

    return convert


def _compare_stamp(bounds: Iterable[str]) -> str:
    match sorted(bounds):
        case [":from"]:
            return ">= :from"
        case [":to"]:
            return "<= :to"
        case _:
            return "BETWEEN :from AND :to"


def _side_by_side(read: Callable[[Partition], Answer], partitions: Sequence[Partition]) -> list[Answer]:
    if len(partitions) == 1:
        return [read(partitions[0])]
    with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(partitions)), thread_name_prefix="index") as pool:
        return list(pool.map(read, partitions))


def _key(order_id: str) -> dict[str, Any]:
    return {"order_id": {"S": order_id}}
