"""Check what no single key of `moderation` shows: a policy that blocks nothing, a label or a prefix given twice."""

from collections.abc import Iterator, Mapping

from components.config_errors import Path, Problem, key_path, set_command
from components.repeated_entries import as_object, field_twice, label_twice, twice

_RULES = ("block", "review")
_GROUP: Path = ("moderation",)
_PATHS: Path = (*_GROUP, "paths")


def check(moderation: object) -> Iterator[Problem]:
    """Check the policy, and with it each policy of `moderation.paths` as it counts there."""
    common = as_object(moderation)
    yield from _one(_GROUP, common, common)
    paths = common.get("paths")
    for index, entry in enumerate(paths if isinstance(paths, list | tuple) else ()):
        changes = as_object(entry)
        yield from _one((*_PATHS, index), changes, {**common, **changes})
    yield from field_twice(_PATHS, paths, "prefix", allowed="each prefix once")


def _one(group: Path, own: Mapping[str, object], effective: Mapping[str, object]) -> Iterator[Problem]:
    """Check a policy: `own` are the keys that are written at `group`, `effective` those that count there."""
    is_cause = group == _GROUP or not own.keys().isdisjoint({"mode", "block"})
    if is_cause and effective.get("mode") == "enforce" and not effective.get("block"):
        yield Problem(
            key=key_path((*group, "block")),
            given="has no rule, and the mode is enforce",
            allowed="at least one label to block (or the mode observe or off)",
            fix=set_command((*group, "block", "Explicit"), 60),
        )
    for name in _RULES:
        yield from label_twice((*group, name), as_object(own.get(name)))
    yield from twice((*group, "exempt"), own.get("exempt"))
