"""The simulated warehouse: its answers are deterministic."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.orders.model import Order
from service.orders.warehouse import Answer, State
from service.warehouses.decision import ships
from service.warehouses.simulated import SimulatedWarehouse
from tests.support import MemorySystem
from tests.warehouse_answers import CANCELLED

ORDER = replace(MemorySystem().receive(), attempts=1, asked=1)
SHIPPED = Answer(State.SHIPPED)


def order(number: int, *, delivery: int = 1) -> Order:
    return replace(ORDER, order_id=f"ord_{number}", delivery=delivery)


def is_shipped(warehouse: SimulatedWarehouse, an_order: Order) -> bool:
    return warehouse.ask(an_order, 10) == SHIPPED


@given(st.text(), st.floats(0, 1), st.text())
def test_the_answer_about_a_delivery_is_always_the_same(seed: str, rate: float, key: str):
    assert len({ships(seed, rate, key) for _ in range(3)}) == 1


def test_answers_do_not_change_from_one_release_to_the_next():
    answers = "".join("+" if ships("dofs", 0.7, f"ord_{number}-d1") else "-" for number in range(40))
    assert answers == "+++++-+++-+-++-++++++--+-+-+-++++-+++--+"


def test_only_seed_order_and_delivery_decide_the_answer():
    warehouse = SimulatedWarehouse(0.5, "seed")
    for number in range(50):
        mine = order(number)
        other = replace(
            mine, customer_id="another", submission="{}", version=9, owner="me", epoch=3, attempts=2, asked=2
        )
        assert is_shipped(warehouse, mine) is is_shipped(warehouse, other)
        assert is_shipped(warehouse, mine) is ships("seed", 0.5, mine.delivery_key)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda number: ("a", 0.5, f"ord_{number}-d1"), lambda number: ("b", 0.5, f"ord_{number}-d1")),
        (lambda number: ("a", 0.5, f"ord_{number}-d1"), lambda number: ("a", 0.5, f"ord_{number + 1}-d1")),
        (lambda number: ("a", 0.5, f"ord_{number}-d1"), lambda number: ("a", 0.5, f"ord_{number}-d2")),
    ],
    ids=["seed", "order", "delivery"],
)
def test_seed_order_and_delivery_each_change_the_answer(one, other):
    differing = sum(ships(*one(number)) is not ships(*other(number)) for number in range(2_000))
    assert 900 < differing < 1_100


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.7, 0.95])
def test_the_share_of_shipped_deliveries_equals_the_rate(rate: float):
    draws = 20_000
    share = sum(ships("fixed", rate, f"ord_{number}-d1") for number in range(draws)) / draws
    assert share == pytest.approx(rate, abs=0.01)


def test_at_a_rate_of_zero_nothing_is_shipped_and_at_one_everything():
    assert not any(ships("fixed", 0.0, f"ord_{number}-d1") for number in range(20_000))
    assert all(ships("fixed", 1.0, f"ord_{number}-d1") for number in range(20_000))


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_delivery_that_is_shipped_at_a_rate_is_shipped_at_every_higher_rate(key: str, one: float, other: float):
    lower, higher = sorted((one, other))
    assert ships("fixed", lower, key) <= ships("fixed", higher, key)


@pytest.mark.parametrize(("rate", "state"), [(1.0, State.SHIPPED), (0.0, State.DECLINED)])
def test_a_look_repeats_the_answer(rate: float, state: State):
    warehouse = SimulatedWarehouse(rate, "seed")
    assert warehouse.ask(ORDER, 10).state is state
    assert warehouse.look(ORDER, 10) == warehouse.ask(ORDER, 10)


def test_a_look_finds_no_delivery_that_was_never_asked_for():
    assert SimulatedWarehouse(1.0, "seed").look(replace(ORDER, asked=0), 10) == Answer(State.NOT_FOUND)


def test_only_a_delivery_that_is_not_shipped_can_be_cancelled():
    assert SimulatedWarehouse(1.0, "seed").cancel(ORDER, 10) == Answer(State.SHIPPED)
    assert SimulatedWarehouse(0.0, "seed").cancel(ORDER, 10) == CANCELLED


def test_an_attempt_takes_its_latency(monkeypatch: pytest.MonkeyPatch):
    slept: list[float] = []
    monkeypatch.setattr("service.warehouses.simulated.time.sleep", slept.append)
    assert SimulatedWarehouse(1.0, "seed", latency=2).ask(ORDER, 10) == SHIPPED
    assert slept == [2]


def test_the_outcome_of_an_attempt_longer_than_its_time_limit_is_unknown(monkeypatch: pytest.MonkeyPatch):
    slept: list[float] = []
    monkeypatch.setattr("service.warehouses.simulated.time.sleep", slept.append)
    with pytest.raises(TimeoutError):
        SimulatedWarehouse(1.0, "seed", latency=20).ask(ORDER, 1.5)
    assert slept == [1.5]
