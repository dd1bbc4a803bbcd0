"""What people decided in a demo, and what came of it: the data of a section of the report."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which files people decide about: one that waits for a review, and one that is taken down with its copies."""

    approve: str
    take_down: str


@dataclass(frozen=True, kw_only=True)
class Approval:
    """An object that waited, and that a person approved. `person` is an ARN, `evidence` a path relative to OUT.

    `seconds` are from the decision to the published object; None where the functions did not get to it in time.
    """

    file: str
    why: str
    person: str
    seconds: float | None
    evidence: str


@dataclass(frozen=True, kw_only=True)
class Removal:
    """Files with the same bytes that were taken down; `renditions` is how many of them were published.

    `seconds` are from the command to the moment when the last rendition was gone; None where some are left.
    """

    files: tuple[str, ...]
    renditions: int
    seconds: float | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Change:
    """So many objects that would be `after` instead of `before`, by a label; `files` are examples."""

    before: str
    after: str
    label: str
    count: int
    files: tuple[str, ...]
    decided: str = ""
    """What people decided about them, for people: `1 approve`."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A policy that was only tried; `unknown` counts objects by the reason why nobody can say."""

    settings: tuple[str, ...]
    outcomes: int
    same: int
    changes: tuple[Change, ...]
    unknown: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """All of it. `trial` is None where the stack's policy cannot be changed so, and `no_trial` says why."""

    approval: Approval | None = None
    removal: Removal | None = None
    trial: Trial | None = None
    no_trial: str = ""

    @property
    def troubles(self) -> Iterator[str]:
        """Yield why the run is not a success, one sentence each."""
        if self.approval is not None and self.approval.seconds is None:
            yield f"the approval of {self.approval.file} was not carried out in time"
        if self.removal is not None and self.removal.seconds is None:
            yield f"the takedown of {self.removal.files[0]} left renditions"
