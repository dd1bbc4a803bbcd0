"""Findings, and the waivers that say why one of them is left as it is.

waivers.toml holds every waiver. One that no finding needs is an error like a finding without a waiver: it would hide
the day on which its reason has gone.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

_KEYS: Final = frozenset({"tool", "rule", "where", "when", "unless", "reason"})
_REQUIRED: Final = frozenset({"tool", "rule", "where", "reason"})


class WaiverError(Exception):
    """A waiver that cannot be read: it says which one, what is allowed, and how to fix it."""


@dataclass(frozen=True)
class Finding:
    """What a tool objects to."""

    tool: str
    rule: str
    where: str
    """A resource's address without the stack's name, a policy's name, or a file."""
    message: str
    configuration: str = ""
    """The configuration in which it was found, such as `dev, no video`."""
    settings: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """That configuration's keys; keys of groups are joined by a dot."""


@dataclass(frozen=True)
class Waiver:
    """Leaves findings of one rule at some places as they are."""

    tool: str
    rule: str
    where: tuple[str, ...]
    """Patterns of places, as in a shell."""
    reason: str
    when: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Configuration keys with the values that it takes to hold; without any, it holds in every configuration."""
    unless: tuple[str, ...] = ()
    """Configuration keys that end it where they are set (to anything but false and nothing)."""

    def covers(self, finding: Finding, pattern: str) -> bool:
        """Return whether it leaves a finding as it is, by one of its patterns."""
        return (
            (self.tool, self.rule) == (finding.tool, finding.rule)
            and fnmatchcase(finding.where, pattern)
            and all(finding.settings.get(key) == value for key, value in self.when.items())
            and not any(finding.settings.get(key) for key in self.unless)
        )


@dataclass(frozen=True)
class Verdict:
    """What is left when the waivers are applied."""

    open: tuple[Finding, ...]
    """Findings without a waiver."""
    unneeded: tuple[str, ...]
    """Waivers, or places of one, that no finding needs."""
    waived: int

    @property
    def passes(self) -> bool:
        """Return whether every finding has a waiver, and every waiver a finding."""
        return not self.open and not self.unneeded


def read(path: Path) -> list[Waiver]:
    """Return the waivers of a file. Raises WaiverError."""
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("waiver", [])
    except tomllib.TOMLDecodeError as error:
        raise WaiverError(f"{path.name} is not valid TOML: {error}") from None
    return [_waiver(entry, f"{path.name}, waiver {number}") for number, entry in enumerate(entries, 1)]


def _waiver(entry: Mapping[str, Any], where: str) -> Waiver:
    if wrong := sorted(set(entry) - _KEYS) or sorted(_REQUIRED - set(entry)):
        raise WaiverError(
            f"{where}: {', '.join(wrong)}. A waiver has {', '.join(sorted(_REQUIRED))}, and may have when and unless."
        )
    if not str(entry["reason"]).strip() or not entry["where"]:
        raise WaiverError(f"{where} ({entry['rule']}): give a reason, and the places that it is about.")
    return Waiver(
        tool=entry["tool"],
        rule=entry["rule"],
        where=tuple(entry["where"]),
        reason=entry["reason"],
        when=entry.get("when", {}),
        unless=tuple(entry.get("unless", ())),
    )


def settle(findings: Sequence[Finding], waivers: Iterable[Waiver], tools: Iterable[str]) -> Verdict:
    """Return what the waivers leave open. Only waivers of the tools that ran can be unneeded."""
    ran = set(tools)
    waived: set[int] = set()
    unneeded = []
    for waiver in waivers:
        if waiver.tool not in ran:
            continue
        for pattern in waiver.where:
            covered = {number for number, each in enumerate(findings) if waiver.covers(each, pattern)}
            if not covered:
                unneeded.append(f"{waiver.tool} {waiver.rule} at {pattern}")
            waived |= covered
    left = tuple(each for number, each in enumerate(findings) if number not in waived)
    return Verdict(left, tuple(unneeded), len(waived))
