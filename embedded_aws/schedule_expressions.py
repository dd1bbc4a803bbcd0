"""When a schedule of EventBridge Scheduler invokes its target. (User Guide: "Schedule types".)"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_RATE = re.compile(r"rate\((?:1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_CRON = re.compile(r"cron\((\S+(?: \S+){5})\)")
_MONTHS = tuple(name.upper() for name in calendar.month_abbr)[1:]
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WEEK = 7
_SATURDAY = 6  # ISO 8601
_LAST_YEAR = 2199

_Matches = Callable[[date], bool]


class ExpressionError(ValueError):
    """The service refuses the expression or its time zone."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression; `following` takes and gives aware datetimes.

    A rate begins with its schedule (`since`) and invokes at once. A cron expression invokes at each matching minute of
    its time zone: not at one that daylight saving time skips, and once at one that it repeats.
    """

    _following: Callable[[datetime, datetime], datetime | None]
    repeats: bool

    def following(self, after: datetime, since: datetime) -> datetime | None:
        """Return the first time later than `after` and not before `since`; None where there is none."""
        return self._following(after, since)


def parse(expression: str, zone: str = "UTC") -> Expression:
    """Return what a schedule's expression says. Raises ExpressionError where the service would refuse it."""
    where = _zone(zone)
    if found := _RATE.fullmatch(expression):
        one, number, many = found.groups()
        unit = one + "s" if one else many
        return Expression(_rate(timedelta(**{unit: int(number or 1)})), repeats=True)
    if found := _AT.fullmatch(expression):
        try:
            moment = datetime.fromisoformat(found[1]).replace(tzinfo=where).astimezone(UTC)
        except ValueError as error:
            raise ExpressionError(f"Invalid Schedule Expression {expression}: {error}.") from error
        return Expression(lambda after, since: moment if after < moment >= since else None, repeats=False)
    if found := _CRON.fullmatch(expression):
        try:
            cron = _Cron.parse(found[1].split(" "), where)
        except ValueError as error:
            raise ExpressionError(f"Invalid Schedule Expression {expression}: {error}.") from error
        return Expression(lambda after, since: cron.following(after, since), repeats=True)
    raise ExpressionError(f"Invalid Schedule Expression {expression}.")


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ExpressionError(f"Invalid ScheduleExpressionTimezone {name}.") from error


def _rate(interval: timedelta) -> Callable[[datetime, datetime], datetime]:
    def following(after: datetime, since: datetime) -> datetime:
        if after < since:
            return since
        return since + ((after - since) // interval + 1) * interval

    return following


@dataclass(frozen=True)
class _Cron:
    times: Sequence[time]
    matches: _Matches
    zone: tzinfo

    @classmethod
    def parse(cls, fields: Sequence[str], zone: tzinfo) -> _Cron:
        minute, hour, day, month, weekday, year = fields
        if (day == "?") == (weekday == "?"):
            raise ValueError("one of day-of-month and day-of-week must be ?, and only one")
        minutes, hours = _numbers(minute, 0, 59), _numbers(hour, 0, 23)
        months = _numbers(month, 1, 12, _MONTHS)
        years = _numbers(year, 1970, _LAST_YEAR)
        fits = _day_of_month(day) if weekday == "?" else _day_of_week(weekday)
        return cls(
            times=[time(each, other) for each in sorted(hours) for other in sorted(minutes)],
            matches=lambda on: on.year in years and on.month in months and fits(on),
            zone=zone,
        )

    def following(self, after: datetime, since: datetime) -> datetime | None:
        for moment in self._moments(max(after, since).astimezone(self.zone).date()):
            if moment > after and moment >= since:
                return moment
        return None

    def _moments(self, on: date) -> Iterator[datetime]:
        while on.year <= _LAST_YEAR:
            if self.matches(on):
                for each in self.times:
                    local = datetime.combine(on, each, self.zone)
                    moment = local.astimezone(UTC)
                    if moment.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                        yield moment
            on += timedelta(days=1)


def _numbers(field: str, least: int, most: int, names: Sequence[str] = ()) -> set[int]:
    """Return the numbers that a field of lists, ranges and steps means. Raises ValueError."""
    found: set[int] = set()
    for part in field.split(","):
        whole, slash, step = part.partition("/")
        low, dash, high = whole.partition("-")
        if whole == "*":
            first, last = least, most
        else:
            first = _number(low, least, most, names)
            last = _number(high, least, most, names) if dash else most if slash else first
        if first > last or (slash and not (step.isdigit() and int(step))):
            raise ValueError(f"{part} is not a value, a range or a step")
        found.update(range(first, last + 1, int(step) if slash else 1))
    return found


def _number(text: str, least: int, most: int, names: Sequence[str]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + 1
    if not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{text!r} is not between {least} and {most}")
    return int(text)


def _day_of_month(field: str) -> _Matches:
    if field == "L":
        return lambda on: on.day == _days_in_month(on)
    if field == "LW":
        return lambda on: on.day == _nearest_weekday(on, _days_in_month(on))
    if field.endswith("W"):
        wanted = _number(field[:-1], 1, 31, ())
        return lambda on: wanted <= _days_in_month(on) and on.day == _nearest_weekday(on, wanted)
    days = _numbers(field, 1, 31)
    return lambda on: on.day in days


def _day_of_week(field: str) -> _Matches:
    if field == "L":
        return lambda on: _weekday(on) == _WEEK
    if field.endswith("L"):
        last = _number(field[:-1], 1, _WEEK, _DAYS)
        return lambda on: _weekday(on) == last and on.day + _WEEK > _days_in_month(on)
    day, sharp, nth = field.partition("#")
    if sharp:
        which, wanted = _number(nth, 1, 5, ()), _number(day, 1, _WEEK, _DAYS)
        return lambda on: _weekday(on) == wanted and (on.day - 1) // _WEEK + 1 == which
    days = _numbers(field, 1, _WEEK, _DAYS)
    return lambda on: _weekday(on) in days


def _weekday(on: date) -> int:
    """Return 1 for Sunday to 7 for Saturday."""
    return on.isoweekday() % _WEEK + 1


def _days_in_month(on: date) -> int:
    return calendar.monthrange(on.year, on.month)[1]


def _nearest_weekday(on: date, day: int) -> int:
    """Return the day of the same month, Monday to Friday, that is nearest to `day`."""
    weekday = on.replace(day=day).isoweekday()
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == _WEEK:
        return day + 1 if day < _days_in_month(on) else day - 2
    return day
