"""The demo's parts that need no embedded AWS: folders in and out, records, samples, e-mails."""

import io
import re
import struct
from decimal import Decimal
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageOps
from rich.console import Console

from embedded_aws.outbox import message
from local.demo import originals, samples, scenes
from local.demo.outcomes import Outcome, Upload, from_records
from local.demo.output import FOLDERS, Output, OutputError
from local.demo.photos import PhotosError, find
from local.demo.progress import Lines
from local.demo.wide_gamut import display_p3


def make(folder: Path, *files: str) -> Path:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


# ---- photos


def test_every_file_is_found_with_its_relative_path_as_key(tmp_path: Path) -> None:
    make(tmp_path, "b.jpg", "A.jpg", "Ü ber/+ &.png", ".hidden", "deep/er/c")
    found = find(tmp_path, leaving_out=tmp_path / "out")
    assert [photo.file for photo in found] == [".hidden", "A.jpg", "b.jpg", "deep/er/c", "Ü ber/+ &.png"]


def test_the_demos_own_output_is_not_uploaded(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "build/demo/renditions/a.jpg", "build/b.jpg")
    found = find(tmp_path, leaving_out=tmp_path / "build" / "demo")
    assert [photo.file for photo in found] == ["a.jpg", "build/b.jpg"]


def test_links_count_as_files_but_are_not_followed_into_folders(tmp_path: Path) -> None:
    make(tmp_path, "folder/a.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "folder" / "a.jpg")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere")
    assert [photo.file for photo in find(tmp_path, leaving_out=tmp_path / "out")] == [
        "folder/a.jpg",
        "link.jpg",
    ]


@pytest.mark.parametrize("kind", ["missing", "file", "empty"])
def test_a_folder_without_photos_is_refused_with_one_sentence(tmp_path: Path, kind: str) -> None:
    make(tmp_path, "file")
    (tmp_path / "empty" / "within").mkdir(parents=True)
    with pytest.raises(PhotosError, match=re.escape(str(tmp_path / kind))) as caught:
        find(tmp_path / kind, leaving_out=tmp_path / "out")
    assert "\n" not in str(caught.value)


# ---- output


def test_output_replaces_an_earlier_demos_results_and_nothing_else(tmp_path: Path) -> None:
    first = Output(tmp_path / "out")
    first.check(photos=None)
    first.prepare()
    make(tmp_path / "out", "report.json", "renditions/old.jpg", "notes.txt")
    second = Output(tmp_path / "out")
    second.check(photos=None)
    second.prepare()
    kept = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert kept == {".media-pipeline-demo", "notes.txt", *FOLDERS}


@pytest.mark.parametrize("photos", [".", "originals", "renditions/mine", "logs/.."])
def test_output_that_would_clear_the_photos_or_mix_with_them_is_refused(tmp_path: Path, photos: str) -> None:
    make(tmp_path / photos, "a.jpg")
    (tmp_path / "logs").mkdir(exist_ok=True)
    with pytest.raises(OutputError, match="holds the photos"):
        Output(tmp_path).check(photos=tmp_path / photos)


def test_a_folder_that_holds_nothing_of_the_results_names_is_accepted_and_kept(tmp_path: Path) -> None:
    make(tmp_path, "photos/a.jpg", "make.log")
    output = Output(tmp_path)
    output.check(photos=tmp_path / "photos")
    output.prepare()
    output.discard()
    assert {path.name for path in tmp_path.rglob("*")} == {"photos", "a.jpg", "make.log"}


def test_a_folder_that_the_demo_did_not_make_is_refused_and_left_alone(tmp_path: Path) -> None:
    make(tmp_path / "mine", "report.json", "renditions/precious.jpg")
    with pytest.raises(OutputError, match="was not made by the demo"):
        Output(tmp_path / "mine").check(photos=None)
    assert (tmp_path / "mine" / "renditions" / "precious.jpg").exists()


def test_an_empty_folder_is_accepted_and_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    Output(tmp_path / "empty").check(photos=None)
    make(tmp_path, "file")
    with pytest.raises(OutputError, match="is a file"):
        Output(tmp_path / "file").check(photos=None)


