"""What a dashboard's charts show: the lines of a metric widget, from what CloudWatch keeps.

After "Dashboard body structure and syntax" (CloudWatch API Reference), without the shorthand `"."` and `"..."`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from embedded_aws.metrics.expressions import Value, adds_up, evaluate
from embedded_aws.metrics.series import MetricName, Series

_DEFAULT_STATISTIC: Final = "Average"
_SUMS: Final = frozenset(("Sum", "SampleCount"))


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time that a chart shows: periods of so many seconds, from `begin` in epoch seconds."""

    begin: float
    period: float
    periods: int


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart: a value for each period, and one for the whole span taken as a single period.

    `adds_up` where `whole` is the sum of the values. `color` is None where the widget names none.
    """

    label: str
    adds_up: bool
    color: str | None
    values: tuple[Value, ...]
    whole: Value


@dataclass(frozen=True)
class _Entry:
    """One entry of a widget's `metrics`: a metric, or an expression over the ids of others."""

    options: Mapping[str, Any]
    metric: MetricName | None

    @classmethod
    def of(cls, entry: Sequence[Any]) -> "_Entry":
        options = entry[-1] if isinstance(entry[-1], Mapping) else {}
        names = [each for each in entry if isinstance(each, str)]
        if not names:
            return cls(options, None)
        namespace, name, *pairs = names
        return cls(options, (namespace, name, tuple(sorted(zip(pairs[::2], pairs[1::2], strict=True)))))


def lines(properties: Mapping[str, Any], series: Series, span: Span) -> list[Line]:
    """Return the visible lines of a metric widget in its order. The widget's own `period` gives way to the span's.

    Raises ExpressionError for an expression that is not evaluated here.
    """
    entries = [_Entry.of(entry) for entry in properties["metrics"]]
    statistic = properties.get("stat", _DEFAULT_STATISTIC)
    columns = [
        _values(entries, series, statistic, span.begin + number * span.period, span.period)
        for number in range(span.periods)
    ]
    whole = _values(entries, series, statistic, span.begin, span.period * span.periods)
    labels, sums = _labels(entries), _sums(entries, statistic)
    return [
        Line(
            label=labels[number],
            adds_up=sums[number],
            color=entry.options.get("color"),
            values=tuple(column[number] for column in columns),
            whole=whole[number],
        )
        for number, entry in enumerate(entries)
        if entry.options.get("visible", True)
    ]


def _values(
    entries: Sequence[_Entry], series: Series, statistic: str, begin: float, period: float
) -> list[Value]:
    """Return the value of each entry in one period."""
    known: dict[str, Value] = {}
    found: list[Value] = []
    for entry in entries:
        if entry.metric:
            value = series.value(entry.metric, entry.options.get("stat", statistic), begin, period)
        else:
            value = evaluate(entry.options["expression"], known)
        if "id" in entry.options:
            known[entry.options["id"]] = value
        found.append(value)
    return found


def _sums(entries: Sequence[_Entry], statistic: str) -> list[bool]:
    """Return of each entry whether the values of its periods add up."""
    ids: set[str] = set()
    found = []
    for entry in entries:
        if entry.metric:
            is_sum = entry.options.get("stat", statistic) in _SUMS
        else:
            is_sum = adds_up(entry.options["expression"], ids)
        if is_sum and "id" in entry.options:
            ids.add(entry.options["id"])
        found.append(is_sum)
    return found


def _labels(entries: Sequence[_Entry]) -> list[str]:
    """Return each entry's label, or else what tells it from the others: dimensions, name, statistic."""
    metrics = [entry.metric for entry in entries if entry.metric]
    several_names = len({name for _, name, _ in metrics}) > 1
    several_dimensions = len({dimensions for _, _, dimensions in metrics}) > 1
    statistics: dict[MetricName, set[str]] = {}
    for entry in entries:
        if entry.metric:
            statistics.setdefault(entry.metric, set()).add(str(entry.options.get("stat")))

    def label(entry: _Entry) -> str:
        if "label" in entry.options or not entry.metric:
            return str(entry.options.get("label") or entry.options["expression"])
        _, name, dimensions = entry.metric
        parts = [value for _, value in dimensions] if several_dimensions else []
        parts += [name] if several_names or not parts else []
        parts += [str(entry.options["stat"])] if len(statistics[entry.metric]) > 1 else []
        return " ".join(parts)

    return [label(entry) for entry in entries]
