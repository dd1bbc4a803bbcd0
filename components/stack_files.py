"""The configuration as the engine would merge it from the project's files, for whoever runs without one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components import config as stack_config
from components import engine_yaml
from components.config_errors import ConfigError, Problem, remove_command
from components.config_model import PROJECT, StackConfig


@dataclass(frozen=True)
class StackFiles:
    """`Pulumi.yaml` and `Pulumi.<stack>.yaml` merged: every key with its namespace, typed as in YAML."""

    stack: str
    values: Mapping[str, object]

    @classmethod
    def read(cls, project: Path, stack: str, overrides: Mapping[str, object] | None = None) -> "StackFiles":
        """Merge as the engine does: a stack's value, or an override's, replaces the default as a whole.

        Keys may leave out the project's own namespace. Raises ConfigError for a file that is missing,
        is no YAML, or holds encrypted values, which only the engine can read.
        """
        declared = _read(project / "Pulumi.yaml", stack)
        own = _read(project / f"Pulumi.{stack}.yaml", stack)
        values: dict[str, object] = {}
        for key, entry in declared.items():
            default = entry.get("default", entry.get("value")) if isinstance(entry, Mapping) else entry
            if default is not None:
                values[_full(key)] = default
        for key, value in {**own, **(overrides or {})}.items():
            if _encrypted(value):
                raise ConfigError(
                    stack,
                    [
                        Problem(
                            key=key,
                            given="is encrypted",
                            allowed="plain text outside the engine",
                            fix=remove_command((key,)),
                        )
                    ],
                )
            values[_full(key)] = value
        return cls(stack, values)

    @property
    def region(self) -> str | None:
        """`aws:region`, if any."""
        region = self.values.get("aws:region")
        return None if region is None else str(region)

    def for_engine(self) -> dict[str, str]:
        """The values as the language host gets them: strings, objects and arrays as JSON text."""
        return {
            key: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
            for key, value in self.values.items()
        }

    def config(self) -> StackConfig:
        """Return the checked configuration; raise ConfigError that lists every problem."""
        prefix = f"{PROJECT}:"
        own = {
            key.removeprefix(prefix): value for key, value in self.values.items() if key.startswith(prefix)
        }
        return stack_config.parse(own, stack=self.stack, region=self.region)


def read_config(project: Path, stack: str, overrides: Mapping[str, object] | None = None) -> StackConfig:
    """The judged configuration of a stack from the project's files; raises ConfigError."""
    return StackFiles.read(project, stack, overrides).config()


def _full(key: str) -> str:
    return key if ":" in key else f"{PROJECT}:{key}"


def _read(path: Path, stack: str) -> dict[str, Any]:
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
            key=path.name, given=f"is no YAML: {error}", allowed="YAML", fix=f"edit {path.name}"
        )
        raise ConfigError(stack, [problem]) from error
    config = document.get("config") or {} if isinstance(document, dict) else document
    if not isinstance(config, dict):
        problem = Problem(
            key=path.name, given="holds no keys", allowed="an object config", fix=f"edit {path.name}"
        )
        raise ConfigError(stack, [problem])
    return config


def _encrypted(value: object) -> bool:
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(map(_encrypted, value.values()))
    return isinstance(value, list) and any(map(_encrypted, value))