def test_discarding_takes_back_what_was_made(tmp_path: Path) -> None:
    fresh = Output(tmp_path / "fresh")
    fresh.prepare()
    make(tmp_path / "fresh", "logs/a.log")
    fresh.discard()
    assert not (tmp_path / "fresh").exists()
    (tmp_path / "there").mkdir()
    there = Output(tmp_path / "there")
    there.prepare()
    there.discard()
    assert list((tmp_path / "there").iterdir()) == []


def test_a_link_in_place_of_a_results_folder_is_removed_but_not_followed(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere", "precious.jpg")
    Output(tmp_path / "out").prepare()
    (tmp_path / "out" / "logs").rmdir()
    (tmp_path / "out" / "logs").symlink_to(tmp_path / "elsewhere")
    Output(tmp_path / "out").prepare()
    assert (tmp_path / "elsewhere" / "precious.jpg").exists()
    assert not (tmp_path / "out" / "logs").is_symlink()


@pytest.mark.parametrize("name", ["../report.json", "a/../../b", "", "."])
def test_no_name_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    output = Output(tmp_path / "out")
    output.prepare()
    with pytest.raises(OutputError, match="does not lie in"):
        output.place("renditions", name)


# ---- records


def test_records_are_joined_by_exact_version() -> None:
    uploads = [
        Upload(file="a", path=Path("a"), bytes=1, version_id="2"),
        Upload(file="b", path=Path("b"), bytes=1, version_id="1"),
    ]
    items: list[dict[str, Any]] = [
        {"object_key": "a", "version_id": "1", "status": "PUBLISHED", "announced_at": "t"},
        {
            "object_key": "a",
            "version_id": "2",
            "status": "REVIEW",
            "announced_at": "t",
            "width": Decimal(7),
            "moderation": {
                "verdict": "review",
                "labels": [{"name": "Violence", "confidence": Decimal("70.5")}],
            },
            "milliseconds": {"total": Decimal("12.25"), "fetch": Decimal(3)},
        },
    ]
    first, second = from_records(uploads, items)
    assert (first.status, first.width, first.verdict, first.settled) == ("REVIEW", 7, "review", True)
    assert [(label.parent, label.confidence) for label in first.labels] == [("", 70.5)]
    assert first.milliseconds == {"total": 12.25, "fetch": 3}
    assert (second.status, second.reason, second.settled) == (None, "no_record", False)


def test_a_files_name_can_neither_break_a_line_of_the_terminal_nor_command_it() -> None:
    told = io.StringIO()
    upload = Upload(file="a\nb\x1b[31m\u202egpj.ü🎉.jpg", path=Path("a"), bytes=1, version_id="1")
    Lines(Console(file=told)).settled(Outcome(upload=upload, status="REJECTED", detail="x\ry"))
    assert told.getvalue() == "REJECTED  a\\nb\\x1b[31m\\u202egpj.ü🎉.jpg  x\\ry\n"


def test_an_unannounced_terminal_record_is_waited_for() -> None:
    uploads = [Upload(file="a", path=Path("a"), bytes=1, version_id="1")]
    (outcome,) = from_records(uploads, [{"object_key": "a", "version_id": "1", "status": "PUBLISHED"}])
    assert not outcome.settled


# ---- originals


def stored(tmp_path: Path, picture: Image.Image, name: str, content_type: str) -> Outcome:
    path = tmp_path / name
    picture.save(path)
    upload = Upload(file=name, path=path, bytes=path.stat().st_size, version_id="1")
    return Outcome(
        upload=upload, status="PUBLISHED", announced=True, content_type=content_type, width=9, height=9
    )


def test_unusual_metadata_causes_no_warning_when_a_picture_is_previewed(tmp_path: Path) -> None:
    output = Output(tmp_path / "out")
    output.prepare()
    outcome = stored(tmp_path, Image.new("RGB", (20, 10), (200, 30, 30)), "a.tif", "image/tiff")
    software, ascii_text, bytes_claimed = 305, 2, 1_000_000
    honest = struct.pack("<HHI", software, ascii_text, len("Paint") + 1)
    written = io.BytesIO()
    Image.new("RGB", (20, 10), (200, 30, 30)).save(written, "TIFF", software="Paint")
    assert honest in written.getvalue()
    claiming = written.getvalue().replace(honest, struct.pack("<HHI", software, ascii_text, bytes_claimed))
    outcome.upload.path.write_bytes(claiming)
    assert originals.place(outcome, output).is_preview


def test_what_browsers_show_is_copied_and_the_rest_previewed(tmp_path: Path) -> None:
    output = Output(tmp_path / "out")
    output.prepare()
    red = Image.new("RGB", (1600, 900), "red")
    jpeg = originals.place(stored(tmp_path, red, "a.jpg", "image/jpeg"), output)
    tiff = originals.place(stored(tmp_path, red, "a.tif", "image/tiff"), output)
    assert (jpeg.picture, jpeg.is_preview) == ("originals/a.jpg", False)
    assert (output.root / "originals/a.jpg").read_bytes() == (tmp_path / "a.jpg").read_bytes()
    assert (tiff.picture, tiff.is_preview) == ("originals/a.tif/preview.jpg", True)
    with Image.open(output.root / "originals/a.tif/preview.jpg") as preview:
        assert (preview.format, preview.size) == ("JPEG", (1024, 576))


def test_a_rejected_file_is_never_put_before_a_browser(tmp_path: Path) -> None:
    output = Output(tmp_path / "out")
    output.prepare()
    upload = Upload(file="x.svg", path=tmp_path / "x.svg", bytes=1, version_id="1")
    for content_type in (None, "image/webp"):
        rejected = Outcome(upload=upload, status="REJECTED", announced=True, content_type=content_type)
        assert originals.place(rejected, output).picture is None


# ---- samples


def test_scenes_are_drawn_the_same_each_time() -> None:
    assert scenes.logo(64).tobytes() == scenes.logo(64).tobytes()
    assert scenes.lake((150, 100)).tobytes() == scenes.lake((150, 100)).tobytes()


def test_samples_cover_what_the_pipeline_must_get_right(tmp_path: Path) -> None:
    samples.draw(tmp_path)
    with Image.open(tmp_path / "landscape, camera held upright.jpg") as rotated:
        assert rotated.getexif()[0x0112] == 6
        assert rotated.height > rotated.width
        upright = ImageOps.exif_transpose(rotated)
        assert upright.width > upright.height
    with Image.open(tmp_path / "logo, transparent.png") as logo:
        assert logo.mode == "RGBA"
        assert logo.getchannel("A").getextrema() == (0, 255)
    with Image.open(tmp_path / "wide gamut.jpg") as garden:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(garden.info["icc_profile"]))
        assert ImageCms.getProfileDescription(profile).strip() == "Display P3"
    with (
        Image.open(tmp_path / "broken" / "half a download.jpg") as broken,
        pytest.raises(OSError, match="truncated"),
    ):
        broken.load()
    assert (tmp_path / "Sommer 2024" / "Grüße vom See + Berge.webp").exists()
    assert {path.stem for path in (tmp_path / "moderation").glob("*.jpg")} == set(samples.CARDS)
    assert len(list(tmp_path.glob("videos/*"))) == 3


def test_the_wide_gamut_profile_is_wider_than_srgb() -> None:
    wide = ImageCms.ImageCmsProfile(io.BytesIO(display_p3()))
    swatch = Image.new("RGB", (1, 1), (200, 100, 60))
    converted = ImageCms.profileToProfile(swatch, wide, ImageCms.createProfile("sRGB"))
    assert converted is not None
    assert converted.getpixel((0, 0)) == pytest.approx(
        (215, 93, 47), abs=1
    )  # a colour of P3, by its formulas


# ---- outbox


def test_a_mail_is_one_plain_part_in_utf_8() -> None:
    sent = message("a@example.com", "BLOCKED: x", 'Grüße, "see" below\n' + "long " * 300)
    mail = message_from_bytes(sent, policy=policy.default)
    assert not mail.is_multipart()
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content_charset() == "utf-8"
    assert mail["To"] == "a@example.com"
    assert mail.get_content().startswith('Grüße, "see" below')
    assert mail.get_content().count("long ") == 300
