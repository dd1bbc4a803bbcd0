"""How a wrong stack configuration is told: every fault at once, each with the command that mends it."""

import difflib
import json
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pulumi

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong: where, what was found, what is allowed, and the command that mends it."""

    key: str
    given: str
    allowed: str
    mend: str

    def __str__(self) -> str:
        return f"{self.key}: {self.given}\n      allowed: {self.allowed}\n      mend:    {self.mend}"


class ConfigError(pulumi.RunError):
    """The stack's configuration is wrong; the message lists all its faults. Nothing was registered."""

    def __init__(self, stack: str, faults: Sequence[Fault]) -> None:
        self.stack = stack
        self.faults = tuple(faults)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        lines = [f"the configuration of stack {stack} has {count}; nothing was changed", *map(str, faults)]
        super().__init__("\n  - ".join(lines))


def show(value: object) -> str:
    """A value as the configuration writes it, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def key_path(path: Iterable[str | int]) -> str:
    """`('moderation', 'block', 'Drugs & Tobacco')` as Pulumi's --path writes it."""
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
    """The `pulumi config set` that gives one key a value; objects and arrays are set leaf by leaf."""
    if isinstance(value, dict):
        return " && ".join(set_command((*path, name), inner) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return " && ".join(set_command((*path, index), inner) for index, inner in enumerate(value))
    text = json.dumps(value) if isinstance(value, bool | int | float) else str(value)
    return f"pulumi config set --path {shlex.quote(key_path(path))} {shlex.quote(text)}"


def remove_command(path: Path) -> str:
    """The `pulumi config rm` that takes one key away."""
    return f"pulumi config rm --path {shlex.quote(key_path(path))}"


def likely(name: str, known: Iterable[str]) -> str | None:
    """The known name that was most likely meant, if any is near enough to be worth saying."""
    folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None
