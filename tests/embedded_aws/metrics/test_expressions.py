"""Metric math: what CloudWatch makes of values, of missing ones, and of a division by zero."""

from collections.abc import Mapping

import pytest

from embedded_aws.metrics.expressions import ExpressionError, evaluate
from embedded_aws.metrics.series import statistic_of


@pytest.mark.parametrize(
    ("expression", "values", "result"),
    [
        ("a + 2 * b - 1", {"a": 1.0, "b": 3.0}, 6.0),
        ("a / b", {"a": 1.0, "b": 0.0}, None),
        ("a / b", {"a": 1.0, "b": None}, None),
        ("IF(FILL(a, 0) >= 20, 100 * FILL(b, 0) / a, 0)", {"a": None, "b": 3.0}, 0.0),
        ("IF(FILL(a, 0) >= 20, 100 * FILL(b, 0) / a, 0)", {"a": 20.0, "b": 5.0}, 25.0),
        ("IF(a < b, -1, MAX(a, b))", {"a": 4.0, "b": 3.0}, 4.0),
        ("SUM(a, b)", {"a": None, "b": 3.0}, 3.0),
        ("IF(a == 1, 2, 3)", {"a": None}, None),
    ],
)
def test_an_expression_has_the_value_that_cloudwatch_gives_it(
    expression: str, values: Mapping[str, float | None], result: float | None
) -> None:
    assert evaluate(expression, values) == result


@pytest.mark.parametrize("expression", ["a +", "unknown", "RATE(a)", "a ** 2", "IF(a, 1)", "a if a else 1"])
def test_what_is_not_evaluated_is_an_error_and_never_a_value(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression, {"a": 1.0})


def test_statistics_of_a_period() -> None:
    values = [float(number) for number in range(1, 101)]
    found = {
        name: statistic_of(values, name) for name in ("Sum", "Average", "Minimum", "Maximum", "p95", "p99")
    }
    assert found == {"Sum": 5050, "Average": 50.5, "Minimum": 1, "Maximum": 100, "p95": 95, "p99": 99}
    assert statistic_of(values, "SampleCount") == 100
    assert statistic_of([], "Sum") is None
