"""What the world's services and functions publish as metrics, and CloudWatch's clock, which tests can put forward."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

_log = logging.getLogger(__name__)
_AT_ONCE: Final = 500
"""Data of one PutMetricData, which takes 1,000."""
Datum = dict[str, Any]


class Metrics:
    """Collects metrics until `flush` puts them; thread-safe. `cloudwatch` returns the client of an administrator."""

    def __init__(self, cloudwatch: Callable[[], Any]) -> None:
        self._cloudwatch = cloudwatch
        self._waiting: list[tuple[str, Datum]] = []
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._ahead = 0.0

    def now(self) -> float:
        """Return CloudWatch's time in epoch seconds: the machine's, and what `advance` has added."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Put CloudWatch's clock forward."""
        self._ahead += seconds

    def add(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        value: float,
        unit: str = "Count",
        *,
        at: float | None = None,
    ) -> None:
        """Note one value; `at` is the machine's time in epoch seconds, now by default."""
        seconds = (time.time() if at is None else at) + self._ahead
        datum: Datum = {
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": dimensions[key]} for key in sorted(dimensions)],
            "Timestamp": datetime.fromtimestamp(seconds, UTC),
            "Value": float(value),
            "Unit": unit,
        }
        with self._lock:
            self._waiting.append((namespace, datum))

    def embedded(self, line: str) -> None:
        """Note the metrics of a log event in the embedded metric format; any other event has none.

        (CloudWatch User Guide, "Specification: Embedded metric format".)
        """
        if '"_aws"' not in line:
            return
        try:
            for namespace, name, dimensions, value, unit, at in _embedded(json.loads(line)):
                self.add(namespace, name, dimensions, value, unit, at=at)
        except (ValueError, KeyError, TypeError) as error:
            _log.warning("CloudWatch finds no metrics in %.200s: %r", line, error)

    def flush(self) -> None:
        """Put what was noted since the last time, and return once it is there. Raises what botocore raises."""
        with self._flushing:
            with self._lock:
                waiting, self._waiting = self._waiting, []
            for namespace in sorted({namespace for namespace, _ in waiting}):
                data = [datum for of, datum in waiting if of == namespace]
                for start in range(0, len(data), _AT_ONCE):
                    self._cloudwatch().put_metric_data(
                        Namespace=namespace, MetricData=data[start : start + _AT_ONCE]
                    )


def _embedded(document: Any) -> Iterator[tuple[str, str, dict[str, str], float, str, float]]:
    """Yield namespace, name, dimensions, value, unit and epoch seconds of every value of a log event."""
    about = document["_aws"]
    at = about["Timestamp"] / 1000
    for directive in about["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    unit = metric.get("Unit", "None")
                    yield directive["Namespace"], metric["Name"], dimensions, float(value), unit, at
