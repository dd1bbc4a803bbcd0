"""The one reader of `Pulumi.yaml` and `Pulumi.<stack>.yaml`: merge, types and missing keys as in Pulumi's engine.

For whatever runs without the engine: packaging, the tests, and the embedded AWS. What the engine refuses before it runs
a program is refused here in the engine's own words, so that an operator meets one wording.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml

from components import config as stack_config
from components import engine_yaml
from components.config_errors import ConfigError, Problem, remove_command
from components.config_model import PROJECT, StackConfig


class EngineRefusalError(pulumi.RunError):
    """The engine would not run the program with these values; one line per problem."""


@dataclass(frozen=True)
class StackFiles:
    """`Pulumi.yaml` and `Pulumi.<stack>.yaml` merged.

    `values` holds every key with its namespace, typed as in YAML; `declared` is `Pulumi.yaml`'s `config`.
    """

    stack: str
    values: Mapping[str, object]
    project: str = PROJECT
    declared: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, stack: str, overrides: Mapping[str, object] | None = None) -> "StackFiles":
        """Merge as the engine does: a stack's value, or an override's, replaces the default as a whole.

        Keys may leave out the project's own namespace. A dotted key of `overrides` reaches into an object, as
        `pulumi config set --path` does: `{"moderation.block.Violence": 80}`. Raises ConfigError for a file that is
        missing, is not YAML, or holds encrypted values, which only the engine can read.
        """
        described = read_document(folder / "Pulumi.yaml", stack)
        project = str(described.get("name", PROJECT))
        declared = _config(described, folder / "Pulumi.yaml", stack)
        own_file = folder / f"Pulumi.{stack}.yaml"
        own = _config(read_document(own_file, stack), own_file, stack)
        values: dict[str, object] = {}
        for key, entry in declared.items():
            default = entry.get("default", entry.get("value")) if isinstance(entry, Mapping) else entry
            if default is not None:
                values[_full(key, project)] = default
        for key, value in own.items():
            _require_plain(key, value, stack)
            if value is not None:
                values[_full(key, project)] = value
        for key, value in (overrides or {}).items():
            _require_plain(key, value, stack)
            _override(values, _full(key, project), value)
        return cls(stack, values, project, declared)

    @property
    def region(self) -> str | None:
        """`aws:region`, if any."""
        region = self.values.get("aws:region")
        return None if region is None else str(region)

    def for_engine(self) -> dict[str, str]:
        """Return the values as the language host gets them: strings, objects and arrays as JSON text."""
        return {
            key: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
            for key, value in self.values.items()
        }

    def check_declared(self) -> None:
        """Hold the values against the types in `Pulumi.yaml`; raises EngineRefusalError with every problem."""
        problems = []
        for key, entry in self.declared.items():
            if not isinstance(entry, Mapping) or "value" in entry:
                continue  # a default without a type
            value = self.values.get(_full(key, self.project))
            if value is None:
                problems.append(f"Stack '{self.stack}' is missing configuration value '{key}'")
            elif not _is_of_type(value, entry):
                problems.append(
                    f"Stack '{self.stack}' with configuration key '{key}' must be of type '{_type(entry)}'"
                )
        if problems:
            raise EngineRefusalError("\n".join(problems))

    def config(self) -> StackConfig:
        """Return the judged configuration; raises ConfigError with every problem."""
        prefix = f"{self.project}:"
        own = {
            key.removeprefix(prefix): value for key, value in self.values.items() if key.startswith(prefix)
        }
        return stack_config.parse(own, stack=self.stack, region=self.region)


def read_config(folder: Path, stack: str, overrides: Mapping[str, object] | None = None) -> StackConfig:
    """Return the judged configuration of a stack from the project's files; raises ConfigError."""
    return StackFiles.read(folder, stack, overrides).config()


def _full(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _override(values: dict[str, object], key: str, value: object) -> None:
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


def read_document(path: Path, stack: str) -> dict[str, Any]:
    """Return one of the files as a dictionary, unmerged; raises ConfigError where it cannot be read."""
    try:
        document = engine_yaml.load(path.read_bytes()) or {}
    except FileNotFoundError:
        known = ", ".join(
            sorted(file.stem.removeprefix("Pulumi.") for file in path.parent.glob("Pulumi.*.yaml"))
        )
        problem = Problem(
            key=path.name,
            given="is missing",
            allowed=f"a stack with a file; there are {known}",
            fix=f"cp Pulumi.dev.yaml {path.name}",
        )
        raise ConfigError(stack, [problem]) from None
    except yaml.YAMLError as error:
        problem = Problem(
            key=path.name, given=f"is not YAML: {error}", allowed="YAML", fix=f"edit {path.name}"
        )
        raise ConfigError(stack, [problem]) from error
    if not isinstance(document, dict):
        raise _no_keys(path, stack)
    return document


def _config(document: Mapping[str, Any], path: Path, stack: str) -> dict[str, Any]:
    config = document.get("config") or {}
    if not isinstance(config, dict):
        raise _no_keys(path, stack)
    return config


def _no_keys(path: Path, stack: str) -> ConfigError:
    problem = Problem(
        key=path.name, given="holds no keys", allowed="an object config", fix=f"edit {path.name}"
    )
    return ConfigError(stack, [problem])


def _require_plain(key: str, value: object, stack: str) -> None:
    """Raise ConfigError for a value that holds a secret, which only the engine can decrypt."""
    if is_encrypted(value):
        problem = Problem(
            key=key,
            given="is encrypted",
            allowed="plain text outside the engine",
            fix=remove_command((key,)),
        )
        raise ConfigError(stack, [problem])


def is_encrypted(value: object) -> bool:
    """Return whether a value of a stack's file holds a secret at any depth: `{secure: ...}`."""
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(map(is_encrypted, value.values()))
    return isinstance(value, list) and any(map(is_encrypted, value))


def _type(declared: Mapping[str, Any]) -> str:
    if declared.get("type") == "array":
        return f"array<{_type(declared.get('items') or {})}>"
    return str(declared.get("type", "string"))


def _is_of_type(value: object, declared: Mapping[str, Any]) -> bool:
    match declared.get("type", "string"):
        case "string":
            return isinstance(value, str)
        case "integer":
            # `pulumi config set` writes top-level numbers as strings, which the engine accepts.
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
            raise EngineRefusalError(f"Pulumi.yaml: the engine knows no configuration type '{other}'")
