"""Only one module writes orders: no step, route or command builds a write."""

import ast
from pathlib import Path

import pytest

import service
from service.orders.lifecycle import Status
from service.orders.mover import Mover
from service.orders.ports import TransitionRefused
from tests.steps.doubles import standing
from tests.support import MemorySystem

SERVICE = Path(service.__file__).parent
WRITING = {"Write", "store.create", "store.apply"}


def calls(file):
    """The source text of the calls in a file that write an order."""
    found = (ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    return {spelled for spelled in found if any(spelled == each or spelled.endswith(f".{each}") for each in WRITING)}


def test_only_the_mover_writes_orders():
    writers = {file.relative_to(SERVICE).as_posix() for file in SERVICE.rglob("*.py") if calls(file)}
    assert writers == {"orders/mover.py"}, "call a method of Orders, or add one; it calls the mover"


def test_a_refused_transition_records_no_metric():
    system = MemorySystem()
    standing(Status.FULFILLED, system)
    system.metrics.counts.clear()
    with pytest.raises(TransitionRefused):
        Mover(system).move("cancel", "ord_1", actor="api")
    assert not system.metrics.counts
