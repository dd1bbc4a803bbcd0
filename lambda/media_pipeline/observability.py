"""Logger, metrics and tracer in one place, all of Powertools; nothing else of the package imports them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from media_pipeline.record import Status

_METRIC_OF = {status: status.value.capitalize() for status in Status if status.terminal}


class Observability:
    """What the pipeline says about itself.

    Metric names are a contract with the alarms in `components/alerting.py`; a test holds both together.
    With `tracing` off the X-Ray SDK is not even imported: that is most of its cost in a cold start.
    """

    def __init__(self, *, tracing: bool) -> None:
        self.logger = Logger()
        self.metrics = Metrics()
        self._segment: Callable[[str], AbstractContextManager[Any]] = lambda _: nullcontext()
        if tracing:
            from aws_lambda_powertools import Tracer

            # Clients are patched one by one by the SDK's own hook on botocore; answers may hold labels of
            # pictures, so they are not captured.
            provider = Tracer(auto_patch=True, patch_modules=("botocore",)).provider
            self._segment = lambda name: provider.in_subsegment(name=f"## {name}")

    def segment(self, name: str) -> AbstractContextManager[Any]:
        """Trace a step as a subsegment, where tracing is on."""
        return self._segment(name)

    def outcome(self, status: Status, **facts: Any) -> None:
        """Count a terminal outcome and log it; the one line of a log that has `object_key` and `status`."""
        self._count(_METRIC_OF[status])
        self.logger.info("outcome", extra={"status": status.value, **facts})

    def ignored(self, key: str, why: str) -> None:
        """Log an event that is none of our business."""
        self.logger.warning("event ignored: %s", why, extra={"key": key})

    def handed_back(self, error: Exception) -> None:
        """Count and log a message that comes back, with the error's trace where it is not one of ours."""
        self._count("BatchItemFailures")
        self.logger.warning("message handed back: %s", error, exc_info=error)

    def unknown_message(self, body: str, error: Exception) -> None:
        """Count and log a message that is no S3 event; its body is kept here, since nowhere else will be."""
        self._count("UnknownMessages")
        self.logger.error("message is no S3 event: %s", error, extra={"body": body})

    @contextmanager
    def invocation(self, context: Any) -> Iterator[None]:
        """Give log lines the invocation's ids, and write the metrics out at its end, however it ends."""
        self.logger.append_keys(
            function_request_id=context.aws_request_id, function_name=context.function_name
        )
        try:
            yield
        finally:
            if self.metrics.provider.metric_set:  # a flush of nothing is a warning to Powertools
                self.metrics.flush_metrics()

    def _count(self, name: str) -> None:
        self.metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)
