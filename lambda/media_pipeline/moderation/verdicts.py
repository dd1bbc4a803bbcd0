"""The words of a moderation decision: modes, verdicts, labels. Small, since every function imports them."""

from enum import StrEnum
from typing import NamedTuple


class Mode(StrEnum):
    """What a verdict does: withhold the object, only be recorded, or not be asked for at all."""

    ENFORCE = "enforce"
    OBSERVE = "observe"
    OFF = "off"

    @property
    def strictness(self) -> int:
        """Rank among modes: a verdict that was reached in one mode does not count in a stricter one."""
        return _STRICTNESS[self]


_STRICTNESS = {Mode.OFF: 0, Mode.OBSERVE: 1, Mode.ENFORCE: 2}


class Verdict(StrEnum):
    """The policy's answer about one picture."""

    OFF = "off"
    ALLOW = "allow"
    REVIEW = "review"
    BLOCK = "block"

    @property
    def severity(self) -> int:
        """Rank among verdicts; the highest one decides about an object that was judged by several pictures."""
        return _SEVERITY[self]


_SEVERITY = {Verdict.OFF: 0, Verdict.ALLOW: 1, Verdict.REVIEW: 2, Verdict.BLOCK: 3}


class Label(NamedTuple):
    """One moderation label; `confidence` in percent, `parent` is "" at the top of the taxonomy."""

    name: str
    parent: str
    confidence: float
