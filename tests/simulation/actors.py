"""The users of the system: customers who submit, retry, repeat and cancel; operators who give up and redrive."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from service.orders import strict_json
from service.orders.deliveries import Deliveries
from service.orders.errors import DeliveryOpen, KeyReused, NotAtWarehouse, NotFailed, OrderUnknown, TooLate
from service.orders.identity import derive_id, order_id_for
from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.orders import Orders
from service.orders.redrive import redrive_one
from service.orders.submission import Submission
from tests.simulation.function import FunctionFailed
from tests.simulation.profiles import MINUTE
from tests.support import valid_order

if TYPE_CHECKING:
    from tests.simulation.world import World

PLAIN, POISON = valid_order(), valid_order(metadata={"note": "poison"})
TWO_LINES = valid_order(
    items=[
        {"product_id": "prod_456", "quantity": 2, "price": 29.99},
        {"product_id": "prod_789", "quantity": 1, "price": 10},
    ],
    total_amount=69.98,
)
OTHER = strict_json.from_python(valid_order(metadata={"note": "another order"}))
INVALID = {"customer_id": "cust_123"}
TRIES = 12
REFUSED = {error.__name__ for error in (NotFailed, NotAtWarehouse, DeliveryOpen, TooLate)}
"""The errors of an operator's request that says no for good."""
ROUND = 4 * MINUTE
"""Time between two rounds of an operator through the failed orders."""

KINDS = (("by hand", 0.1), ("lenient", 0.2), ("without key", 0.3), ("plain", 1.0))


class Customer:
    """Submits one order, and retries until it is accepted."""

    def __init__(self, world: "World", number: int) -> None:
        self._world = world
        self.name = f"o{number}"
        fraction = world.rng.between(f"kind/{self.name}", 0, 1)
        self.kind = next(kind for kind, most in KINDS if fraction < most)
        self._key = None if self.kind == "without key" else f"key-{world.seed}-{number:04d}"
        poison = world.rng.happens(f"poison/{self.name}", world.profile.poisoned)
        self._order = POISON if poison else TWO_LINES if world.profile.accepts else PLAIN
        self._document = INVALID if self.kind == "lenient" else strict_json.from_python(self._order)

    def begin(self) -> None:
        """Begin within the first minutes; in a rush, all customers begin within two seconds."""
        world = self._world
        latest = 2_000 if world.rush else 3 * MINUTE
        if self._key and self.kind != "by hand":
            world.name(order_id_for("somebody", self._key, str), self.name)
        world.loop.at(world.rng.between(f"begins/{self.name}", 0, latest), lambda: world.spawn(self._act))

    def _act(self) -> None:
        world, name = self._world, self.name
        if self.kind == "by hand":
            world.name(derive_id("execution", f"hand_{name}"), name)
            world.workflows.start(f"hand_{name}", {"order": self._order})
            return
        if self._key and world.happens(f"both hands/{name}", 0.2):
            world.spawn(self._submit)
        order_id = self._submit()
        if order_id is None:
            return
        if self._key and world.happens(f"again/{name}", 0.3):
            world.loop.sleep(world.rng.between(f"again after/{name}", 0, 10 * MINUTE))
            self._submit()
        if self._key and world.happens(f"key reused/{name}", 0.1):
            self._submit(OTHER)
        if world.happens(f"cancels/{name}", 0.3):
            soon = world.happens(f"cancels soon/{name}", 0.6)  # while the first attempt runs
            world.loop.sleep(world.rng.between(f"cancels after/{name}", 0, 5_000 if soon else 2 * MINUTE))
            self._cancel(order_id)

    def _submit(self, content: Any = None) -> str | None:
        """Submit until there is an answer; return the order's id."""
        world = self._world
        largest = strict_json.MAX_SIZE if self.kind == "lenient" else 0
        submission = Submission(content or self._document, "somebody", lenient_bytes=largest, idempotency_key=self._key)
        for tried in range(TRIES):
            try:
                order, _ = self._request(lambda ports: Orders(ports).submit(submission), f"submits/{self.name}")
            except FunctionFailed as failed:
                if failed.error == KeyReused.__name__:
                    return None
                world.loop.sleep(1000 * 2 ** min(tried, 5))
                continue
            world.accept(self._key, order.order_id, self.name, same_document=content is None)
            order_id: str = order.order_id
            return order_id
        return None

    def _cancel(self, order_id: str) -> None:
        world = self._world
        for tried in range(TRIES):
            try:
                order = self._request(lambda ports: _cancel(order_id, ports), f"cancels/{self.name}")
            except FunctionFailed as failed:
                if failed.error in (TooLate.__name__, OrderUnknown.__name__):
                    return
                world.loop.sleep(1000 * 2 ** min(tried, 5))
                continue
            if order.is_open:
                world.asked_to_cancel.add(order_id)
            else:
                world.cancelled.append((order_id, str(order.status)))
            return

    def _request(self, work: Callable[[Any], Any], name: str) -> Any:
        """Call the API; its answer can be lost."""
        world = self._world
        if world.is_down("function"):
            raise FunctionFailed("ServiceUnavailable")
        answer, _ = world.function.run(lambda ports, _: work(ports))
        if world.happens(f"answer lost/{name}", world.fault_rate):
            raise FunctionFailed("no answer")
        return answer


