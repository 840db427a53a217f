"""A round of the reconciler by itself."""

from threading import Event

from service.steps.rounds import Round
from tests.polling import PATIENCE


def test_as_many_pushes_run_beside_those_that_hang():
    """With real threads: a later turn does not wait for a push of an earlier one."""
    hangs, release, pushed = Event(), Event(), []

    def push(order):
        if order == "hangs":
            hangs.set()
            release.wait(PATIENCE)
        pushed.append(order)
        return "resent"

    each = Round("orders", iter([["hangs", "one", "two"]]), push, limit=10, parallel=1)
    try:
        while not hangs.is_set():
            each.take_turn(lambda: 0.001)
        each.take_turn(lambda: 0 if len(pushed) == 2 else PATIENCE)
        assert pushed == ["one", "two"]
    finally:
        release.set()
        each.close()
