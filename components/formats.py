"""The output formats that a stack may configure, read as data from the file that the functions encode by."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

TABLE = Path(__file__).parent.parent / "lambda" / "media_pipeline" / "images" / "formats.json"


@dataclass(frozen=True, kw_only=True)
class Format:
    """One output format, as `media_pipeline/images/formats.py` describes it."""

    content_type: str
    extension: str
    default_quality: int | None
    transparency: bool
    browsers: str


FORMATS: Mapping[str, Format] = MappingProxyType(
    {name: Format(**facts) for name, facts in json.loads(TABLE.read_text("utf-8")).items()}
)
DEFAULT_QUALITIES: Mapping[str, int] = MappingProxyType(
    {name: known.default_quality for name, known in FORMATS.items() if known.default_quality is not None}
)
"""The quality to suggest for each lossy format; a lossless one takes none."""
