"""Logger, metrics and tracer in one place, all from Powertools; no other module imports them."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from aws_lambda_powertools.metrics.base import SingleMetric

_SERVER_ERRORS = 500
_ANNOTATION_CHARACTERS = 1_000  # X-Ray Developer Guide, "X-Ray segment documents"
_TO_LINE = partial(json.dumps, default=str, separators=(",", ":"))
"""In ASCII: names come from outside, and a mark that reverses the direction of text would affect the whole line."""


class Metric(NamedTuple):
    """What one of the functions' metrics counts."""

    meaning: str
    dimensions: tuple[str, ...] = ("service",)


METRICS = {
    "BatchItemFailures": Metric("messages that were handed back to their queue"),
    "AgeAtHandBack": Metric("seconds since a message that was handed back was first sent"),
    "PicturesJudged": Metric(
        "pictures that Rekognition was paid to judge: 1 before each request, -1 where it was refused"
    ),
    "BudgetSpent": Metric(
        "messages that wait for the next day, since the budget of judged pictures is spent"
    ),
    "UnknownMessages": Metric("messages in a dead-letter queue that are not S3 events"),
    "AnswersReused": Metric("judged pictures whose answer Rekognition gave to an earlier upload"),
    "AnswerCacheErrors": Metric("failures to read or write answers for later uploads; Rekognition was asked"),
    "ReviewsExpiring": Metric("objects that wait for a person and whose original expires within 14 days"),
    "UploadsAccepted": Metric("pictures that were stored through the upload API"),
    "UploadFormsIssued": Metric("forms that the upload API gave out"),
    "UploadsRefused": Metric("uploads that the upload API refused, by HTTP status", ("service", "status")),
}
"""Every metric but those of outcomes, which are named like their status: `PUBLISHED` is counted as `Published`."""


