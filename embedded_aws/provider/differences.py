"""Differences between two sets of inputs, and between inputs and what AWS shows."""

import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final

_EMPTY: Final[tuple[Any, ...]] = (None, False, 0, "", [], {})
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")


class Change(Enum):
    """How one property changed."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Change]]:
    """Yield the innermost properties that differ, by the engine's path: `queues[0].events`, `tags["a.b"]`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            where = _within(path, key)
            if key not in new:
                yield where, Change.REMOVED
            elif key not in old:
                yield where, Change.ADDED
            else:
                yield from differences(old[key], new[key], where)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            where = f"{path}[{index}]"
            if index >= len(new):
                yield where, Change.REMOVED
            elif index >= len(old):
                yield where, Change.ADDED
            else:
                yield from differences(old[index], new[index], where)
    elif old != new:
        yield path, Change.CHANGED


def top_level(path: str) -> str:
    """Return the input that a path leads into."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def as_shown(inputs: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with the value that AWS shows wherever that means something else: drift.

    What AWS does not show (code, settings of the provider alone) stays as it was given.
    """
    return {
        key: shown[key] if key in shown and not same_meaning(value, shown[key]) else value
        for key, value in inputs.items()
    }


def same_meaning(given: Any, shown: Any) -> bool:
    """Return whether AWS shows what was given: in any order, as JSON text or not, with or without empty settings."""
    return bool(_canonical(given) == _canonical(shown))


def _canonical(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return _canonical(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, Mapping):
        kept = {str(key): _canonical(value[key]) for key in sorted(value)}
        return {key: inner for key, inner in kept.items() if inner not in _EMPTY}
    if isinstance(value, list):
        return sorted((_canonical(inner) for inner in value), key=repr)
    return value


def _within(path: str, key: str) -> str:
    if not _IDENTIFIER.fullmatch(key):
        return f"{path}[{json.dumps(key)}]"
    return f"{path}.{key}" if path else key
