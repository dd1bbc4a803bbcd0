"""Report an invalid stack configuration: every problem at once, each with the command that fixes it."""

import difflib
import json
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pulumi

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem: the key, what it holds (`given`), what is allowed, and the command that fixes it."""

    key: str
    given: str
    allowed: str
    fix: str

    def __str__(self) -> str:
        return f"{self.key}: {self.given}\n      allowed: {self.allowed}\n      fix:     {self.fix}"


class ConfigError(pulumi.RunError):
    """The stack's configuration is invalid; the message lists all problems. Nothing was registered."""

    def __init__(self, stack: str, problems: Sequence[Problem]) -> None:
        self.stack = stack
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"the configuration of stack {stack} has {count}; nothing was changed", *map(str, problems)]
        super().__init__("\n  - ".join(lines))


def show(value: object) -> str:
    """Return a value as the configuration writes it, cut to at most 80 characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def key_path(path: Iterable[str | int]) -> str:
    """Return `('moderation', 'block', 'Drugs & Tobacco')` as Pulumi's --path writes it."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.search(r'[.\[\]"]', step) or not step:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
        else:
            text += f".{step}" if text else step
    return text


def set_command(path: Path, value: object) -> str:
    """Return the `pulumi config set` that sets one key; objects and arrays are set leaf by leaf."""
    if isinstance(value, dict):
        return " && ".join(set_command((*path, name), inner) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return " && ".join(set_command((*path, index), inner) for index, inner in enumerate(value))
    text = json.dumps(value) if isinstance(value, bool | int | float) else str(value)
    return f"pulumi config set --path {shlex.quote(key_path(path))} {shlex.quote(text)}"


def remove_command(path: Path) -> str:
    """Return the `pulumi config rm` that removes one key."""
    return f"pulumi config rm --path {shlex.quote(key_path(path))}"


def likely(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was most likely meant; None where none is similar enough to suggest."""
    folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None
