"""Queries of CloudWatch Logs Insights over log events, as far as dashboards use them.

After the CloudWatch Logs User Guide, "CloudWatch Logs Insights language query syntax": the commands SOURCE, filter,
fields, stats, sort and limit. Fields are those of events that are JSON.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Row = dict[str, Any]
Condition = Callable[[Row], bool]

_TOKEN: Final = re.compile(r"\s*('(?:[^'\\]|\\.)*'|/(?:[^/\\]|\\.)*/|!=|>=|<=|[=<>(),|*]|[\w.@-]+)")
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
}
_AGGREGATES: Final[Mapping[str, Callable[[list[Any]], Any]]] = {
    "count": len,
    "sum": sum,
    "avg": lambda values: sum(values) / len(values) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
}


class InsightsError(ValueError):
    """The query has something that is not evaluated here."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a query finds: the names of its columns, and its rows. None is a field that an event does not have."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def sources(query: str) -> list[str]:
    """Return the log groups that a query reads."""
    return re.findall(r"SOURCE '([^']+)'", query)


def evaluate(query: str, messages: Iterable[str]) -> Table:
    """Return what a query finds in these log events. Raises InsightsError."""
    rows: list[Row] = [document for text in messages if (document := _document(text)) is not None]
    columns: Sequence[str] = ("@message",)
    for command in _commands(query):
        name, *rest = command
        match name:
            case "SOURCE":
                continue
            case "filter":
                condition = _Conditions(rest).parsed()
                rows = [row for row in rows if condition(row)]
            case "fields":
                chosen = _named(rest)
                columns = list(chosen)
                rows = [{column: _field(row, field) for column, field in chosen.items()} for row in rows]
            case "stats":
                columns, rows = _stats(rest, rows)
            case "sort":
                rows = _sorted(rest, rows)
            case "limit":
                rows = rows[: int(rest[0])]
            case _:
                raise InsightsError(f"the command {name!r} is not evaluated here")
    return Table(columns=tuple(columns), rows=tuple(tuple(row.get(each) for each in columns) for row in rows))


def _document(text: str) -> Row | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None  # a line of plain text has no fields
    return found if isinstance(found, dict) else None


def _commands(query: str) -> list[list[str]]:
    """Return the query's commands as lists of tokens."""
    found: list[list[str]] = [[]]
    at, text = 0, query.strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise InsightsError(f"{text[at:]!r} is not evaluated here")
        if token[1] == "|":
            found.append([])
        else:
            found[-1].append(token[1])
        at = token.end()
    return [command for command in found if command]


def _field(row: Row, path: str) -> Any:
    """Return a field of an event: `milliseconds.total` is one inside of another."""
    if path in row:
        return row[path]
    outer, _, inner = path.partition(".")
    return _field(row[outer], inner) if inner and isinstance(row.get(outer), dict) else None


def _literal(token: str) -> Any:
    if token.startswith("'"):
        return token[1:-1]
    try:
        return float(token)
    except ValueError as error:
        raise InsightsError(f"{token!r} is not a value") from error


class _Conditions:
    """Parses the condition of a filter."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = list(tokens)

    def parsed(self) -> Condition:
        condition = self._any()
        if self._tokens:
            raise InsightsError(f"{' '.join(self._tokens)!r} is not evaluated here")
        return condition

    def _any(self) -> Condition:
        found = [self._all()]
        while self._tokens[:1] == ["or"]:
            self._tokens.pop(0)
            found.append(self._all())
        return lambda row: any(each(row) for each in found)

    def _all(self) -> Condition:
        found = [self._one()]
        while self._tokens[:1] == ["and"]:
            self._tokens.pop(0)
            found.append(self._one())
        return lambda row: all(each(row) for each in found)

    def _one(self) -> Condition:
        match self._tokens:
            case ["ispresent", "(", field, ")", *rest]:
                self._tokens = rest
                return lambda row: _field(row, field) is not None
            case [field, "like", pattern, *rest]:
                self._tokens = rest
                expression = re.compile(
                    pattern[1:-1] if pattern.startswith("/") else re.escape(pattern[1:-1])
                )
                return lambda row: expression.search(str(_field(row, field) or "")) is not None
            case [field, operator, value, *rest] if operator in _COMPARISONS:
                self._tokens = rest
                compare, wanted = _COMPARISONS[operator], _literal(value)
                # What an event does not have compares as nothing.
                return lambda row: (found := _field(row, field)) is not None and compare(found, wanted)
        raise InsightsError(f"{' '.join(self._tokens)!r} is not evaluated here")


def _split(tokens: Sequence[str]) -> list[list[str]]:
    """Return what is between commas."""
    found: list[list[str]] = [[]]
    for each in tokens:
        if each == ",":
            found.append([])
        else:
            found[-1].append(each)
    return found


def _named(tokens: Sequence[str]) -> dict[str, str]:
    """Return fields by the names of their columns."""
    found = {}
    for part in _split(tokens):
        match part:
            case [field]:
                found[field] = field
            case [field, "as", name]:
                found[name] = field
            case _:
                raise InsightsError(f"{' '.join(part)!r} is not evaluated here")
    return found


def _stats(tokens: Sequence[str], rows: Sequence[Row]) -> tuple[list[str], list[Row]]:
    """Return the columns and rows of aggregates: the fields that they are grouped by come first."""
    by = tokens.index("by") if "by" in tokens else len(tokens)
    fields = [part[0] for part in _split(tokens[by + 1 :])] if by < len(tokens) else []
    aggregates = [_aggregate(part) for part in _split(tokens[:by])]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_field(row, field) for field in fields), []).append(row)
    found = [
        {**dict(zip(fields, key, strict=True)), **{name: of(members) for name, of in aggregates}}
        for key, members in groups.items()
    ]
    return [*fields, *(name for name, _ in aggregates)], found


def _aggregate(part: Sequence[str]) -> tuple[str, Callable[[Sequence[Row]], Any]]:
    match part:
        case [function, "(", field, ")", "as", name] if function in _AGGREGATES:
            of = _AGGREGATES[function]
            if field == "*":
                return name, len
            return name, lambda rows: of([value for row in rows if (value := _field(row, field)) is not None])
    raise InsightsError(f"{' '.join(part)!r} is not evaluated here")


def _sorted(tokens: Sequence[str], rows: Sequence[Row]) -> list[Row]:
    match tokens:
        case [field, ("asc" | "desc") as order]:
            known = [row for row in rows if _field(row, field) is not None]
            ordered = sorted(known, key=lambda row: _field(row, field), reverse=order == "desc")
            return [*ordered, *(row for row in rows if _field(row, field) is None)]
    raise InsightsError(f"{' '.join(tokens)!r} is not evaluated here")
