"""Pictures that were drawn to show something else to the judge than to the public, held against what is judged.

What a moderation card says stands for what Rekognition would recognise.
"""

import random
from collections.abc import Iterator, Sequence

import pytest
from PIL import Image, ImageChops, ImageFilter

from embedded_aws.rekognition.cards import Ink, draw_card, read_card
from media_pipeline.images.animation import JUDGED_FRAMES
from media_pipeline.images.renditions import Rendered
from media_pipeline.images.sizes import Transparency
from tests.unit.images.drawing import opened, rendered, saved, specs

WEAPONS = {"Weapons": 99.0}
SIZE = (480, 320)
CARD = draw_card(WEAPONS, SIZE)
Take = tuple[Image.Image, int]
"""A frame and the milliseconds that it is shown."""


def recognised(result: Rendered) -> bool:
    return any(read_card(opened(proxy)) for proxy in result.proxies)


def is_published(result: Rendered) -> bool:
    """Whether a rendition shows the card, over whatever background or without its opacity."""
    return any(
        read_card(view) for made in result.renditions for view in views(opened(made.data).convert("RGBA"))
    )


def views(picture: Image.Image) -> Iterator[Image.Image]:
    for background in ("white", "black", (128, 128, 128), (255, 0, 0), (0, 90, 200)):
        canvas = Image.new("RGBA", picture.size, background)
        canvas.alpha_composite(picture)
        yield canvas.convert("RGB")
    yield picture.convert("RGB")


def decoy(seed: int) -> Image.Image:
    """A strong random pattern, unlike any other."""
    rng = random.Random(seed)
    pattern = Image.new("RGB", (16, 16))
    pattern.putdata([rng.choice([(0, 0, 0), (255, 255, 255)]) for _ in range(256)])
    return pattern.resize(SIZE, Image.Resampling.NEAREST)


def decoys(count: int, *, milliseconds: int = 20, seed: int = 0) -> list[Take]:
    return [(decoy(1000 * seed + number), milliseconds) for number in range(count)]


def film(takes: Sequence[Take], format_name: str) -> bytes:
    frames, durations = zip(*takes, strict=True)
    options: dict[str, object] = {"lossless": True} if format_name == "WEBP" else {}
    if format_name == "GIF":
        frames = tuple(frame.quantize(64, dither=Image.Dither.NONE) for frame in frames)
        options = {"disposal": 1}
    return saved(
        frames[0], format_name, save_all=True, append_images=frames[1:], duration=list(durations), **options
    )


def is_seen(takes: Sequence[Take], format_name: str = "WEBP") -> bool:
    result = rendered(film(takes, format_name), specs({"same": SIZE[0]}, ("webp",)))
    assert len(result.proxies) <= JUDGED_FRAMES
    return recognised(result)


@pytest.mark.parametrize("format_name", ["WEBP", "GIF", "PNG"])
@pytest.mark.parametrize("before", [1, 30])
def test_picture_that_is_shown_long_is_judged_among_brief_decoys(format_name: str, before: int) -> None:
    assert is_seen([*decoys(before), (CARD, 60_000), *decoys(13, seed=1)], format_name)


@pytest.mark.parametrize("pieces", [2, 20])
def test_picture_that_is_shown_in_pieces_is_judged(pieces: int) -> None:
    takes = decoys(60, milliseconds=100)
    share = 6000 / (JUDGED_FRAMES - 2)  # of all the time 1 / (JUDGED_FRAMES - 1)
    for piece in range(pieces):
        place = 2 + piece * (len(takes) - 3) // pieces
        takes.insert(place, (CARD, round(share / pieces) + 1))
    assert is_seen(takes)


@pytest.mark.parametrize("radius", [2, 20])
def test_blurred_first_and_last_frame_do_not_stand_for_the_sharp_picture(radius: int) -> None:
    blurred = CARD.filter(ImageFilter.GaussianBlur(radius))
    assert is_seen([(blurred, 20), *decoys(12), (CARD, 60_000), *decoys(1, seed=1), (blurred, 20)])


