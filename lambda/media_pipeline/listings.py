"""Windows of a bucket's listing, which something that has no order can be held against."""

import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

_ENTRY_BYTES = 40  # of an entry's places in the lists of a window


@dataclass(kw_only=True)
class Window:
    """Part of a bucket's listing: all keys after `begin` up to `end`, None for the last.

    `keys` are in S3's order, by their UTF-8 bytes, which is that of Python's strings. `known` has a 1 for each key that
    needs no further look.
    """

    begin: str
    end: str | None = None
    keys: list[str] = field(default_factory=list)
    versions: list[tuple[str, str]] = field(default_factory=list)
    known: bytearray = field(default_factory=bytearray)
    size: int = 0

    def add(self, key: str, *, version: tuple[str, str] | None = None, is_known: bool = False) -> None:
        """Add the next key of the listing; `version` is an upload's version and ETag."""
        self.keys.append(key)
        self.known.append(is_known)
        self.size += sys.getsizeof(key) + _ENTRY_BYTES
        if version is not None:
            self.versions.append(version)
            self.size += sum(map(sys.getsizeof, (version, *version)))

    def index(self, key: str) -> int | None:
        """Return where a key is; None where the listing did not have it."""
        at = bisect_left(self.keys, key)
        return at if at < len(self.keys) and self.keys[at] == key else None

    def covers(self, key: str) -> bool:
        """Return whether the listing would have had a key if it had existed."""
        return self.begin < key and (self.end is None or key <= self.end)

    def unknown(self) -> Iterator[int]:
        """Yield where the keys are that no record knows."""
        at = self.known.find(0)
        while at >= 0:
            yield at
            at = self.known.find(0, at + 1)
