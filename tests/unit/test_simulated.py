"""The simulated warehouse: its outcomes are deterministic."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fulfillers.simulated import SimulatedFulfiller, succeeds
from service.orders.model import FailureKind, Order
from service.orders.ports import Fulfilled, NotFulfilled
from tests.support import MemorySystem

ORDER = replace(MemorySystem().receive(), attempts=1)


def order(number: int, *, epoch: int = 0, attempts: int = 1) -> Order:
    return replace(ORDER, order_id=f"ord_{number}", epoch=epoch, attempts=attempts)


def fulfilled(fulfiller: SimulatedFulfiller, an_order: Order) -> bool:
    return fulfiller.fulfill(an_order, 10) == Fulfilled()


@given(st.text(), st.floats(0, 1), st.text(), st.integers(0), st.integers(0))
def test_the_outcome_of_an_attempt_is_always_the_same(seed: str, rate: float, order_id: str, epoch: int, attempt: int):
    outcomes = {succeeds(seed, rate, order_id, epoch, attempt) for _ in range(3)}
    assert len(outcomes) == 1


def test_outcomes_do_not_change_from_one_release_to_the_next():
    outcomes = "".join("+" if succeeds("dofs", 0.7, f"ord_{number}", 0, 1) else "-" for number in range(40))
    assert outcomes == "--+++++++++++++-++++++-++-++-++++-++++++"


def test_only_seed_order_epoch_and_attempt_decide_the_outcome():
    fulfiller = SimulatedFulfiller(0.5, "seed")
    for number in range(50):
        mine = order(number)
        other = replace(mine, customer_id="another", submission="{}", version=9, owner="me", write_id="x", resends=4)
        assert fulfilled(fulfiller, mine) is fulfilled(fulfiller, other)
        assert fulfilled(fulfiller, mine) is succeeds("seed", 0.5, mine.order_id, mine.epoch, mine.attempts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda number: ("a", 0.5, f"ord_{number}", 0, 1), lambda number: ("b", 0.5, f"ord_{number}", 0, 1)),
        (lambda number: ("a", 0.5, f"ord_{number}", 0, 1), lambda number: ("a", 0.5, f"ord_{number + 1}", 0, 1)),
        (lambda number: ("a", 0.5, f"ord_{number}", 0, 1), lambda number: ("a", 0.5, f"ord_{number}", 1, 1)),
        (lambda number: ("a", 0.5, f"ord_{number}", 0, 1), lambda number: ("a", 0.5, f"ord_{number}", 0, 2)),
    ],
    ids=["seed", "order", "epoch", "attempt"],
)
def test_seed_order_epoch_and_attempt_each_change_the_outcome(one, other):
    differing = sum(succeeds(*one(number)) is not succeeds(*other(number)) for number in range(2_000))
    assert 900 < differing < 1_100


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.7, 0.95])
def test_the_share_of_successes_equals_the_rate(rate: float):
    draws = 20_000
    share = sum(succeeds("fixed", rate, f"ord_{number}", 0, 1) for number in range(draws)) / draws
    assert share == pytest.approx(rate, abs=0.01)


def test_at_a_rate_of_zero_nothing_succeeds_and_at_one_everything():
    assert not any(succeeds("fixed", 0.0, f"ord_{number}", 0, 1) for number in range(20_000))
    assert all(succeeds("fixed", 1.0, f"ord_{number}", 0, 1) for number in range(20_000))


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_an_attempt_that_succeeds_at_a_rate_succeeds_at_every_higher_rate(order_id: str, one: float, other: float):
    lower, higher = sorted((one, other))
    assert succeeds("fixed", lower, order_id, 0, 1) <= succeeds("fixed", higher, order_id, 0, 1)


def test_a_success_is_fulfilled():
    assert SimulatedFulfiller(1.0, "seed").fulfill(ORDER, 10) == Fulfilled()


def test_a_failure_is_declined_and_not_permanent():
    outcome = SimulatedFulfiller(0.0, "seed").fulfill(ORDER, 10)
    assert isinstance(outcome, NotFulfilled)
    assert outcome.failure.kind is FailureKind.DECLINED
    assert not outcome.permanent


def test_an_attempt_takes_its_latency(monkeypatch: pytest.MonkeyPatch):
    slept: list[float] = []
    monkeypatch.setattr("service.fulfillers.simulated.time.sleep", slept.append)
    assert SimulatedFulfiller(1.0, "seed", latency=2).fulfill(ORDER, 10) == Fulfilled()
    assert slept == [2]


def test_an_attempt_longer_than_its_time_limit_fails(monkeypatch: pytest.MonkeyPatch):
    slept: list[float] = []
    monkeypatch.setattr("service.fulfillers.simulated.time.sleep", slept.append)
    outcome = SimulatedFulfiller(1.0, "seed", latency=20).fulfill(ORDER, 1.5)
    assert isinstance(outcome, NotFulfilled)
    assert not outcome.permanent
    assert slept == [1.5]
