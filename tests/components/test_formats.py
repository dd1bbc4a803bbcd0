"""An output format is described once, in `formats.json`; whatever else names formats is held against it here."""

import dataclasses
import json
from typing import Any

import pytest

from components import formats, openapi
from components.config_model import Qualities, StackKeys
from media_pipeline.images import encoders
from media_pipeline.images import formats as function_formats
from tests.components.config_parsing import Raw, parse, problems
from tests.components.recording import PROJECT

VIDEO_FORMAT = "mp4"  # of the video itself, beside its poster's formats


def test_program_and_functions_read_the_same_table() -> None:
    assert {name: dataclasses.asdict(known) for name, known in formats.FORMATS.items()} == {
        name: known._asdict() for name, known in function_formats.FORMATS.items()
    }
    lossy = {name for name, known in function_formats.FORMATS.items() if known.lossy}
    assert set(formats.DEFAULT_QUALITIES) == lossy


def test_every_format_has_an_encoder_and_no_encoder_is_unknown() -> None:
    assert set(encoders.ENCODERS) == set(function_formats.FORMATS)


@pytest.mark.parametrize("name", formats.FORMATS)
def test_every_format_can_be_configured_with_its_quality(raw: Raw, name: str) -> None:
    quality = {name: formats.DEFAULT_QUALITIES[name]} if name in formats.DEFAULT_QUALITIES else {}
    config = parse({**raw, "formats": [name], "quality": quality})
    assert config.formats == (name,)
    assert config.quality.model_dump(exclude_none=True) == quality


def test_quality_has_a_key_for_each_lossy_format_and_no_other() -> None:
    assert set(StackKeys.model_fields) >= {"formats", "quality"}
    assert set(Qualities.model_fields) == set(formats.DEFAULT_QUALITIES)


@pytest.mark.parametrize("name", formats.DEFAULT_QUALITIES)
def test_a_missing_quality_is_fixed_with_the_formats_default(raw: Raw, name: str) -> None:
    (problem,) = problems({**raw, "formats": [name], "quality": {}}).values()
    assert problem.fix == f"pulumi config set --path quality.{name} {formats.DEFAULT_QUALITIES[name]}"


def test_the_api_document_names_every_format() -> None:
    rendition: Any = openapi.read()["components"]["schemas"]["Rendition"]
    assert rendition["properties"]["format"]["enum"] == [*formats.FORMATS, VIDEO_FORMAT]


def test_the_announcement_schema_names_every_format() -> None:
    schema = json.loads((PROJECT / "docs" / "announcement.schema.json").read_text("utf-8"))
    rendition = schema["properties"]["renditions"]["items"]["properties"]
    assert rendition["format"]["enum"] == [*formats.FORMATS, VIDEO_FORMAT]


def test_keys_are_checked_with_the_longest_extension() -> None:
    extensions = {known.extension for known in function_formats.FORMATS.values()}
    assert function_formats.LONGEST_EXTENSION in extensions
    assert len(function_formats.LONGEST_EXTENSION) == max(map(len, extensions | {VIDEO_FORMAT}))
