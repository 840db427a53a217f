"""The answers of a warehouse to a request to cancel a delivery."""

from service.orders.warehouse import Answer, State

CANCELLED = Answer(State.CANCELLED)
CANCELLING = Answer(State.CANCELLING)
TOO_LATE = Answer(State.ACCEPTED)
