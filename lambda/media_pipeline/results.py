"""What a function makes of one original, as the story needs it: files to publish, and pictures to judge before."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol


class Output(Protocol):
    """One file to publish."""

    @property
    def name(self) -> str:
        """The configured size, or what else tells it from the others."""

    @property
    def format(self) -> str:
        """As the record lists it."""

    @property
    def content_type(self) -> str:
        """As S3 serves it."""

    @property
    def extension(self) -> str:
        """Of its key, without a dot."""

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
        """Give the bytes as they are put."""


class Made(Protocol):
    """Everything made of one original."""

    @property
    def renditions(self) -> Sequence[Output]:
        """All files to publish."""

    @property
    def proxies(self) -> Sequence[bytes]:
        """JPEGs for Rekognition: what is published must be what these show."""

    @property
    def times(self) -> Sequence[float] | None:
        """When each of them is shown, in seconds, where they are frames of a video."""

    @property
    def placeholder(self) -> str:
        """ThumbHash, base64."""

    @property
    def dominant_colour(self) -> str:
        """ "#rrggbb"."""
