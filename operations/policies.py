"""The policy that a stack's file gives, with changes that are only tried."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi

from components import environment
from components.stack_files import StackFiles, read_document
from media_pipeline.moderation.policy import Policy
from operations.errors import OperationsError

GROUP = "moderation"
_ENTRY = re.compile(r"paths\[(?P<number>\d{1,4})\]")
_ALLOWED = (
    "only keys of moderation can be tried, such as moderation.block.Violence=70: other keys change which pictures"
    " are judged, and records hold answers about the pictures of their time"
)


def read_policy(
    folder: Path,
    stack: str,
    *,
    file: Path | None = None,
    settings: Iterable[str] = (),
    removed: Iterable[str] = (),
) -> Policy:
    """Return the policy of `Pulumi.<stack>.yaml` in the folder, or of a `file`, with changes.

    The file holds the object `moderation` or is a whole stack's file. `settings` are `KEY=VALUE`, `removed` are keys,
    both of moderation. Raises OperationsError with the configuration's own words for what is not valid.
    """
    try:
        files = StackFiles.read(folder, stack)
        full = f"{files.project}:{GROUP}"
        values = files.values.get(full) if file is None else _policy_of(file, stack, full)
        changed = json.loads(json.dumps(values or {}))
        for key in removed:
            _remove(changed, _path(key))
        for setting in settings:
            key, equals, value = setting.partition("=")
            if not equals:
                raise OperationsError(f"--set {setting}: KEY=VALUE is needed; {_ALLOWED}")
            _set(changed, _path(key), _typed(value))
        config = replace(files, values={**files.values, full: changed}).config()
    except pulumi.RunError as error:  # the base of ConfigError, whose messages are for people
        raise OperationsError(str(error)) from error
    return Policy.parse(json.loads(environment.image_settings(config)["MODERATION"]))


def _policy_of(file: Path, stack: str, full: str) -> object:
    document = read_document(file, stack)
    config = document.get("config")
    if isinstance(config, Mapping):
        return config.get(full) or config.get(GROUP)
    return document.get(full) or document.get(GROUP) or document


def _path(key: str) -> list[str]:
    """Return the steps below `moderation`, of a key that is written as for `pulumi config set --path`.

    The steps are a key and, where it has any, a label; in front of them `paths[0]`, where the key is of such an entry.
    """
    group, _, rest = key.partition(".")
    entry, _, of_entry = rest.partition(".")
    if not _ENTRY.fullmatch(entry):
        entry, of_entry = "", rest
    steps = of_entry.split(".", 1) if of_entry else []
    if group.removeprefix("media-pipeline:") != GROUP or not steps or not all(steps):
        raise OperationsError(f"{key or '(empty)'}: {_ALLOWED}")
    first, *label = steps
    if not label and first.endswith('"]'):  # block["Hate Symbols"]
        first, _, quoted = first.partition('["')
        label = [quoted.removesuffix('"]')]
    return [*([entry] if entry else []), first, *label]


def _group(values: dict[str, Any], path: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the policy that a path is about, that of an entry of `paths` or the common one, and the steps in it."""
    found = _ENTRY.fullmatch(path[0])
    if found is None:
        return values, path
    entries, number = values.get("paths"), int(found["number"])
    if not isinstance(entries, list) or number >= len(entries) or not isinstance(entries[number], dict):
        raise OperationsError(f"moderation.{path[0]}: the policy has no such entry: {_ALLOWED}")
    return entries[number], path[1:]


def _set(values: dict[str, Any], path: list[str], value: object) -> None:
    values, (first, *label) = _group(values, path)
    if not label:
        values[first] = value
        return
    group = values.setdefault(first, {})
    if not isinstance(group, dict):
        raise OperationsError(f"moderation.{first} has no keys: {_ALLOWED}")
    # A label may be written in another case: it is one label all the same.
    known = next((name for name in group if name.casefold() == label[0].casefold()), label[0])
    group[known] = value


def _remove(values: dict[str, Any], path: list[str]) -> None:
    values, (first, *label) = _group(values, path)
    group = values.get(first) if label else values
    name = label[0] if label else first
    known = [key for key in group if key.casefold() == name.casefold()] if isinstance(group, dict) else []
    if not isinstance(group, dict) or not known:
        raise OperationsError(f"moderation.{'.'.join(path)} cannot be removed: the policy has no such key")
    del group[known[0]]


def _typed(value: str) -> object:
    """Return the value as the configuration would hold it: a number, a list, or text."""
    try:
        return json.loads(value)
    except ValueError:
        return value
