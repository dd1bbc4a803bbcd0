"""The stand-in for Rekognition, through botocore as the pipeline calls it."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from embedded_aws.rekognition import draw_card, stand_in, taxonomy
from embedded_aws.world import World


@pytest.fixture(scope="module")
def rekognition() -> Iterator[Any]:
    with World(region="eu-central-1") as world:
        yield world.client("rekognition")


def stored(image: Image.Image, format_name: str = "JPEG") -> bytes:
    data = io.BytesIO()
    image.save(data, format_name)
    return data.getvalue()


def detected(rekognition: Any, labels: dict[str, float], **parameters: Any) -> list[tuple[Any, ...]]:
    answer = rekognition.detect_moderation_labels(Image={"Bytes": stored(draw_card(labels))}, **parameters)
    return [
        (label["Name"], label["ParentName"], label["TaxonomyLevel"], label["Confidence"])
        for label in answer["ModerationLabels"]
    ]


def test_ancestors_come_with_a_label(rekognition: Any) -> None:
    assert detected(rekognition, {"Blood & Gore": 88}) == [
        ("Blood & Gore", "Graphic Violence", 3, 88.0),
        ("Graphic Violence", "Violence", 2, 88.0),
        ("Violence", "", 1, 88.0),
    ]


def test_an_ancestor_is_as_sure_as_its_surest_descendant(rekognition: Any) -> None:
    labels = detected(rekognition, {"Violence": 60, "Weapons": 95, "Self-Harm": 70})
    assert labels == [
        ("Weapons", "Violence", 2, 95.0),
        ("Violence", "", 1, 95.0),
        ("Self-Harm", "Graphic Violence", 3, 70.0),
        ("Graphic Violence", "Violence", 2, 70.0),
    ]


def test_unknown_label_comes_back_as_given(rekognition: Any) -> None:
    assert detected(rekognition, {"Suggestive": 77}) == [("Suggestive", "", 1, 77.0)]


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, ["Gambling", "Alcohol"]),
        ({"MinConfidence": 50.1}, ["Gambling"]),
        ({"MinConfidence": 0}, ["Gambling", "Alcohol", "Explicit"]),
        ({"MinConfidence": 49.9}, ["Gambling", "Alcohol", "Explicit"]),
    ],
)
def test_min_confidence_is_inclusive_and_50_by_default(
    rekognition: Any, parameters: dict[str, Any], names: list[str]
) -> None:
    found = detected(rekognition, {"Gambling": 90, "Alcohol": 50, "Explicit": 49.9}, **parameters)
    assert [label[0] for label in found] == names


@pytest.mark.parametrize("format_name", ["JPEG", "PNG"])
def test_other_pictures_have_no_labels_and_the_model_says_stand_in(
    rekognition: Any, format_name: str
) -> None:
    picture = stored(Image.linear_gradient("L"), format_name)
    answer = rekognition.detect_moderation_labels(Image={"Bytes": picture})
    assert answer["ModerationLabels"] == []
    assert answer["ContentTypes"] == []
    assert "stand-in" in answer["ModerationModelVersion"]


def too_many_bytes() -> bytes:
    return stored(Image.new("RGB", (100, 100))).ljust(stand_in.MAX_INLINE_BYTES + 1, b"\0")


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (lambda: stored(draw_card({}), "WEBP"), "InvalidImageFormatException"),
        (lambda: b"no picture", "InvalidImageFormatException"),
        (lambda: stored(draw_card({}))[:3000], "InvalidImageFormatException"),
        (lambda: stored(draw_card({}), "PNG")[:3000], "InvalidImageFormatException"),
        (lambda: stored(Image.new("RGB", (10_001, 80))), "ImageTooLargeException"),
        (too_many_bytes, "ImageTooLargeException"),
        (lambda: stored(Image.new("RGB", (79, 500))), "InvalidParameterException"),
    ],
)
def test_pictures_that_rekognition_refuses(rekognition: Any, picture: Any, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        rekognition.detect_moderation_labels(Image={"Bytes": picture()})
    assert type(refused.value).__name__ == code
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("size", [(80, 80), (10_000, 80)])
def test_sizes_at_the_bounds_are_accepted(rekognition: Any, size: tuple[int, int]) -> None:
    picture = stored(Image.new("RGB", size))
    assert rekognition.detect_moderation_labels(Image={"Bytes": picture})["ModerationLabels"] == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"Image": {}},
        {"Image": {"S3Object": {"Bucket": "some-bucket", "Name": "key"}}},
        {"Image": {"Bytes": b"x"}, "MinConfidence": 100.5},
        {"Image": {"Bytes": b"x"}, "ProjectVersion": "arn:aws:rekognition:x:1:project/p/version/v/1"},
    ],
)
def test_requests_that_rekognition_or_the_stand_in_refuses(rekognition: Any, parameters: Any) -> None:
    with pytest.raises(rekognition.exceptions.InvalidParameterException):
        rekognition.detect_moderation_labels(**parameters)


def test_taxonomy_has_three_levels_and_each_parent_precedes_its_children() -> None:
    seen: set[str] = set()
    for term in taxonomy.terms():
        assert (term.parent == "") == (term.level == 1)
        assert term.parent == "" or term.parent in seen
        assert term.name not in seen
        seen.add(term.name)
    assert {term.level for term in taxonomy.terms()} == {1, 2, 3}
    assert [term.name for term in taxonomy.ancestors("corpses")] == [
        "Death and Emaciation",
        "Visually Disturbing",
    ]
