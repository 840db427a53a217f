"""CloudWatch's metric math, as far as our alarms and widgets use it, and how it tells an alarm's state.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

Series = Sequence[float | None]
"""Values of one period after the other; None where there is none."""

ARITHMETIC: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
COMPARISONS: dict[type[ast.AST], Callable[[float, float], bool]] = {
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
    ast.Lt: operator.lt,
    ast.Eq: operator.eq,
}
THRESHOLDS = {"GreaterThanOrEqualToThreshold": operator.ge, "LessThanThreshold": operator.lt}
LOOKED_BEYOND = 2
"""Data points that CloudWatch looks at beyond those that it was told to, where some are missing."""


def names(expression: str) -> set[str]:
    """The ids that an expression refers to."""
    tree = ast.parse(expression, mode="eval")
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - {"IF", "FILL"}


def compute(expression: str, series: Mapping[str, Series]) -> list[float | None]:
    """The series of an expression over series of one length."""
    tree = _tree(expression)

    @cache  # most minutes have the values of another
    def at(*values: float | None) -> float | None:
        return _at(tree, dict(zip(series, values, strict=True)))

    return [at(*values) for values in zip(*series.values(), strict=True)]


@cache
def _tree(expression: str) -> ast.AST:
    return ast.parse(expression, mode="eval").body


def _at(node: ast.AST, values: Mapping[str, float | None]) -> float | None:
    """The value at one time. Where some operands have none it counts as 0; where none has one, there is none."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _both(ARITHMETIC[type(op)], left, right, values)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _both(COMPARISONS[type(op)], left, right, values)
        case ast.Call(func=ast.Name(id="IF"), args=[condition, yes, no], keywords=[]):
            holds = _at(condition, values)
            return None if holds is None else (_at(yes, values) or 0.0) if holds else _at(no, values)
        case ast.Call(
            func=ast.Name(id="FILL"), args=[ast.Name(id=name), ast.Constant(value=int() as value)], keywords=[]
        ):
            found = values[name]
            return float(value) if found is None else found
    raise ValueError(f"not understood: {ast.dump(node)}")


def _both(compute: Callable[[float, float], float], left: ast.AST, right: ast.AST, values: Any) -> float | None:
    ids = [node.id for side in (left, right) for node in ast.walk(side) if isinstance(node, ast.Name)]
    filled = any(isinstance(node, ast.Name) and node.id == "FILL" for side in (left, right) for node in ast.walk(side))
    if ids and not filled and all(values[each] is None for each in ids if each != "IF"):
        return None
    try:
        return float(compute(_at(left, values) or 0.0, _at(right, values) or 0.0))
    except ZeroDivisionError:
        return None


def in_alarm(alarm: Mapping[str, Any], seen: Series) -> bool:
    """Whether an alarm is on when these are the last values, the youngest at the end.

    Values that are there come first, also some that are older; what is missing is taken as the alarm says only where
    there are too few of them.
    """
    periods = alarm["periods"]
    beyond = list(seen[-periods - LOOKED_BEYOND :])
    there = [value for value in beyond if value is not None][-periods:]
    breaching = sum(THRESHOLDS[alarm["comparison"]](value, alarm["threshold"]) for value in there)
    if alarm["missing"] == "breaching":
        breaching += periods - len(there)
    return bool(breaching >= alarm.get("breaching", periods))


def ever_in_alarm(alarm: Mapping[str, Any], series: Mapping[str, Series]) -> bool:
    """Whether an alarm goes on at the end of any of these periods."""
    expression = alarm.get("math", "metric")
    seen = compute(expression, series)
    window = alarm["periods"] + LOOKED_BEYOND
    ends = range(alarm["periods"], len(seen) + 1)
    return any(in_alarm(alarm, seen[max(0, end - window) : end]) for end in ends)
