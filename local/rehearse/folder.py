"""The temporary copy of a project's files that a rehearsal works on; the program itself is not copied.

`pulumi config set` and `pulumi stack init` rewrite the stack's file, so both get a copy. The copied `Pulumi.yaml`
points back at the checkout: what is edited there is what is deployed.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.config_errors import ConfigError
from components.stack_files import is_encrypted, read_document

_OF_A_BACKEND = ("encryptionsalt", "encryptedkey", "secretsprovider")  # keys of the operator's own stack


class RehearsalError(Exception):
    """This stack cannot be rehearsed; the message is for its operator."""


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What the copy had to leave out: secrets are encrypted with a key that a rehearsal does not have."""

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
    try:
        return _copy(project, own, to)
    except ConfigError as error:
        raise RehearsalError(str(error)) from error


def _copy(project: Path, own: Path, to: Path) -> Copied:
    stack = own.stem.removeprefix("Pulumi.")
    described = read_document(project / "Pulumi.yaml", stack)
    described["main"] = str(project)
    options = described.setdefault("runtime", {}).setdefault("options", {})
    options["virtualenv"] = sys.prefix
    _write(to / "Pulumi.yaml", described)
    secrets: tuple[str, ...] = ()
    for path in sorted(project.glob("Pulumi.*.yaml")):
        left_out = _copy_stack(path, to / path.name, stack)
        if path == own:
            secrets = left_out
    region = (read_document(own, stack).get("config") or {}).get("aws:region")
    if not isinstance(region, str):
        raise RehearsalError(
            f"{own.name} has no aws:region. Set one: pulumi config set aws:region eu-central-1"
        )
    return Copied(region=region, secrets=secrets)


def _copy_stack(path: Path, to: Path, stack: str) -> tuple[str, ...]:
    """Copy a stack's file as it is, or, where it holds something sealed, without that. Returns what was left out."""
    content = read_document(path, stack)
    config: Mapping[str, Any] = content.get("config") or {}
    sealed = tuple(sorted(key for key, value in config.items() if is_encrypted(value)))
    if not sealed and not any(key in content for key in _OF_A_BACKEND):
        to.write_bytes(path.read_bytes())
        return ()
    kept = {key: value for key, value in content.items() if key not in _OF_A_BACKEND}
    kept["config"] = {key: value for key, value in config.items() if key not in sealed}
    _write(to, kept)
    return sealed


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True), "utf-8")
