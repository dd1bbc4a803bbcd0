"""The values of metrics by period, from what CloudWatch keeps."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MetricName = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, name and sorted dimensions."""


def metric_name(namespace: str, name: str, dimensions: Iterable[Mapping[str, str]]) -> MetricName:
    """Return what identifies a metric; dimensions as in CloudWatch's API, `Name` and `Value`."""
    return namespace, name, tuple(sorted((each["Name"], each["Value"]) for each in dimensions))


class Series:
    """All values between two times in epoch seconds, by metric. The periods begin at multiples of their length."""

    def __init__(self, account: str, region: str, begin: float, end: float) -> None:
        from moto.cloudwatch.models import cloudwatch_backends

        from embedded_aws.moto_lock import MOTO_LOCK

        self._values: dict[MetricName, list[tuple[float, float]]] = defaultdict(list)
        with MOTO_LOCK.held():
            kept: list[Any] = list(cloudwatch_backends[account][region].metric_data)
        for datum in kept:
            at = datum.timestamp.timestamp()
            if begin <= at < end:
                dimensions = tuple(sorted((each.name, each.value) for each in datum.dimensions))
                self._values[datum.namespace, datum.name, dimensions].append((at, datum.value))
        for values in self._values.values():
            values.sort()

    def names(self) -> Sequence[MetricName]:
        """Return which metrics have values."""
        return sorted(self._values)

    def value(self, metric: MetricName, statistic: str, begin: float, period: float) -> float | None:
        """Return a statistic of the period that begins then; None without values."""
        kept = self._values.get(metric, [])
        first, behind = (bisect_left(kept, (at,)) for at in (begin, begin + period))
        return statistic_of([value for _, value in kept[first:behind]], statistic)


def statistic_of(values: Sequence[float], statistic: str) -> float | None:
    """Return `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount` or a percentile such as `p95`; None of nothing."""
    if not values:
        return None
    plain: Mapping[str, Any] = {
        "Sum": sum,
        "Minimum": min,
        "Maximum": max,
        "SampleCount": len,
        "Average": lambda given: sum(given) / len(given),
    }
    if statistic in plain:
        return float(plain[statistic](values))
    rank = math.ceil(float(statistic.removeprefix("p")) / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]
