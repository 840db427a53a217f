"""The part of CloudWatch's metric math that alarms and widgets use, and the evaluation of alarms.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

Series = Sequence[float | None]
"""The values of consecutive periods; None for a period without a value."""

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
EXTRA_PERIODS = 2
"""Additional periods that CloudWatch reads to replace missing values."""


def names(expression: str) -> set[str]:
    """The ids in an expression."""
    tree = ast.parse(expression, mode="eval")
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - {"IF", "FILL"}


def compute(expression: str, series: Mapping[str, Series]) -> list[float | None]:
    """Evaluate an expression over series of equal length."""
    tree = _tree(expression)

    @cache  # most minutes repeat the values of another
    def at(*values: float | None) -> float | None:
        return _at(tree, dict(zip(series, values, strict=True)))

    return [at(*values) for values in zip(*series.values(), strict=True)]


@cache
def _tree(expression: str) -> ast.AST:
    return ast.parse(expression, mode="eval").body


def _at(node: ast.AST, values: Mapping[str, float | None]) -> float | None:
    """The value in one period. A missing operand counts as 0, unless all operands are missing."""
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
    raise ValueError(f"unsupported expression: {ast.dump(node)}")


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
    """Whether an alarm is in the state ALARM after these values, the latest at the end.

    Older values replace missing ones. Values that are still missing count as the alarm's `missing` says.
    """
    periods = alarm["periods"]
    beyond = list(seen[-periods - EXTRA_PERIODS :])
    there = [value for value in beyond if value is not None][-periods:]
    breaching = sum(THRESHOLDS[alarm["comparison"]](value, alarm["threshold"]) for value in there)
    if alarm["missing"] == "breaching":
        breaching += periods - len(there)
    return bool(breaching >= alarm.get("breaching", periods))


def ever_in_alarm(alarm: Mapping[str, Any], series: Mapping[str, Series]) -> bool:
    """Whether an alarm is in the state ALARM after any of these periods."""
    expression = alarm.get("math", "metric")
    seen = compute(expression, series)
    window = alarm["periods"] + EXTRA_PERIODS
    ends = range(alarm["periods"], len(seen) + 1)
    return any(in_alarm(alarm, seen[max(0, end - window) : end]) for end in ends)
