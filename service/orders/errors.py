"""The errors of the domain: most are the reasons for which a request is refused.

The state machine names some of them in ``Retry`` and ``Catch``, by the name of the class.
"""

from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.model import FieldError, Order


class OrderInvalid(Exception):
    """The submitted document is not a valid order; ``errors`` lists all its field errors."""

    def __init__(self, errors: tuple[FieldError, ...], order_id: str | None = None) -> None:
        named = f"order {order_id}" if order_id else "the order"
        super().__init__(f"{named} is not valid; field errors: {len(errors)}")
        self.errors = errors


class ListingRefused(Exception):
    """No index has this list; ``errors`` name the parameters of ``GET /orders``."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("no index has this list")
        self.errors = errors


class KeyReused(Exception):
    """The idempotency key was used before, for another order; ``order_id`` is that order."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} was submitted before under this name or key, with another document")
        self.order_id = order_id


class OrderUnknown(Exception):
    """There is no order of this id."""


_WAREHOUSE_SHIPS = "The warehouse has accepted it, and does not cancel it any more."
_WAREHOUSE_SHIPS_THE_REST = "A part was shipped, and the warehouse does not cancel the rest any more."
_WHY_TOO_LATE = {
    Status.FULFILLED: "The warehouse has shipped it.",
    Status.REJECTED: "It was not a valid order, and nothing will be shipped.",
    Status.FAILED: "It is not processed any more, unless an operator redrives it.",
    Status.PARTLY_FULFILLED: "A part was shipped. The rest is not processed any more, unless an operator redrives it.",
}


class TooLate(Exception):
    """The order can no longer be cancelled; ``order`` is its present state, and ``detail`` says why."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"order {order.order_id} is {order.status}; it can no longer be cancelled")
        self.order = order
        there = _WAREHOUSE_SHIPS_THE_REST if order.parcels else _WAREHOUSE_SHIPS
        self.detail = f"The order is {order.status}. {_WHY_TOO_LATE.get(order.status, there)}"


class NotFailed(Exception):
    """Only a FAILED or PARTLY_FULFILLED order can be redriven; ``order`` is its present state.

    ``redriven`` is true if the failure of epoch ``epoch`` was already redriven.
    """

    def __init__(self, order: Order, epoch: int | None = None) -> None:
        super().__init__(
            f"order {order.order_id} is {order.status}; only a FAILED or PARTLY_FULFILLED order can be redriven"
        )
        self.order = order
        self.redriven = order.epoch > (epoch or 0)
        self.detail = (
            f"The last failure of the order has epoch {order.epoch}, not {epoch}. Read the failure, and send its epoch."
            if order.status in UNSUCCESSFUL
            else f"The order is {order.status}, so there is nothing to redrive."
        )


class NotAtWarehouse(Exception):
    """Only an order at the warehouse can be looked at there, or given up; ``order`` is its present state."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"order {order.order_id} is {order.status}, and not at the warehouse")
        self.order = order
        self.detail = f"The order is {order.status}, and not at the warehouse."


class NoUsableAnswer(Exception):
    """The warehouse was asked about an order, and did not answer, or with nothing that this system can read."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"order {order.order_id}: the warehouse gave no usable answer")
        self.order = order


class DeliveryOpen(Exception):
    """No new delivery: the warehouse did not confirm that the old one can ship nothing any more."""

    def __init__(self, order: Order, detail: str) -> None:
        super().__init__(f"order {order.order_id}: the delivery {order.delivery_key} can still be shipped; {detail}")
        self.order = order
        self.detail = detail


class UnreadableRow(Exception):
    """A stored row lacks an attribute, or has a value that this version does not know.

    A newer version may have written it. The message holds no data of the row.
    """

    def __init__(self, order_id: str, attribute: str) -> None:
        super().__init__(f"order {order_id}: its row cannot be read, because of the attribute {attribute}")
        self.order_id = order_id
        self.attribute = attribute
