"""The news as a log: one line an outcome, nothing lost quietly."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from media_pipeline.errors import UnknownAnnouncementError
from media_pipeline.messaging.announcements import describe
from media_pipeline.messaging.notifications import REMEMBERED, NotificationLog
from media_pipeline.observability import Observability
from media_pipeline.records.record import Record, Status, alert_id, from_item, to_item

Lines = Callable[[], list[dict[str, Any]]]
HOSTILE = "in/a\u202e\n\u2028\x7fgpj.jpg"


class Context:
    """What Lambda passes."""

    function_name = "log-notification"
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable[..., None]:
    # Powertools keeps one logger a name, on the stdout that was there first: each test has its own.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"media-pipeline-{abs(hash(request.node.nodeid))}")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "MediaPipeline")
    made: list[NotificationLog] = []

    def deliver(*messages: str) -> None:
        if not made:
            made.append(NotificationLog(Observability(tracing=False)))
        made[0](
            {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": text}} for text in messages]},
            Context(),
        )

    return deliver


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def record(key: str = "in/a.jpg", status: Status = Status.BLOCKED, **facts: Any) -> Record:
    return from_item(
        to_item(
            {
                "object_key": key,
                "sequencer": f"{1:032X}",
                "status": status,
                "attempt": 1,
                "version_id": "v",
                "alert_id": alert_id(key, f"{1:032X}", status, 1),
                "reason": "policy_block",
                "milliseconds": {"fetch": 1.5, "total": 20},
                "renditions": [
                    {"name": "large", "format": "webp", "width": 9, "height": 8, "bytes": 7, "key": "k"}
                ],
                "moderation": {
                    "verdict": "block",
                    "mode": "enforce",
                    "labels": [{"name": "Weapons", "parent": "Violence", "confidence": 95.25}],
                },
                **facts,
            }
        )
    )


def announcement(key: str = "in/a.jpg", status: Status = Status.BLOCKED, **facts: Any) -> str:
    return json.dumps(describe(record(key, status, **facts), "dev"))


def outcomes(printed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in printed if "object_key" in line and "status" in line]


def test_outcome_has_one_line_with_everything_an_operator_searches_by(
    log: Callable[..., None], lines: Lines
) -> None:
    log(announcement())
    (line,) = outcomes(lines())
    assert (line["object_key"], line["status"], line["reason"]) == ("in/a.jpg", "BLOCKED", "policy_block")
    assert line["alert_id"] == record().alert_id
    assert line["milliseconds"] == {"fetch": 1.5, "total": 20}
    assert line["sizes"] == [{"name": "large", "format": "webp", "width": 9, "height": 8, "bytes": 7}]
    assert (line["verdict"], line["labels"]) == ("block", {"Weapons": 95.25})


@pytest.mark.parametrize("status", [status for status in Status if status.terminal])
def test_every_outcome_has_one_line_and_no_metric_since_the_worker_counted_it(
    log: Callable[..., None], lines: Lines, status: Status
) -> None:
    log(announcement(status=status))
    (line,) = lines()
    assert line["status"] == status.value
    assert "_aws" not in line


def test_repeated_delivery_has_no_second_line(log: Callable[..., None], lines: Lines) -> None:
    log(announcement())
    log(announcement(), announcement("other.jpg"))
    printed = lines()
    assert [line["object_key"] for line in outcomes(printed)] == ["in/a.jpg", "other.jpg"]


def test_second_outcome_of_the_same_object_has_its_own_line(log: Callable[..., None], lines: Lines) -> None:
    log(announcement(status=Status.FAILED))
    log(announcement(status=Status.PUBLISHED))
    assert [line["status"] for line in outcomes(lines())] == ["FAILED", "PUBLISHED"]


def test_memory_of_what_was_logged_is_bounded() -> None:
    class Silent:
        def announced(self, *_: Any, **__: Any) -> None: ...

    observability: Any = Silent()
    log = NotificationLog(observability)
    for number in range(REMEMBERED + 10):
        log._log({"alert_id": str(number), "object_key": "k", "status": "PUBLISHED"})
    assert len(log._logged) == REMEMBERED


def test_line_is_ascii_whatever_the_key_is(
    log: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    log(announcement(HOSTILE))
    printed = capsys.readouterr().out
    assert all(line.isascii() and line.isprintable() for line in printed.split("\n"))
    (line,) = outcomes([json.loads(text) for text in printed.splitlines()])
    assert line["object_key"] == HOSTILE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "null",
        "{}",
        '{"alert_id": "a", "object_key": "k"}',
        '{"alert_id": "a", "object_key": "k", "status": "PROCESSING"}',
        '{"alert_id": "a", "object_key": "k", "status": ["PUBLISHED"]}',
        '{"alert_id": null, "object_key": "k", "status": "PUBLISHED"}',
    ],
)
def test_message_that_is_no_announcement_fails_loudly_after_its_neighbours_had_their_line(
    log: Callable[..., None], lines: Lines, text: str
) -> None:
    with pytest.raises(UnknownAnnouncementError):
        log(text, announcement())
    assert [line["object_key"] for line in outcomes(lines())] == ["in/a.jpg"]


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"Records": [{}]}, {"Records": [{"Sns": None}]}])
def test_event_that_is_none_of_sns_fails_loudly(event: dict[str, Any]) -> None:
    with pytest.raises(UnknownAnnouncementError):
        NotificationLog(Observability(tracing=False))(event, Context())


def test_failed_line_is_not_remembered_as_written(
    log: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the log is away")

    monkeypatch.setattr(Observability, "announced", fail)
    with pytest.raises(OSError, match="away"):
        log(announcement())
    with pytest.raises(OSError, match="away"):
        log(announcement())
