"""What a function produces from one original: files to publish, and the pictures that are judged before."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol


class Output(Protocol):
    """One file to publish."""

    @property
    def name(self) -> str:
        """The configured size, or another name that is unique within the original."""

    @property
    def format(self) -> str:
        """The name of the format in the record: `jpeg`, `mp4`."""

    @property
    def content_type(self) -> str:
        """The content type that S3 serves it with."""

    @property
    def extension(self) -> str:
        """The end of its key, without a dot."""

    @property
    def width(self) -> int:
        """Pixels."""

    @property
    def height(self) -> int:
        """Pixels."""

    @property
    def length(self) -> int:
        """Bytes."""

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the bytes."""

    def opened(self) -> AbstractContextManager[bytes | BinaryIO]:
        """Open the bytes for the upload."""


class Results(Protocol):
    """Everything produced from one original."""

    @property
    def renditions(self) -> Sequence[Output]:
        """All files to publish, in the order of the record's list."""

    @property
    def proxies(self) -> Sequence[bytes]:
        """JPEGs for Rekognition; they must show what is published."""

    @property
    def times(self) -> Sequence[float] | None:
        """When each proxy is shown, in seconds from the start; None for anything but a video."""

    @property
    def many_scenes(self) -> bool:
        """Whether there are many more distinct scenes than the proxies can show."""

    @property
    def placeholder(self) -> str:
        """ThumbHash, base64."""

    @property
    def dominant_colour(self) -> str:
        """As `#rrggbb`."""

    @property
    def pdq(self) -> str:
        """PDQ hash of the picture, or of a video's poster: 64 hexadecimal digits."""

    @property
    def pdq_quality(self) -> int:
        """How much the hash says, from 0 to 100."""
