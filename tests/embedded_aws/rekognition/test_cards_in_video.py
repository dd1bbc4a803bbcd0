"""Moderation cards survive what a video goes through: H.264 twice, scaling, turning, letterboxes, noise."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from embedded_aws.rekognition import draw_card, read_card, taxonomy
from local.demo import scenes
from local.demo.filming import Film, film, watch

ONE = {"Weapons": 95.0}
MANY = {term.name: 50.5 for term in taxonomy.terms()[:12]}
TENTHS = 9
CARD_AT = range(3, 6)


def decoded(path: Path) -> list[Image.Image]:
    return [picture for _, picture in watch(path)]


def seen(picture: Image.Image) -> list[tuple[str, float]] | None:
    """Return what the stand-in reads from the JPEG that it receives."""
    stored = io.BytesIO()
    picture.save(stored, "JPEG", quality=80)
    return read_card(Image.open(stored))


def through(path: Path, card: Image.Image, how: Film) -> list[list[tuple[str, float]] | None]:
    """Encode a picture, the card between hard cuts, and the picture again; read every frame."""
    other = scenes.lake((480, 320)).resize(card.size)
    shots = [(number / 10, card if number in CARD_AT else other) for number in range(TENTHS)]
    film(path, shots, how, seconds=TENTHS / 10)
    return [seen(picture) for picture in decoded(path)]


def expected(labels: dict[str, float]) -> list[list[tuple[str, float]] | None]:
    return [list(labels.items()) if number in CARD_AT else None for number in range(TENTHS)]


@pytest.mark.parametrize(
    ("drawn", "shown", "crf"),
    [((1920, 1080), (1280, 720), 28), ((1280, 720), (640, 360), 35), ((320, 180), (320, 180), 40)],
)
@pytest.mark.parametrize("labels", [ONE, MANY])
def test_card_is_read_from_its_own_frames_and_from_no_other(
    labels: dict[str, float], drawn: tuple[int, int], shown: tuple[int, int], crf: int, tmp_path: Path
) -> None:
    card = draw_card(labels, drawn).resize(shown, Image.Resampling.BICUBIC)
    assert through(tmp_path / "a.mp4", card, Film(rate=10, crf=crf)) == expected(labels)


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270])
def test_turned_card_is_read(turn: Image.Transpose, tmp_path: Path) -> None:
    card = draw_card(ONE, (640, 360)).transpose(turn)
    assert through(tmp_path / "a.mp4", card, Film(rate=10, crf=28)) == expected(ONE)


@pytest.mark.parametrize("colour", ["black", "white"])
def test_card_between_bars_is_read(colour: str, tmp_path: Path) -> None:
    page = Image.new("RGB", (640, 360), colour)
    page.paste(draw_card(ONE, (540, 360)), (50, 0))
    assert through(tmp_path / "a.mp4", page, Film(rate=10, crf=28)) == expected(ONE)


def test_card_with_the_noise_of_a_dark_room_is_read_after_a_second_encoding(tmp_path: Path) -> None:
    noise = Image.merge("RGB", [Image.effect_noise((640, 360), 60) for _ in range(3)])
    card = ImageChops.add(draw_card(ONE, (640, 360)), noise, offset=-128)
    first, second = tmp_path / "a.mp4", tmp_path / "b.mp4"
    assert through(first, card, Film(rate=10, crf=32)) == expected(ONE)
    shots = [(number / 10, picture) for number, picture in enumerate(decoded(first))]
    film(second, shots, Film(rate=10, crf=28), seconds=TENTHS / 10)
    assert [seen(picture) for picture in decoded(second)] == expected(ONE)


def test_card_in_vp8_at_a_low_bit_rate_is_read(tmp_path: Path) -> None:
    how = Film(codec="libvpx", rate=10, options={"deadline": "realtime", "cpu-used": "8", "b": "200k"})
    assert through(tmp_path / "a.webm", draw_card(ONE, (640, 360)), how) == expected(ONE)
