"""Entries that a configuration names twice."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import cast

from components.config_errors import Path, Problem, key_path, remove_command, show


def as_object(value: object) -> Mapping[str, object]:
    """Return an object of the configuration; an empty one for anything else, which is reported by itself."""
    return cast(Mapping[str, object], value) if isinstance(value, Mapping) else {}


def label_twice(group: Path, labels: Mapping[str, object]) -> Iterator[Problem]:
    """Yield a problem for each label of a group that another one repeats in different case."""
    counts = Counter(str(name).casefold() for name in labels)
    seen: set[str] = set()
    for name in map(str, labels):
        if counts[name.casefold()] > 1 and name.casefold() in seen:
            yield Problem(
                key=key_path((*group, name)),
                given="is given twice, in different case",
                allowed="each label once",
                fix=remove_command((*group, name)),
            )
        seen.add(name.casefold())


def twice(path: Path, values: object) -> Iterator[Problem]:
    """Yield a problem for each string of a list that repeats an earlier one, in any case."""
    seen: set[str] = set()
    for index, value in enumerate(values if isinstance(values, list | tuple) else ()):
        if isinstance(value, str) and value.casefold() in seen:
            yield Problem(
                key=key_path((*path, index)),
                given=f"{show(value)} is listed twice",
                allowed="each entry once",
                fix=remove_command((*path, index)),
            )
        seen.add(str(value).casefold())


def field_twice(path: Path, entries: object, field: str, *, allowed: str) -> Iterator[Problem]:
    """Yield a problem for each object of a list whose text in `field` is that of an earlier one."""
    seen: set[str] = set()
    for index, entry in enumerate(entries if isinstance(entries, list | tuple) else ()):
        value = as_object(entry).get(field)
        if not isinstance(value, str):
            continue
        if value in seen:
            yield Problem(
                key=key_path((*path, index, field)),
                given=f"{show(value)} is given twice",
                allowed=allowed,
                fix=remove_command((*path, index)),
            )
        seen.add(value)
