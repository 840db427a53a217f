"""The brake goes on when the warehouse takes nothing, lets one probe at a time pass, and is released by an answer."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from service.orders.brake import LONGEST_PAUSE, PROBE_EVERY, REFUSALS, Brake
from service.orders.gate import Gate, Passage
from service.orders.ports import Unavailable
from service.orders.warehouse import Answer, State
from tests.support import MemorySystem

NOT_TAKEN, SHIPPED, DECLINED = Answer(State.NOT_TAKEN, "HTTP 503"), Answer(State.SHIPPED), Answer(State.DECLINED)


@pytest.fixture
def system() -> MemorySystem:
    return MemorySystem()


def refuse(gate: Gate, times: int = REFUSALS, answer: Answer = NOT_TAKEN) -> list[bool]:
    return [gate.note(answer) for _ in range(times)]


def test_the_brake_goes_on_with_the_third_refusal_in_a_row(system):
    gate = Gate(system)
    assert refuse(gate) == [False, False, True]
    assert system.brake.row.since == system.now()
    assert gate.enter("ord_1") is Passage.CLOSED


@pytest.mark.parametrize("answer", [SHIPPED, DECLINED, Answer(State.REFUSED)])
def test_an_order_that_was_taken_begins_the_count_anew(system, answer):
    gate = Gate(system)
    assert [*refuse(gate, 2), gate.note(answer), *refuse(gate, 2)] == [False] * 5


def test_an_unknown_outcome_says_nothing_about_the_brake(system):
    gate = Gate(system)
    refuse(gate, 2)
    assert not gate.note(TimeoutError())
    assert refuse(gate, 1) == [True]
    assert gate.note(TimeoutError())


def test_all_processes_share_the_brake(system):
    refuse(Gate(system), 2)
    refuse(Gate(system), 1)
    assert Gate(system).enter("ord_1") is Passage.CLOSED


def test_one_process_at_a_time_gets_the_probe(system):
    refuse(Gate(system))
    system.now.forward(PROBE_EVERY.total_seconds())
    gates = [Gate(system) for _ in range(5)]
    passages = []
    for gate in gates:
        passages.append(gate.enter("ord_1"))
        system.now.forward(0.001)
    assert passages == [Passage.PROBE] + [Passage.CLOSED] * 4
    assert [gate.enter("ord_2") for gate in gates] == [Passage.CLOSED] * 5


def test_the_order_that_probes_keeps_the_probe(system):
    refuse(Gate(system))
    system.now.forward(PROBE_EVERY.total_seconds())
    gate = Gate(system)
    assert [gate.enter(each) for each in ("ord_1", "ord_2", "ord_1")] == [Passage.PROBE, Passage.CLOSED, Passage.PROBE]


def test_a_probe_whose_process_dies_is_followed_by_another(system):
    refuse(Gate(system))
    system.now.forward(PROBE_EVERY.total_seconds())
    assert Gate(system).enter("ord_1") is Passage.PROBE
    system.now.forward(PROBE_EVERY.total_seconds())
    assert Gate(system).enter("ord_1") is Passage.PROBE


def test_a_probe_that_is_taken_releases_the_brake(system):
    refuse(Gate(system))
    system.now.forward(PROBE_EVERY.total_seconds())
    probe = Gate(system)
    assert probe.enter("ord_1") is Passage.PROBE
    assert not probe.note(DECLINED)
    assert system.brake.row == Brake(released_at=system.now(), version=system.brake.row.version)
    assert Gate(system).enter("ord_1") is Passage.OPEN


def test_a_refusal_that_did_not_put_the_brake_on_changes_no_release(system):
    """Orders that waited before the release are due at once; others keep their backoff."""
    gate = Gate(system)
    refuse(gate)
    gate.note(SHIPPED)
    released = system.now()
    system.now.forward(60)
    refuse(gate, 1)
    gate.note(SHIPPED)
    assert (system.brake.row.refusals, system.brake.row.released_at) == (0, released)


def test_an_order_passes_if_another_process_has_released_the_brake_meanwhile(system):
    refuse(Gate(system))
    slow, fast = Gate(system), Gate(system)
    system.now.forward(PROBE_EVERY.total_seconds())
    fast.note(SHIPPED)
    assert slow.enter("ord_1") is Passage.OPEN


def test_a_probe_that_is_not_taken_keeps_the_brake_on_since_the_same_time(system):
    refuse(Gate(system))
    began = system.now()
    system.now.forward(PROBE_EVERY.total_seconds())
    probe = Gate(system)
    assert probe.enter("ord_1") is Passage.PROBE
    assert probe.note(NOT_TAKEN)
    assert (system.brake.row.since, system.brake.row.probe_at) == (began, system.now() + PROBE_EVERY)


@pytest.mark.parametrize(
    ("seconds", "pause"),
    [(None, PROBE_EVERY), (1, PROBE_EVERY), (120, timedelta(seconds=120)), (86_400, LONGEST_PAUSE)],
)
def test_the_next_probe_is_as_late_as_the_warehouse_asks_within_bounds(system, seconds, pause):
    refuse(Gate(system), answer=Answer(State.NOT_TAKEN, "HTTP 429", seconds))
    assert system.brake.row.probe_at == system.now() + pause


@pytest.mark.parametrize("probe_at", [None, datetime(2099, 1, 1, tzinfo=UTC)])
def test_a_time_that_is_missing_or_wrong_does_not_keep_the_brake_on(system, probe_at):
    system.brake.row = Brake(3, system.now(), probe_at, version=1)
    assert Gate(system).enter("ord_1") is Passage.PROBE


def test_orders_pass_while_the_row_cannot_be_read(system):
    refuse(Gate(system))
    system.brake.broken = Unavailable("dynamodb GetItem: ThrottlingException")
    assert Gate(system).enter("ord_1") is Passage.OPEN


def test_a_row_that_cannot_be_written_stops_no_order(system):
    gate = Gate(system)
    system.brake.broken = Unavailable("dynamodb PutItem: ThrottlingException")
    assert refuse(gate, 5) == [False] * 5
    assert gate.enter("ord_1") is Passage.OPEN


def test_a_batch_reads_the_row_once_and_writes_only_after_a_refusal(system):
    gate = Gate(system)
    for _ in range(10):
        gate.enter("ord_1")
        gate.note(SHIPPED)
    assert (system.brake.reads, system.brake.row.version) == (1, 0)


def test_the_log_says_once_that_the_brake_is_on_and_once_that_it_is_off(system, caplog):
    gate = Gate(system)
    refuse(gate, 6)
    gate.note(SHIPPED)
    said = [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert said == [
        "the warehouse takes nothing, HTTP 503; orders wait as PENDING until it does",
        "the warehouse takes orders again; the reconciler sends those that wait",
    ]


def test_a_change_that_another_process_made_meanwhile_is_counted_too(system):
    slow, fast = Gate(system), Gate(system)
    refuse(fast, 2)
    assert refuse(slow, 1) == [True]


def test_the_gate_gives_up_after_some_tries(system, monkeypatch: pytest.MonkeyPatch):
    replace: Callable[[Brake], bool] = lambda _: False  # noqa: E731
    monkeypatch.setattr(system.brake, "replace", replace)
    assert refuse(Gate(system), 4) == [False] * 4
