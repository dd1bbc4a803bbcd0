"""The output formats, from `formats.json`, which `components/formats.py` reads as well; without Pillow."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple


class Format(NamedTuple):
    """One output format; `extension` is that of its keys, `browsers` the first versions that show it."""

    content_type: str
    extension: str
    default_quality: int | None
    """1 to 100; None for a lossless format, which takes no quality."""
    transparency: bool
    """Whether it can have transparent pixels."""
    browsers: str

    @property
    def lossy(self) -> bool:
        """Whether encoding loses detail, so that a quality chooses between detail and bytes."""
        return self.default_quality is not None


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        name: Format(**facts)
        for name, facts in json.loads(Path(__file__).with_name("formats.json").read_text("utf-8")).items()
    }
)
LONGEST_EXTENSION = max((known.extension for known in FORMATS.values()), key=len)
"""For checks of a key's length before any rendition exists."""
