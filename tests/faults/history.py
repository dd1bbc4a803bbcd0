"""What really happened in a run: the uploads, the deletes, what was judged and announced. The witness judges by it."""

from dataclasses import dataclass, field
from typing import Any

from tests.faults.sample_uploads import Kind


@dataclass(eq=False)
class Upload:
    """One object version that somebody put."""

    key: str
    version: str
    etag: str
    sequencer: str | None
    kind: Kind
    number: int
    data: bytes
    deleted: bool = False  # by a person, for good

    @property
    def prefix(self) -> str:
        """Of its renditions' keys."""
        return f"{self.key}/{self.version}/"

    def __str__(self) -> str:
        return f"{self.key}@{self.version[:8]} ({self.kind} {self.number})"


@dataclass
class Ledger:
    """The facts of one run."""

    uploads: dict[tuple[str, str], Upload] = field(default_factory=dict)
    by_number: dict[int, Upload] = field(default_factory=dict)
    markers: dict[tuple[str, str], str] = field(
        default_factory=dict
    )  # (key, version of the marker) -> sequencer
    judged: dict[int, set[str]] = field(
        default_factory=dict
    )  # number of the picture -> deployments that asked
    deployed: set[str] = field(default_factory=set)  # names of the deployments there were
    announced: dict[str, dict[str, Any]] = field(default_factory=dict)  # alert_id -> the announcement
    tellings: int = 0
    given_up: set[tuple[str, str]] = field(
        default_factory=set
    )  # (key, version) that reached the dead letters
    redriven: set[tuple[str, str, int]] = field(
        default_factory=set
    )  # (key, sequencer, attempt) that redrives named
    decoding_ended: dict[tuple[str, str], int] = field(
        default_factory=dict
    )  # kills after the original was there to decode

    def of_rendition(self, key: str) -> Upload | None:
        """The upload whose rendition this key names."""
        parts = key.split("/")
        return self.uploads.get(("/".join(parts[:-2]), parts[-2])) if len(parts) > 2 else None