class Operator:
    """Redrives some failed orders from time to time, sometimes twice at once."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def begin(self) -> None:
        """Schedule the rounds, until the end of the faults."""
        world = self._world
        for time in range(ROUND, world.profile.faults_until, ROUND):
            world.loop.at(time, lambda: world.spawn(self._round))
        for number in range(2):
            if world.happens(f"purge/{number}", world.profile.purged):
                time = int(world.rng.between(f"purge at/{number}", 0, world.profile.faults_until))
                world.loop.at(time, world.queue.purge)

    def _round(self) -> None:
        world = self._world
        store = world.tables.store
        orders = [order for order_id, order in store.orders.items() if order_id not in store.unreadable]
        for order in orders:
            name = world.label(order.order_id)
            if order.status is Status.AT_WAREHOUSE and world.happens(f"gives up/{name}", 0.1):
                world.spawn(self._request, order.order_id, _give_up)
        for order in (each for each in orders if each.status in UNSUCCESSFUL):
            name = world.label(order.order_id)
            if order.epoch < 2 and world.happens(f"redrive/{name}", 0.7 if order.asked else 0.4):
                world.spawn(self._redrive, order.order_id)
                if world.happens(f"redrive twice/{name}", 0.3):
                    world.spawn(self._redrive, order.order_id)
                if order.parcels and world.happens(f"cancels the rest/{name}", 0.3):
                    world.spawn(self._cancel_soon, order.order_id)

    def _cancel_soon(self, order_id: str) -> None:
        """Cancel an order that is being redriven, before it is sent to the warehouse, or after that."""
        world = self._world
        world.loop.sleep(world.rng.between(f"cancels the rest after/{world.label(order_id)}", 0, 500))
        self._request(order_id, _cancel)

    def _redrive(self, order_id: str) -> None:
        world = self._world
        anew = world.happens(f"new delivery/{world.label(order_id)}", 0.5)
        self._request(order_id, _ask_for_a_new_delivery if anew else _redrive)

    def _request(self, order_id: str, act: Callable[[str, Any], Any]) -> None:
        world = self._world
        for tried in range(TRIES):
            try:
                world.function.run(lambda ports, _: act(order_id, ports))
            except FunctionFailed as failed:
                if failed.error in REFUSED:
                    return
                world.loop.sleep(1000 * 2 ** min(tried, 5))
                continue
            return


def _cancel(order_id: str, ports: Any) -> Any:
    return Deliveries(ports).cancel(order_id, "customer", "cancelled by the customer")


def _ask_for_a_new_delivery(order_id: str, ports: Any) -> None:
    Orders(ports).new_delivery(order_id, "operator", "the first parcel never left")


def _give_up(order_id: str, ports: Any) -> None:
    Deliveries(ports).give_up(order_id, "operator", "it takes too long")


def _redrive(order_id: str, ports: Any) -> None:
    redrive_one(order_id, "operator", "the cause is fixed", ports)
