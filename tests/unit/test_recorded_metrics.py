"""Every metric is recorded, by a transition of the table or by a call of ``record``."""

import ast
from pathlib import Path

import service
from service.orders.metric import Metric
from service.orders.transitions import TRANSITIONS

MODULES = sorted(Path(service.__file__).parent.rglob("*.py"))


def recorded_by_calls() -> set[str]:
    """The names of the metrics that some code passes to ``record``, as in ``record(Metric.RECONCILER_RUNS)``."""
    calls = (
        node
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "record"
    )
    return {
        argument.attr
        for call in calls
        for argument in call.args
        if isinstance(argument, ast.Attribute) and ast.unparse(argument.value) == "Metric"
    }


def test_every_metric_is_recorded_by_a_transition_or_by_a_call():
    by_transitions = {metric.name for transition in TRANSITIONS.values() for metric in transition.metrics}
    forgotten = {metric.name for metric in Metric} - by_transitions - recorded_by_calls()
    assert not forgotten, "no transition in transitions.py names the metric, and no code records it"
