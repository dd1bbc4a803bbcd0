"""The results of one video: what is published, and the frames that are judged before."""

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from media_pipeline.results import Output


@dataclass(frozen=True, kw_only=True)
class VideoFile:
    """The published video: a file, since it is too large for memory."""

    path: Path
    width: int
    height: int
    name: str = "video"
    format: str = "mp4"
    content_type: str = "video/mp4"
    extension: str = "mp4"

    @property
    def length(self) -> int:
        """Size in bytes."""
        return self.path.stat().st_size

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the bytes."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def opened(self) -> AbstractContextManager[BinaryIO]:
        """Open the file."""
        return self.path.open("rb")


@dataclass(frozen=True, kw_only=True)
class VideoResults:
    """The renditions and proxies of one video; `times` are those of the judged frames, in seconds, one per proxy.

    `many_scenes` says that the video has many more distinct scenes than judged frames.
    """

    renditions: Sequence[Output]
    proxies: Sequence[bytes]
    times: Sequence[float]
    many_scenes: bool
    placeholder: str
    dominant_colour: str
    pdq: str
    pdq_quality: int
