"""Every metric that the functions publish is in the table that docs/reference/metrics.md is made from."""

import json

import pytest

from media_pipeline.observability import METRICS, Observability
from media_pipeline.records.record import Status


def test_a_picture_is_counted_before_rekognition_is_asked_and_not_when_the_invocation_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "MediaPipeline")
    Observability(tracing=False).pictures_judged(-1)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["PicturesJudged"] == [-1.0]


def test_every_metric_is_listed_with_its_dimensions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "MediaPipeline")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "media-pipeline-dev")
    observability = Observability(tracing=False)
    for status in Status:
        if status.terminal:
            observability.outcome(status, object_key="key")
    observability.handed_back(RuntimeError("once"), age=60)
    observability.unknown_message("body", RuntimeError("not an event"))
    observability.pictures_judged(2)
    observability.budget_spent(RuntimeError("spent"), object_key=None)
    observability.answers_reused(3)
    observability.answer_cache_failed(RuntimeError("throttled"))
    observability.upload_accepted()
    observability.form_issued()
    observability.reviews_expiring(1)
    observability.refused(429, "too many", RuntimeError("throttled"), is_upload=True)
    observability.metrics.flush_metrics()
    published: dict[str, tuple[str, ...]] = {}
    for line in capsys.readouterr().out.splitlines():
        for directive in json.loads(line).get("_aws", {}).get("CloudWatchMetrics", ()):
            (dimensions,) = directive["Dimensions"]
            published |= {metric["Name"]: tuple(sorted(dimensions)) for metric in directive["Metrics"]}
    outcomes = {status.capitalize(): ("service",) for status in Status if status.terminal}
    assert published == outcomes | {name: metric.dimensions for name, metric in METRICS.items()}
