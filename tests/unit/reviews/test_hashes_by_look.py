"""`operations hashes --like`: pictures of a stack and files go on the list by what they look like."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from media_pipeline.images.likeness import entry_hashes
from tests.unit.images.drawing import detailed
from tests.unit.reviews.conftest import Stack
from tests.unit.reviews.test_hashes import WHY, Run, listed, run

__all__ = ["run"]
PICTURE = detailed(600, 400)


def saved(image: Image.Image, format_name: str = "JPEG") -> bytes:
    out = io.BytesIO()
    image.save(out, format_name, quality=80)
    return out.getvalue()


def looks(run: Run) -> list[tuple[str, int]]:
    return [
        (entry["value"], len(entry.get("variants", ()))) for entry in listed(run) if entry["kind"] == "pdq"
    ]


def distance(value: str, image: Image.Image = PICTURE) -> int:
    return (int(value, 16) ^ entry_hashes(image)[0].bits).bit_count()


@pytest.mark.long
def test_a_file_goes_on_the_list_by_its_bytes_and_its_look(run: Run, tmp_path: Path) -> None:
    file, copy, other = tmp_path / "a.jpg", tmp_path / "copy.webp", tmp_path / "other.png"
    file.write_bytes(saved(PICTURE))
    copy.write_bytes(saved(ImageOps.mirror(PICTURE.resize((300, 200))), "WEBP"))
    other.write_bytes(saved(detailed(600, 400, seed=2), "PNG"))
    assert run("add", "--file", str(file), "--like", *WHY)[0] == 0
    assert [entry["kind"] for entry in listed(run)].count("sha256") == 1
    ((value, variants),) = looks(run)
    assert (distance(value) < 10, variants) == (True, 13)
    code, said, _ = run("test", str(file))
    assert code == 1
    assert "the same bytes: " in said
    assert "it looks like it, " in said
    code, said, _ = run("test", str(copy))
    assert code == 1
    assert "the same bytes" not in said
    assert "of 256 bits differ" in said
    assert run("test", str(other)) == (0, "No entry matches.\n", "")


def test_a_published_key_goes_on_the_list_by_its_largest_picture(stack: Stack, run: Run) -> None:
    renditions = [
        {"name": "video", "format": "mp4", "width": 900, "height": 600, "key": "v.mp4"},
        {"name": "small", "format": "jpeg", "width": 60, "height": 40, "key": "small.jpg"},
        {"name": "large", "format": "webp", "width": 600, "height": 400, "key": "large.webp"},
    ]
    stack.put("a.jpg", "PUBLISHED", renditions=renditions)
    stack.s3.put_object(Bucket="renditions", Key="large.webp", Body=saved(PICTURE, "WEBP"))
    assert run("add", "--key", "a.jpg", "--like", *WHY)[0] == 0
    ((value, _),) = looks(run)
    assert distance(value) < 10


def test_a_withheld_key_goes_on_the_list_by_its_judged_pictures_with_enough_detail(
    stack: Stack, run: Run
) -> None:
    pictures = [PICTURE, Image.new("RGB", (90, 90)), detailed(600, 400, seed=2)]
    review = [{"key": f"a.jpg/v.review/{number}.jpg", "sha256": "ab" * 32} for number in range(3)]
    for entry, picture in zip(review, pictures, strict=True):
        stack.s3.put_object(Bucket="quarantine", Key=entry["key"], Body=saved(picture))
    stack.put("a.jpg", "REVIEW", review=review)
    assert run("add", "--key", "a.jpg", "--like", *WHY)[0] == 0
    values = [value for value, _ in looks(run)]
    assert len(values) == 2
    assert all(min(distance(value, pictures[at]) for value in values) < 10 for at in (0, 2))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not a picture", "is not a picture that can be read"),
        (saved(Image.new("RGB", (300, 200), "red")), "too little detail"),
    ],
)
def test_what_has_no_look_is_not_put_on_the_list_at_all(
    run: Run, tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "a"
    file.write_bytes(content)
    code, _, said = run("add", "--file", str(file), "--like", *WHY)
    assert code == 1
    assert words in said
    assert listed(run) == []


def test_a_key_without_a_picture_and_a_hash_without_one_have_no_look(stack: Stack, run: Run) -> None:
    stack.put("gone.jpg", "BLOCKED")
    assert "neither published nor in quarantine" in run("add", "--key", "gone.jpg", "--like", *WHY)[2]
    assert "--like takes a picture" in run("add", "--sha256", "ab" * 32, "--like", *WHY)[2]
    assert listed(run) == []


def test_hashes_of_pictures_survive_export_and_import_with_their_variants(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(saved(PICTURE))
    run("add", "--file", str(file), "--like", *WHY)
    run("add", "--pdq", "0F" * 32, *WHY)
    before = {(entry["value"], *entry.get("variants", ())) for entry in listed(run)}
    assert run("export", str(tmp_path / "list.csv"))[0] == 0
    for entry in listed(run):
        run("remove", entry["id"], *WHY)
    assert run("import", str(tmp_path / "list.csv"), *WHY)[0] == 0
    assert {(entry["value"], *entry.get("variants", ())) for entry in listed(run)} == before
    assert len(before) == 3
