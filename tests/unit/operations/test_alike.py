"""`alike` finds copies of a published picture under any key, and nothing else."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from media_pipeline.images import pdq
from media_pipeline.records.record import to_item
from operations import alike
from operations.__main__ import main
from operations.alike import Alike
from tests.fixtures.moto_stack import MotoStack
from tests.unit.images.drawing import detailed
from tests.unit.processing.driving import WEAPON, draw


def jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


@pytest.fixture
def outputs(stack: MotoStack, tmp_path: Path) -> Path:
    """Publish a picture, two copies of it, another picture and a plain one; withhold one more copy."""
    picture, other = detailed(400, 300, seed=1), detailed(400, 300, seed=2)
    for key, data in (
        ("a.jpg", jpeg(picture, 90)),
        ("copy.jpg", jpeg(picture, 90)),
        ("small.jpg", jpeg(picture.resize((300, 225)), 40)),
        ("other.jpg", jpeg(other, 90)),
        ("plain.jpg", draw((1, 2, 3))),
    ):
        assert stack.deliver(stack.upload(key, data))
    stack.rekognition.labels = WEAPON
    assert stack.deliver(stack.upload("withheld.jpg", jpeg(picture, 80)))
    file = tmp_path / "outputs.json"
    document = {"uploads_bucket": "uploads", "records_table": "records", "images_queue_url": stack.images_url}
    file.write_text(json.dumps(document))
    return file


def test_copies_are_found_and_neither_other_pictures_nor_withheld_ones(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["alike", "--stack", "dev", "--outputs", str(outputs), "--json", "a.jpg"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["object_key"], first["distance"], first["identical"]) == ("copy.jpg", 0, True)
    assert (second["object_key"], second["identical"]) == ("small.jpg", False)
    assert second["distance"] <= alike.ALIKE
    assert main(["alike", "--stack", "dev", "--outputs", str(outputs), "a.jpg"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("  0 bits  PUBLISHED  20")
    assert printed[0].endswith("'copy.jpg'  the same bytes")
    assert printed[-1] == "2 records look like 'a.jpg'."


def test_the_distance_is_the_number_of_bits_that_may_differ(stack: MotoStack, outputs: Path) -> None:
    dynamodb = stack.clients.dynamodb
    (record,) = stack.records._items.query("copy.jpg")
    changed = {
        **record.attributes,
        "object_key": "near.jpg",
        "pdq": f"{int(record.attributes['pdq'], 16) ^ 31:064x}",
    }
    dynamodb.put_item(TableName="records", Item=to_item(changed))
    search = Alike(dynamodb=dynamodb, table="records")
    assert "near.jpg" not in [found.object_key for found in search.to_key("a.jpg", most=4)]
    assert [found.distance for found in search.to_key("a.jpg", most=5)][-1] == 5


@pytest.mark.parametrize("quality", [alike.LEAST_QUALITY - 1, alike.LEAST_QUALITY])
def test_a_hash_that_says_nothing_makes_nothing_alike(stack: MotoStack, outputs: Path, quality: int) -> None:
    dynamodb = stack.clients.dynamodb
    (record,) = stack.records._items.query("copy.jpg")
    changed = {**record.attributes, "object_key": "faint.jpg", "pdq_quality": quality}
    dynamodb.put_item(TableName="records", Item=to_item(changed))
    keys = {found.object_key for found in Alike(dynamodb=dynamodb, table="records").to_key("a.jpg")}
    assert ("faint.jpg" in keys) is (quality >= alike.LEAST_QUALITY)


@pytest.mark.parametrize(
    ("key", "words"), [("plain.jpg", "too little detail"), ("withheld.jpg", "what is withheld has none")]
)
def test_what_has_no_hash_that_says_something_is_an_error(
    outputs: Path, capsys: pytest.CaptureFixture[str], key: str, words: str
) -> None:
    assert main(["alike", "--stack", "dev", "--outputs", str(outputs), key]) == 1
    assert words in capsys.readouterr().err


def test_both_sides_mean_the_same_by_alike() -> None:
    assert (alike.ALIKE, alike.LEAST_QUALITY) == (pdq.ALIKE, pdq.LEAST_QUALITY)