def test_picture_under_changing_grain_behind_a_blurred_frame_is_judged() -> None:
    blurred = CARD.filter(ImageFilter.GaussianBlur(8))
    grained = [Image.blend(CARD, Image.effect_noise(SIZE, 90).convert("RGB"), 0.12) for _ in range(30)]
    assert is_seen([(blurred, 20), *decoys(8), *((frame, 500) for frame in grained), *decoys(8, seed=1)])


@pytest.mark.parametrize("delay", [0, 10])
def test_frame_without_a_delay_counts_for_the_100_ms_that_browsers_show_it(delay: int) -> None:
    """100 of 700 ms; by the delays in the file it would be the shortest shown."""
    assert is_seen([*decoys(17), (CARD, delay), *decoys(13, seed=1)], "GIF")


def test_moving_picture_is_judged_among_more_and_longer_shown_decoys() -> None:
    """The card moves, so that no two of its frames are the same."""
    moving = []
    for number in range(90):
        frame = Image.new("RGB", SIZE, (250, 250, 250))
        frame.paste(CARD.resize((300, 200)), (10 + number, 10 + number))
        moving.append((frame, 80))
    assert is_seen([*decoys(6, milliseconds=900), *moving, *decoys(6, milliseconds=900, seed=1)])


def faint(opacity: int) -> Image.Image:
    """The card, so transparent that it is hardly seen, but complete for whoever drops the opacity."""
    drawn = draw_card(WEAPONS, (900, 600)).convert("RGBA")
    drawn.putalpha(opacity)
    return drawn


def shown_over_grey_only() -> Image.Image:
    """A strong random pattern hides the card over white and over black, and cancels out over mid grey."""
    size = (1200, 800)
    card = Image.new("RGBA", size, "white")
    card.alpha_composite(draw_card(WEAPONS, size, hidden_in="black"))
    message = card.convert("L").point([round(88 + level * 80 / 255) for level in range(256)])
    rng = random.Random(3)
    patches = Image.new("L", (24, 16))
    patches.putdata([rng.choice([2, 80]) for _ in range(24 * 16)])
    # Over white message + pattern, over black message - pattern, over mid grey the message alone.
    pattern = patches.resize(size, Image.Resampling.NEAREST)
    opacity = pattern.point([round(255 - 2 * level) for level in range(128)] + [0] * 128)
    colours = ImageChops.subtract(message, pattern)
    drawn = Image.merge("RGBa", (colours, colours, colours, opacity))
    return drawn.convert("RGBA")


@pytest.mark.parametrize("transparency", ["flatten", "keep"])
@pytest.mark.parametrize("formats", [("png",), ("jpeg", "webp"), ("avif",)])
@pytest.mark.parametrize("opacity", [3, 8, 15, 16, 24, 60])
def test_faint_picture_is_judged_or_not_published(
    opacity: int, formats: tuple[str, ...], transparency: Transparency
) -> None:
    result = rendered(
        saved(faint(opacity), "PNG"), specs({"same": 900, "half": 450}, formats, transparency=transparency)
    )
    assert recognised(result) or not is_published(result)
    assert len(result.proxies) <= (1 if transparency == "flatten" else 4)


@pytest.mark.parametrize("transparency", ["flatten", "keep"])
def test_picture_that_shows_over_mid_grey_only_is_judged_or_not_published(transparency: Transparency) -> None:
    drawn = shown_over_grey_only()
    assert [bool(read_card(view)) for view in views(drawn)][:3] == [False, False, True]
    result = rendered(saved(drawn, "PNG"), specs({"same": 1200}, ("png", "webp"), transparency=transparency))
    assert recognised(result) == (transparency == "keep")
    assert recognised(result) or not is_published(result)


@pytest.mark.parametrize("ink", ["white", "black"])
@pytest.mark.parametrize("transparency", ["flatten", "keep"])
def test_picture_in_ink_of_one_colour_is_judged_or_not_published(
    ink: Ink, transparency: Transparency
) -> None:
    drawn = draw_card(WEAPONS, (900, 600), hidden_in=ink)
    result = rendered(saved(drawn, "PNG"), specs({"same": 900}, ("png", "webp"), transparency=transparency))
    assert recognised(result) or not is_published(result)
    assert transparency == "flatten" or recognised(result)