class Observability:
    """Logs, metrics and traces of the pipeline.

    Metric names are a contract with the alarms in `components/alerting.py`; a test holds both together.
    With `tracing` off the X-Ray SDK is not even imported: that is most of its cost in a cold start.
    """

    def __init__(self, *, tracing: bool) -> None:
        self.logger = Logger(json_serializer=_TO_LINE)
        self.metrics = Metrics()
        self._segment: Callable[[str], AbstractContextManager[Any]] = lambda _: nullcontext()
        self._annotate: Callable[[str, str], None] = lambda *_: None
        self._carry: Callable[[Callable[[], Any]], Callable[[], Any]] = lambda call: call
        if tracing:
            from aws_lambda_powertools import Tracer

            # Clients are patched one by one by the SDK's own hook on botocore; answers may hold labels of
            # pictures, so they are not captured.
            provider = Tracer(auto_patch=True, patch_modules=("botocore",)).provider
            self._segment = lambda name: provider.in_subsegment(name=f"## {name}")
            self._annotate = provider.put_annotation
            self._carry = partial(_carried, provider)

    def segment(self, name: str) -> AbstractContextManager[Any]:
        """Trace a step as a subsegment, where tracing is on."""
        return self._segment(name)

    def about(self, object_key: str) -> None:
        """Annotate the open step with the object's key, by which traces that S3 does not join are found together."""
        self._annotate("object_key", object_key[:_ANNOTATION_CHARACTERS])

    def carried(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Return the call as one that another thread traces below this thread's subsegment, where tracing is on."""
        return self._carry(call)

    def outcome(self, status: str, **facts: Any) -> None:
        """Count and log a terminal outcome: `PUBLISHED` is counted as `Published`.

        Writes the only line of a log that has both `object_key` and `status`.
        """
        self._count(status.capitalize())
        self.logger.info("outcome", extra={"status": status, **facts})

    def ignored(self, key: str, why: str) -> None:
        """Log an event that this function does not process."""
        self.logger.warning("event ignored: %s", why, extra={"key": key})

    def handed_back(self, error: Exception, *, age: float, object_key: str | None = None) -> None:
        """Count and log a message that returns, with the error's traceback; `object_key` is None if it has no event.

        `age` is the seconds since it was first sent. SQS's own metric leaves out what was received three times or more.
        """
        self._count("BatchItemFailures")
        self.metrics.add_metric(name="AgeAtHandBack", unit=MetricUnit.Seconds, value=max(age, 0.0))
        extra = {} if object_key is None else {"object_key": object_key}
        self.logger.warning("message handed back: %s", error, exc_info=error, extra=extra)

    def pictures_judged(self, pictures: int) -> None:
        """Count pictures that Rekognition is about to be asked about; take those off that it refused (less than 0).

        Writes the line at once, since a function that is killed flushes no metrics, from any thread: other lines must
        not come between a line and its end.
        """
        metric = SingleMetric()
        metric.add_metric(name="PicturesJudged", unit=MetricUnit.Count, value=pictures)
        metric.add_dimension("service", str(self.logger.service))
        sys.stdout.write(_TO_LINE(metric.serialize_metric_set()) + "\n")

    def budget_spent(self, error: Exception, *, object_key: str | None) -> None:
        """Count and log a message that waits for the next day: nothing failed, so it was not handed back."""
        self._count("BudgetSpent")
        extra = {} if object_key is None else {"object_key": object_key}
        self.logger.warning("message waits: %s", error, extra=extra)

    def unknown_message(self, body: str, error: Exception) -> None:
        """Count and log a message that is not an S3 event; the log is the only place that keeps its body."""
        self._count("UnknownMessages")
        self.logger.error("message is not an S3 event: %s", error, extra={"body": body})

    def answers_reused(self, pictures: int) -> None:
        """Count pictures that needed no request to Rekognition, since an earlier upload had the same ones."""
        self._count("AnswersReused", pictures)

    def answer_cache_failed(self, error: Exception) -> None:
        """Count and log that answers could not be read from the cache, or written to it; nothing else comes of it."""
        self._count("AnswerCacheErrors")
        self.logger.warning("the cache of answers failed: %s", error, exc_info=error)

    def upload_accepted(self, **facts: Any) -> None:
        """Count and log a picture that was stored through the API."""
        self._count("UploadsAccepted")
        self.logger.info("upload accepted", extra=facts)

    def upload_withdrawn(self, **facts: Any) -> None:
        """Log that an upload was deleted through the API."""
        self.logger.info("upload withdrawn", extra=facts)

    def upload_appealed(self, **facts: Any) -> None:
        """Log that an uploader appealed; what was written is in the record only."""
        self.logger.info("upload appealed", extra=facts)

    def form_issued(self, **facts: Any) -> None:
        """Count and log a form that was given out for a larger upload."""
        self._count("UploadFormsIssued")
        self.logger.info("upload form issued", extra=facts)

    def refused(self, status: int, detail: str, error: Exception, *, is_upload: bool) -> None:
        """Log a refused request, with the error's traceback for a server error; count refused uploads."""
        if is_upload:
            self._count_by_status("UploadsRefused", str(int(status)))
        facts = {"http_status": int(status), "detail": detail}
        if status >= _SERVER_ERRORS:
            self.logger.error("request failed: %s", error, extra=facts, exc_info=error)
        else:
            self.logger.info("request refused", extra=facts)

    def announced(self, status: str, **facts: Any) -> None:
        """Write the one line of an announced outcome with `object_key` and `status`; `outcome` has counted it."""
        self.logger.info("outcome", extra={"status": status, **facts})

    def announced_again(self, alert_id: str) -> None:
        """Log that an announcement was delivered again; the outcome already has its line."""
        self.logger.info("outcome announced again", extra={"alert_id": alert_id})

    def repaired(self, difference: str, **facts: Any) -> None:
        """Log one difference between buckets and records that was repaired."""
        self.logger.warning("repaired: %s", difference, extra=facts)

    def reconciled(self, repaired: int, *, finished: bool) -> None:
        """Log the end of a run over buckets and records; an unfinished one continues the next time."""
        self.logger.info("reconciled", extra={"repaired": repaired, "finished": finished})

    def reviews_expiring(self, count: int) -> None:
        """Count and log objects that wait for a person, and whose original expires soon."""
        self._count("ReviewsExpiring", count)
        self.logger.warning("reviews will outlive their originals", extra={"reviews": count})

    @contextmanager
    def invocation(self, context: Any, **ids: str) -> Iterator[None]:
        """Add the invocation's ids to log lines, and flush the metrics at its end, even after an error."""
        self.logger.append_keys(
            function_request_id=context.aws_request_id, function_name=context.function_name, **ids
        )
        try:
            yield
        finally:
            if self.metrics.provider.metric_set:  # Powertools warns about an empty flush
                self.metrics.flush_metrics()

    def _count(self, name: str, value: int = 1) -> None:
        self.metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)

    def _count_by_status(self, name: str, status: str) -> None:
        # A line of its own: one with two sets of dimensions would count everything else in it by status as well.
        dimensions = {"service": str(self.logger.service), "status": status}
        with single_metric(name=name, unit=MetricUnit.Count, value=1, default_dimensions=dimensions):
            pass


def _carried(provider: Any, call: Callable[[], Any]) -> Callable[[], Any]:
    # The X-Ray SDK keeps the open subsegment in a variable of each thread.
    entity = provider.get_trace_entity()

    def traced() -> Any:
        provider.set_trace_entity(entity)
        return call()

    return traced
