"""The throw-away copy of a project's files that a rehearsal works on; the program itself is not copied.

`pulumi config set` and `pulumi stack init` rewrite the stack's file, so both get a copy. The copied `Pulumi.yaml`
points back at the checkout: what is edited there is what is deployed.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components import engine_yaml

_OF_A_BACKEND = ("encryptionsalt", "encryptedkey", "secretsprovider")  # keys of the operator's own stack


class RehearsalError(Exception):
    """This stack cannot be rehearsed; the message is for its operator."""


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What the copy had to leave out: secrets are sealed with a key that a rehearsal does not have."""

    region: str
    secrets: tuple[str, ...]


def copy_project(project: Path, stack: str, to: Path) -> Copied:
    """Copy `Pulumi.yaml` and all stacks' files; raises RehearsalError where the stack has no usable file."""
    own = project / f"Pulumi.{stack}.yaml"
    if not own.is_file():
        known = sorted(path.stem.removeprefix("Pulumi.") for path in project.glob("Pulumi.*.yaml"))
        raise RehearsalError(
            f"There is no stack {stack!r}: it would need a file {own.name} beside Pulumi.yaml. "
            f"There are: {', '.join(known)}."
        )
    described = _load(project / "Pulumi.yaml")
    described["main"] = str(project)
    options = described.setdefault("runtime", {}).setdefault("options", {})
    options["virtualenv"] = sys.prefix
    _write(to / "Pulumi.yaml", described)
    secrets: tuple[str, ...] = ()
    for path in sorted(project.glob("Pulumi.*.yaml")):
        left_out = _copy_stack(path, to / path.name)
        if path == own:
            secrets = left_out
    region = (_load(own).get("config") or {}).get("aws:region")
    if not isinstance(region, str):
        raise RehearsalError(
            f"{own.name} has no aws:region. Set one: pulumi config set aws:region eu-central-1"
        )
    return Copied(region=region, secrets=secrets)


def _copy_stack(path: Path, to: Path) -> tuple[str, ...]:
    """Copy a stack's file as it is, or, where it holds something sealed, without that. Returns what was left out."""
    content = _load(path)
    config: Mapping[str, Any] = content.get("config") or {}
    sealed = tuple(sorted(key for key, value in config.items() if _is_sealed(value)))
    if not sealed and not any(key in content for key in _OF_A_BACKEND):
        to.write_bytes(path.read_bytes())
        return ()
    kept = {key: value for key, value in content.items() if key not in _OF_A_BACKEND}
    kept["config"] = {key: value for key, value in config.items() if key not in sealed}
    _write(to, kept)
    return sealed


def _is_sealed(value: Any) -> bool:
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(map(_is_sealed, value.values()))
    return isinstance(value, list) and any(map(_is_sealed, value))


def _load(path: Path) -> dict[str, Any]:
    try:
        content = engine_yaml.load(path.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise RehearsalError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise RehearsalError(f"{path.name} is no mapping")
    return content


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True), "utf-8")
