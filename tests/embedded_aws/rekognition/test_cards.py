"""Moderation cards: what is drawn is read again after everything that image processing does to it."""

import io
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from embedded_aws.rekognition import CardError, card, draw_card, encoding, read_card, taxonomy
from embedded_aws.rekognition.cards import Ink

ROOT = Path(__file__).parents[3]
SHARED_PHOTOS = ROOT.parent / "shared" / "photos"
TWO = {"Weapons": 95.0, "Alcohol Use": 60.0}


def jpeg(image: Image.Image, long_edge: int, quality: int = 80) -> Image.Image:
    scale = long_edge / max(image.size)
    small = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    stored = io.BytesIO()
    small.convert("RGB").save(stored, "JPEG", quality=quality, subsampling="4:2:0")
    return Image.open(io.BytesIO(stored.getvalue()))


def over(image: Image.Image, colour: str) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, colour), image).convert("RGB")


@pytest.mark.parametrize("long_edge", [150, 320, 512, 777, 1024, 2048])
@pytest.mark.parametrize("labels", [{}, TWO, {term.name: 50.5 for term in taxonomy.terms()[:12]}])
def test_card_survives_resizing_and_jpeg(labels: dict[str, float], long_edge: int) -> None:
    assert read_card(jpeg(draw_card(labels), long_edge)) == list(labels.items())


@pytest.mark.parametrize("size", [(1600, 400), (400, 1600), (500, 500), (150, 100)])
def test_card_of_any_shape_is_read(size: tuple[int, int]) -> None:
    assert read_card(jpeg(draw_card(TWO, size), max(size))) == list(TWO.items())


@pytest.mark.parametrize("turn", list(Image.Transpose))
def test_turned_and_mirrored_cards_are_read(turn: Image.Transpose) -> None:
    assert read_card(jpeg(draw_card(TWO).transpose(turn), 320)) == list(TWO.items())


@pytest.mark.parametrize("margin", ["white", "black", "grey"])
@pytest.mark.parametrize("hidden_in", [None, "white"])
def test_card_with_a_plain_margin_is_read(hidden_in: Ink | None, margin: str) -> None:
    drawn = draw_card(TWO, hidden_in=hidden_in)
    page = Image.new("RGB", (1400, 1100), margin)
    page.paste(over(drawn, "black") if hidden_in else drawn, (100, 170))
    assert read_card(jpeg(page, 700)) == list(TWO.items())


def test_card_of_a_strip_padded_to_the_least_height_is_read() -> None:
    page = Image.new("RGB", (400, 100), "white")
    page.paste(draw_card(TWO).resize((400, 60)), (0, 20))
    assert read_card(jpeg(page, 400)) == list(TWO.items())


def test_card_in_other_colours_is_read_by_its_own_swatches() -> None:
    """Read a card by its own swatches: a missing colour conversion must not make it harmless."""
    pale = draw_card(TWO).point([16 + level * 140 // 255 for level in range(256)] * 3)
    assert read_card(jpeg(pale, 640)) == list(TWO.items())


def test_grey_card_is_not_read() -> None:
    """Read no grey card: moderation has to judge the picture in colour."""
    assert read_card(jpeg(draw_card(TWO).convert("L"), 1200)) is None


def test_cropped_card_is_not_read() -> None:
    assert read_card(draw_card(TWO).crop((0, 0, 900, 800))) is None


@pytest.mark.parametrize(("hidden_in", "shows_over"), [("white", "black"), ("black", "white")])
@pytest.mark.parametrize("long_edge", [150, 320, 1200])
def test_hidden_card_shows_over_the_other_colour_only(
    hidden_in: Ink, shows_over: str, long_edge: int
) -> None:
    hidden = draw_card(TWO, hidden_in=hidden_in)
    assert hidden.mode == "RGBA"
    assert read_card(jpeg(over(hidden, shows_over), long_edge)) == list(TWO.items())
    plain = over(hidden, hidden_in)
    assert plain.getcolors() == [(plain.width * plain.height, plain.getpixel((0, 0)))]
    assert read_card(plain) is None
    without_alpha = hidden.convert("RGB")
    assert without_alpha.getcolors() == plain.getcolors(), "nor may it show where alpha is dropped"


def test_transparency_is_read_over_white() -> None:
    assert read_card(draw_card(TWO, hidden_in="black")) == list(TWO.items())
    assert read_card(draw_card(TWO, hidden_in="white")) is None


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(
            lambda name: name.strip() and taxonomy.find(name) is None
        ),
        st.integers(0, 10_000_000).map(lambda steps: steps / 100_000),
        max_size=4,
    )
)
@settings(max_examples=30, deadline=None)
def test_any_names_come_back_as_given(labels: dict[str, float]) -> None:
    assert encoding.decode(encoding.encode(labels)) == list(labels.items())
    assert read_card(jpeg(draw_card(labels), 640, quality=95)) == list(labels.items())


