"""A Pulumi project with the resolved configuration of one of its stacks, as the engine hands it to the program."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ProjectError(ValueError):
    """The project's files or the stack's configuration are not what the engine would accept."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """The program in `folder`/`__main__.py`, and what it reads with `pulumi.Config`."""

    folder: Path
    name: str
    stack: str
    config: Mapping[str, str]
    """Full key (`project:key`) -> text; objects and arrays as JSON."""
    kept_packages: frozenset[str] = frozenset()
    """Packages in `folder` that run the program rather than belong to it: they are not loaded afresh for it."""

    @property
    def region(self) -> str:
        """Return `aws:region`; raises ProjectError where it is not set."""
        if "aws:region" not in self.config:
            raise ProjectError(f"Stack '{self.stack}' is missing configuration value 'aws:region'")
        return self.config["aws:region"]


ProjectSource = Callable[[Mapping[str, Any]], Project]
"""Resolves the project with these values set on top of its stack's own; raises ProjectError.

Called once for a deployment, and again for each update.
"""
