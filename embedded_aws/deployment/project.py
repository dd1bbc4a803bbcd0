"""`Pulumi.yaml` and `Pulumi.<stack>.yaml` as the engine reads them: defaults, types, missing keys.

The messages are the engine's own, so that an operator meets one wording only. Unknown keys pass here as they
do there: the program refuses them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components import engine_yaml

Config = dict[str, str]


class ProjectError(ValueError):
    """The project's files or the stack's configuration are not what the engine would accept."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A Pulumi project with the resolved configuration of one of its stacks."""

    folder: Path
    name: str
    stack: str
    config: Config
    """Full key (`project:key`) -> text as the engine hands it to the program: objects and arrays as JSON."""


def load_project(folder: Path, stack: str, overrides: Mapping[str, Any] | None = None) -> Project:
    """Read both files. `overrides` are values as in the stack's file, on top of it.

    A key without namespace is the project's. A dotted key reaches into an object as `config set --path` does:
    `{"moderation.block.Violence": 80}`. Raises ProjectError with one line per fault.
    """
    described = _yaml(folder / "Pulumi.yaml")
    name = described.get("name")
    if not isinstance(name, str):
        raise ProjectError(f"{folder / 'Pulumi.yaml'}: name is missing")
    stack_file = folder / f"Pulumi.{stack}.yaml"
    if not stack_file.is_file():
        known = sorted(path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml"))
        raise ProjectError(f"no stack named '{stack}' found: {stack_file.name} is missing (known: {known})")
    given = _yaml(stack_file).get("config") or {}
    if not isinstance(given, Mapping):
        raise ProjectError(f"{stack_file}: config is no mapping")
    values = dict(given)
    for key, value in (overrides or {}).items():
        _override(values, key if ":" in key else f"{name}:{key}", value)
    faults: list[str] = []
    config = _resolved(name, stack, described.get("config") or {}, values, faults)
    if faults:
        raise ProjectError("\n".join(faults))
    return Project(folder=folder.resolve(), name=name, stack=stack, config=config)


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = engine_yaml.load(path.read_bytes())
    except FileNotFoundError as error:
        raise ProjectError(f"{path} does not exist") from error
    except yaml.YAMLError as error:
        raise ProjectError(f"{path} is not valid YAML: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ProjectError(f"{path} is no mapping")
    return content


def _override(values: dict[str, Any], key: str, value: Any) -> None:
    namespace, _, path = key.partition(":")
    first, *inner = path.split(".")
    if not inner:
        values[key] = value
        return
    top = f"{namespace}:{first}"
    copied = json.loads(json.dumps(values.get(top) or {}))
    target = copied
    for part in inner[:-1]:
        target = target.setdefault(part, {})
    target[inner[-1]] = value
    values[top] = copied


def _resolved(
    project: str, stack: str, schema: Mapping[str, Any], values: Mapping[str, Any], faults: list[str]
) -> Config:
    config: Config = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and set(value) == {"secure"}:
            faults.append(f"Stack '{stack}': the secret '{key}' cannot be decrypted here, only by the engine")
        elif value is not None:
            config[key if ":" in key else f"{project}:{key}"] = _text(value)
    for short, declared in schema.items():
        key = short if ":" in short else f"{project}:{short}"
        if not isinstance(declared, Mapping):  # `key: value` is a default without a type
            config.setdefault(key, _text(declared))
            continue
        if "value" in declared:
            config.setdefault(key, _text(declared["value"]))
            continue
        given = values.get(key, values.get(short))
        if given is None:
            given = declared.get("default")
        if given is None:
            faults.append(f"Stack '{stack}' is missing configuration value '{short}'")
        elif not _is_of_type(given, declared):
            faults.append(
                f"Stack '{stack}' with configuration key '{short}' must be of type '{_type(declared)}'"
            )
        else:
            config[key] = _text(given)
    return config


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value)


def _type(declared: Mapping[str, Any]) -> str:
    if declared.get("type") == "array":
        return f"array<{_type(declared.get('items') or {})}>"
    return str(declared.get("type", "string"))


def _is_of_type(value: Any, declared: Mapping[str, Any]) -> bool:
    match declared.get("type", "string"):
        case "string":
            return isinstance(value, str)
        case "integer":
            # `config set` writes top-level numbers as strings, which the engine accepts.
            return (isinstance(value, int) and not isinstance(value, bool)) or (
                isinstance(value, str) and value.lstrip("-").isdigit()
            )
        case "boolean":
            return isinstance(value, bool) or value in ("true", "false")
        case "array":
            return isinstance(value, list) and all(_is_of_type(item, declared["items"]) for item in value)
        case "object":
            return isinstance(value, Mapping)
        case other:
            raise ProjectError(f"Pulumi.yaml: the engine knows no configuration type '{other}'")