def test_known_names_are_spelt_as_rekognition_does() -> None:
    assert read_card(draw_card({"weapons": 95, "blood & gore": 1})) == [
        ("Weapons", 95.0),
        ("Blood & Gore", 1.0),
    ]


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ({" ": 50.0}, "needs a name"),
        ({"x" * 256: 50.0}, "longer than 255 bytes"),
        ({"Weapons": 101.0}, "between 0 and 100, got 101"),
        ({"Weapons": float("nan")}, "between 0 and 100, got nan"),
        ({"Weapons": 50.0, "weapons": 60.0}, "given twice"),
        ({f"{i}" * 200: 50.0 for i in range(9)}, "do not fit"),
    ],
)
def test_impossible_labels_are_refused(labels: dict[str, float], says: str) -> None:
    with pytest.raises(CardError, match=says):
        draw_card(labels)


@pytest.mark.parametrize("text", ["Weapons", "Weapons:", ":95", "Weapons:many", "Weapons:95,", "A:1,A:2"])
def test_labels_that_cannot_be_read_are_one_sentence(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert card.main([text, str(tmp_path / "card.jpg")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{card.COMMAND}: ")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".png", ".webp", ".avif", ".gif", ".tif", ".bmp"])
def test_card_file_has_the_format_of_its_suffix(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / "new folder" / f"it's a card{suffix}"
    assert card.main(["Weapons:95,Alcohol Use:60,Made Up's:7.25", str(file)]) == 0
    with Image.open(file) as image:
        assert image.format == Image.registered_extensions()[suffix.lower()]
        assert read_card(image) == [*TWO.items(), ("Made Up's", 7.25)]


def test_hidden_card_file_needs_transparency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert card.main(["--hidden-in=white", "Weapons:95", str(tmp_path / "card.jpg")]) == 2
    assert "use .png" in capsys.readouterr().err
    assert card.main(["--hidden-in=white", "Weapons:95", str(tmp_path / "card.png")]) == 0


@pytest.mark.skipif(os.name == "nt", reason="the command is make's, which runs a POSIX shell")
def test_make_card_passes_labels_and_path_untouched(tmp_path: Path) -> None:
    file = tmp_path / "it's $HOME & more.jpg"
    make = ["make", "-f", str(ROOT / "Makefile"), "-o", ".venv/.ready", "card"]
    made = subprocess.run(
        [*make, f"RUN={sys.executable}", "LABELS=Bob's Thing; $HOME:95,Alcohol Use:60", f"FILE={file}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with Image.open(file) as image:
        assert read_card(image) == [("Bob's Thing; $HOME", 95.0), ("Alcohol Use", 60.0)]


def pictures() -> list[Image.Image]:
    """Draw pictures that look a bit like cards: colourful grids, stripes, noise, plain areas."""
    grid = Image.new("RGB", (600, 400))
    pen = ImageDraw.Draw(grid)
    hues = [(222, 53, 48), (43, 170, 74), (45, 84, 214), (242, 208, 44)]
    for index, (x, y) in enumerate(itertools.product(range(0, 600, 40), range(0, 400, 40))):
        pen.rectangle((x, y, x + 40, y + 40), fill=hues[index * 7 % 4])
    noise = Image.merge("RGB", [Image.effect_noise((300, 200), 90) for _ in range(3)])
    return [
        grid,
        noise,
        Image.new("RGB", (300, 300), "white"),
        Image.linear_gradient("L"),
        Image.new("RGB", (1, 1)),
    ]


def test_other_pictures_are_not_cards() -> None:
    assert [read_card(picture) for picture in pictures()] == [None] * 5


@pytest.mark.parametrize("column", range(14))
def test_one_wrong_block_makes_it_no_card(column: int) -> None:
    """Prefer no labels to wrong ones: the test that relies on them then fails loudly."""
    drawn = draw_card(TWO)
    step = (0.96 - 0.04) * 1200 / 14  # the grid of two labels has 14 columns
    left = round(48 + column * step)
    was = drawn.getpixel((left + 20, 300))
    other = (45, 84, 214) if was != (45, 84, 214) else (43, 170, 74)
    drawn.paste(other, (left, 264, round(left + step), 336))
    assert read_card(drawn) is None


@pytest.mark.skipif(not SHARED_PHOTOS.is_dir(), reason="../shared/photos is absent")
def test_photos_are_not_cards() -> None:
    for photo in sorted(SHARED_PHOTOS.iterdir()):
        with Image.open(photo) as image:
            image.draft("RGB", (1024, 1024))
            assert read_card(image) is None, photo.name
