"""What a dashboard's chart shows of the values that CloudWatch keeps."""

from datetime import UTC, datetime
from typing import Any

import pytest

from embedded_aws.metrics.expressions import adds_up
from embedded_aws.metrics.series import Series
from embedded_aws.metrics.widgets import Span, lines
from embedded_aws.world import World

BEGIN = 1_800_000_000.0
SPAN = Span(begin=BEGIN, period=10, periods=3)
VALUES = {  # by function: seconds after BEGIN and milliseconds
    "one": [(0, 100.0), (9, 300.0), (25, 200.0)],
    "two": [(12, 50.0), (40, 7.0)],
}


@pytest.fixture(scope="module")
def series() -> Any:
    with World() as world:
        world.client("cloudwatch").put_metric_data(
            Namespace="AWS/Lambda",
            MetricData=[
                {
                    "MetricName": "Duration",
                    "Dimensions": [{"Name": "FunctionName", "Value": function}],
                    "Timestamp": datetime.fromtimestamp(BEGIN + at, UTC),
                    "Value": value,
                }
                for function, values in VALUES.items()
                for at, value in values
            ],
        )
        yield Series(world.account_id, world.region, BEGIN, BEGIN + 100)


def duration(function: str, **options: Any) -> list[Any]:
    return ["AWS/Lambda", "Duration", "FunctionName", function, options]


def test_lines_have_a_value_for_each_period_and_one_for_the_whole_span(series: Series) -> None:
    entries = [duration("one", stat="Sum"), duration("two", stat="Maximum"), duration("one", stat="p50")]
    total, highest, median = lines({"metrics": entries}, series, SPAN)
    assert (total.values, total.whole, total.adds_up) == ((400.0, None, 200.0), 600.0, True)
    assert (highest.values, highest.whole, highest.adds_up) == ((None, 50.0, None), 50.0, False)
    assert (median.values, median.whole) == ((100.0, None, 200.0), 200.0)


def test_expressions_are_over_ids_and_what_is_hidden_is_not_drawn(series: Series) -> None:
    entries = [
        duration("one", stat="Sum", id="a", visible=False),
        duration("two", stat="Sum", id="b", visible=False),
        [{"expression": "a * 2", "label": "double", "id": "double", "color": "#123456"}],
        [{"expression": "a / b"}],
    ]
    double, ratio = lines({"metrics": entries}, series, SPAN)
    assert (double.label, double.color) == ("double", "#123456")
    assert (double.values, double.whole, double.adds_up) == ((800.0, None, 400.0), 1200.0, True)
    assert (ratio.label, ratio.whole, ratio.adds_up) == ("a / b", 12.0, False)


def test_a_line_without_a_label_is_called_by_what_tells_it_from_the_others(series: Series) -> None:
    def labels(*entries: list[Any]) -> list[str]:
        return [line.label for line in lines({"metrics": entries, "stat": "Sum"}, series, SPAN)]

    assert labels(duration("one")) == ["Duration"]
    assert labels(duration("one"), duration("two")) == ["one", "two"]
    assert labels(duration("one", stat="p50"), duration("one", stat="p95")) == [
        "Duration p50",
        "Duration p95",
    ]
    other = ["AWS/Lambda", "Errors", "FunctionName", "two", {"label": "failed"}]
    assert labels(duration("one"), other) == ["one Duration", "failed"]


@pytest.mark.parametrize(
    ("expression", "is_sum"),
    [
        ("a + b - a", True),
        ("0.001 * a", True),
        ("a / 2 + b", True),
        ("a * b", False),
        ("a / b", False),
        ("a + c", False),
        ("a + 1", False),
        ("IF(a > 1, a, b)", False),
    ],
)
def test_what_is_linear_in_sums_adds_up(expression: str, is_sum: bool) -> None:
    assert adds_up(expression, {"a", "b"}) is is_sum
