"""The demo's default photos and videos: drawn at run time, one for each case that has to come out right."""

import io
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from PIL.ExifTags import Base

from local.demo import scenes, videos
from local.demo.decisions import Plan
from local.demo.wide_gamut import display_p3

ROTATED = 6  # EXIF: the camera was held upright, viewers turn the picture 90 degrees clockwise

# What Rekognition's stand-in will say about each card; the names are those of AWS's taxonomy.
CARDS: Mapping[str, Mapping[str, float]] = {
    "safe": {"Smoking": 45.0},
    "to-review": {"Physical Violence": 72.0},
    "to-review, then approved": {"Violence": 75.0},
    "to-block": {"Weapons": 96.0},
    "exempt": {"Alcohol Use": 91.0},
}

PLAN = Plan(approve="moderation/to-review, then approved.jpg", take_down="taken down/photo of somebody.jpg")
COPY = "taken down/the same photo, posted again.jpg"


def draw(folder: Path) -> None:
    """Draw the sample photos, videos and moderation cards into `folder`, which is there and empty."""
    _jpeg(folder / "landscape, camera held upright.jpg", scenes.lake(), exif=True)
    _jpeg(folder / "portrait.jpg", scenes.balloons())
    _jpeg(folder / "panorama.jpg", scenes.dunes())
    _jpeg(folder / "wide gamut.jpg", scenes.garden(), profile=display_p3())
    scenes.logo().save(folder / "logo, transparent.png", optimize=True)

    holiday = folder / "Sommer 2024"
    holiday.mkdir()
    small = scenes.lake((720, 480))
    small.save(holiday / "Grüße vom See + Berge.webp", quality=82, method=2)

    broken = folder / "broken"
    broken.mkdir()
    whole = io.BytesIO()
    scenes.balloons((300, 450)).save(whole, "JPEG", quality=80)
    (broken / "half a download.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    (broken / "not a picture.jpg").write_text("This is text, whatever its name says.\n", encoding="utf-8")

    _cards(folder / "moderation")

    somebody = folder / PLAN.take_down
    somebody.parent.mkdir()
    _jpeg(somebody, scenes.balloons((400, 600)))
    (folder / COPY).write_bytes(somebody.read_bytes())

    films = folder / "videos"
    films.mkdir()
    videos.draw(films)
    videos.draw_card(folder / "moderation", CARDS["to-block"])
    videos.draw_broken(broken)


def _jpeg(path: Path, picture: Image.Image, *, exif: bool = False, profile: bytes | None = None) -> None:
    tags = Image.Exif()
    if exif:
        tags[Base.Orientation] = ROTATED
        tags[Base.Make] = "Example"
        tags[Base.Model] = "Demo Camera"
        picture = picture.transpose(Image.Transpose.ROTATE_90)  # as the sensor saw it
    picture.save(path, quality=88, exif=tags, icc_profile=profile)


def _cards(folder: Path) -> None:
    from embedded_aws.rekognition import draw_card

    folder.mkdir()
    for name, labels in CARDS.items():
        draw_card(labels).save(folder / f"{name}.jpg", quality=90)
