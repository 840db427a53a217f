"""A memory store that is filled with any number of orders in seconds, and counts its reads."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, SupportsIndex

from service.aws.records import owner_reference
from service.orders.paging import Key
from tests.contract import growth
from tests.contract.growth import OPERATIONS, Reads, system_of
from tests.memory.store import InMemoryOrderStore


class CountedKeys(list[Key]):
    """A partition that counts its reads. Single keys are comparisons of a search; slices and iterations are reads."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__()
        self._counts = counts

    def __getitem__(self, place: SupportsIndex | slice) -> Any:
        found = super().__getitem__(place)
        if isinstance(place, slice):
            self._counts["queries"] += 1
            self._counts["entries"] += len(found)
        else:
            self._counts["compared"] += 1
        return found

    def __iter__(self) -> Iterator[Key]:
        self._counts["entries"] += len(self)
        return super().__iter__()

    def __reversed__(self) -> Iterator[Key]:
        self._counts["entries"] += len(self)
        return super().__reversed__()


class NumberedRows(dict[str, Any]):
    """Rows that are generated when they are read, unless they were written."""

    def __init__(self, make: Callable[[int], Any], counts: Counter[str]) -> None:
        super().__init__()
        self._make, self._counts = make, counts

    def __getitem__(self, order_id: str) -> Any:
        self._counts["rows"] += 1
        return super().__getitem__(order_id)

    def __missing__(self, order_id: str) -> Any:
        return self._make(growth.number_of(order_id))

    def get(self, order_id: str, default: Any = None) -> Any:
        return self[order_id]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the whole table is read")

    def __len__(self) -> int:
        raise AssertionError("the whole table is counted")


def filled_store(orders: int, counts: Counter[str]) -> InMemoryOrderStore:
    """A store whose indexes have the keys of numbered orders, as after writing each order."""
    store = InMemoryOrderStore()
    by_customer, by_owner, by_reference, by_status = store.orders.indexes
    (by_kind,) = store.failures.indexes
    by_customer.partitions = {growth.CUSTOMER: CountedKeys(counts)}
    by_owner.partitions = {growth.OWNER: CountedKeys(counts)}
    reference = owner_reference(growth.OWNER, growth.REFERENCE)
    by_reference.partitions = {reference: CountedKeys(counts)}
    by_status.partitions = {status: CountedKeys(counts) for status in growth.STATUSES}
    by_kind.partitions = {kind: CountedKeys(counts) for kind in growth.KINDS}
    keys = [Key(growth.stamp(number), growth.order_id(number)) for number in range(orders)]
    by_customer.partitions[growth.CUSTOMER].extend(keys)
    by_owner.partitions[growth.OWNER].extend(keys)
    by_reference.partitions[reference].extend(keys)
    for first, standing in enumerate(by_status.partitions.values()):
        standing.extend(keys[first :: len(growth.STATUSES)])
    for number in growth.failed(orders):
        by_kind.partitions[growth.kind(number)].append(keys[number])
    store.orders.rows = NumberedRows(growth.numbered, counts)
    store.failures.rows = NumberedRows(growth.numbered_failure, counts)
    return store


def measure(orders: int) -> dict[str, tuple[Reads, int]]:
    """The reads and the compared keys of each operation on a store with a number of orders."""
    counts: Counter[str] = Counter()
    system = system_of(filled_store(orders, counts), orders)
    found = {}
    for name, operation in OPERATIONS.items():
        counts.clear()
        operation(system, orders)
        found[name] = Reads(counts["queries"], counts["entries"], counts["rows"]), counts["compared"]
    return found
