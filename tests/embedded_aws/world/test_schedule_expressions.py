"""When schedules invoke their targets, by the examples and rules of the EventBridge Scheduler User Guide."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from embedded_aws.schedule_expressions import ExpressionError, parse

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def times(expression: str, count: int, *, since: datetime = SINCE, zone: str = "UTC") -> list[str]:
    parsed, found = parse(expression, zone), list[datetime]()
    after: datetime = since - timedelta(microseconds=1)
    while len(found) < count and (moment := parsed.following(after, since)) is not None:
        found.append(moment)
        after = moment
    assert all(earlier < later for earlier, later in pairwise(found))
    return [moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") for moment in found]


def test_a_rate_invokes_at_once_and_then_after_each_interval() -> None:
    since = datetime(2026, 1, 1, 12, 0, 7, tzinfo=UTC)
    assert times("rate(5 minutes)", 3, since=since) == [
        "2026-01-01 12:00:07",
        "2026-01-01 12:05:07",
        "2026-01-01 12:10:07",
    ]
    assert times("rate(1 day)", 2, since=since) == ["2026-01-01 12:00:07", "2026-01-02 12:00:07"]
    late = parse("rate(1 hour)").following(since + timedelta(hours=2, minutes=1), since)
    assert late == since + timedelta(hours=3), "missed times are not made up for"


def test_a_time_comes_once_and_not_when_it_was_over_before() -> None:
    assert times("at(2026-11-20T13:00:00)", 2) == ["2026-11-20 13:00:00"]
    assert times("at(2026-11-20T13:00:00)", 2, zone="America/New_York") == ["2026-11-20 18:00:00"]
    assert times("at(2025-11-20T13:00:00)", 1) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(15 10 * * ? *)", ["2026-01-01 10:15", "2026-01-02 10:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-01-01 18:00", "2026-01-02 18:00", "2026-01-05 18:00"]),
        ("cron(0/15 * ? * 2 *)", ["2026-01-05 00:00", "2026-01-05 00:15", "2026-01-05 00:30"]),
        ("cron(0 8 1 * ? *)", ["2026-01-01 08:00", "2026-02-01 08:00"]),
        ("cron(0 8 1 JAN,JUL ? 2027)", ["2027-01-01 08:00", "2027-07-01 08:00"]),
        ("cron(30 6 L 2,4 ? *)", ["2026-02-28 06:30", "2026-04-30 06:30", "2027-02-28 06:30"]),
        ("cron(0 9 3W * ? *)", ["2026-01-02 09:00", "2026-02-03 09:00", "2026-03-03 09:00"]),
        ("cron(0 9 1W 8 ? *)", ["2026-08-03 09:00", "2027-08-02 09:00"]),
        ("cron(0 9 LW 1,5 ? *)", ["2026-01-30 09:00", "2026-05-29 09:00"]),
        ("cron(0 10 ? * 6L 2026)", ["2026-01-30 10:00", "2026-02-27 10:00"]),
        ("cron(0 10 ? * 3#2 *)", ["2026-01-13 10:00", "2026-02-10 10:00"]),
        ("cron(0 10 ? * L *)", ["2026-01-03 10:00", "2026-01-10 10:00"]),
        ("cron(0 0 31 6 ? *)", []),
    ],
)
def test_a_cron_expression_means_what_the_guide_says(expression: str, expected: list[str]) -> None:
    assert times(expression, len(expected) or 1) == [f"{each}:00" for each in expected]


def test_daylight_saving_time_skips_a_time_and_repeats_none() -> None:
    night, berlin = datetime(2026, 3, 28, tzinfo=UTC), "Europe/Berlin"
    assert times("cron(30 2 * * ? *)", 3, since=night, zone=berlin) == [
        "2026-03-28 01:30:00",
        "2026-03-30 00:30:00",  # 02:30 does not exist on the 29th
        "2026-03-31 00:30:00",
    ]
    night = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert times("cron(30 2 * * ? *)", 2, since=night, zone=berlin) == [
        "2026-10-25 00:30:00",
        "2026-10-26 01:30:00",
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 days)",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "at(2026-02-30T00:00:00)",
        "at(2026-02-03)",
        "cron(0 8 * * * *)",
        "cron(0 8 ? * ? *)",
        "cron(60 8 * * ? *)",
        "cron(0 8 * * ?)",
        "cron(0 8 * JANUARY ? *)",
        "cron(0/0 8 * * ? *)",
        "cron(0 8 ? * 2#6 *)",
    ],
)
def test_what_the_service_does_not_take_is_an_error(expression: str) -> None:
    with pytest.raises(ExpressionError, match="Invalid Schedule Expression"):
        parse(expression)


def test_an_unknown_time_zone_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="Mars/Base"):
        parse("rate(1 day)", "Mars/Base")
