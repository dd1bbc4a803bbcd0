"""Pictures that were drawn to show something else to the judge than to the public, held against what is judged.

What a moderation card says stands for what Rekognition would recognise.
"""

import random
from collections.abc import Iterator, Sequence

import pytest
from PIL import Image, ImageChops, ImageFilter

from embedded_aws.rekognition.cards import Ink, draw_card, read_card
from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.animation import JUDGED_FRAMES
from media_pipeline.images.renditions import Rendered
from media_pipeline.images.sizes import Transparency
from tests.fixtures.shares import first_quick
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


@pytest.mark.parametrize("format_name", first_quick("WEBP", "GIF", "PNG"))
@pytest.mark.parametrize("before", first_quick(30, 1))
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


@pytest.mark.parametrize("radius", first_quick(20, 2))
def test_blurred_first_and_last_frame_do_not_stand_for_the_sharp_picture(radius: int) -> None:
    blurred = CARD.filter(ImageFilter.GaussianBlur(radius))
    assert is_seen([(blurred, 20), *decoys(12), (CARD, 60_000), *decoys(1, seed=1), (blurred, 20)])


@pytest.mark.long
def test_picture_under_changing_grain_behind_a_blurred_frame_is_judged() -> None:
    blurred = CARD.filter(ImageFilter.GaussianBlur(8))
    grained = [Image.blend(CARD, Image.effect_noise(SIZE, 90).convert("RGB"), 0.12) for _ in range(30)]
    assert is_seen([(blurred, 20), *decoys(8), *((frame, 500) for frame in grained), *decoys(8, seed=1)])


@pytest.mark.parametrize("delay", [0, 10])
def test_frame_without_a_delay_counts_for_the_100_ms_that_browsers_show_it(delay: int) -> None:
    """100 of 700 ms; by the delays in the file it would be the shortest shown."""
    assert is_seen([*decoys(17), (CARD, delay), *decoys(13, seed=1)], "GIF")


@pytest.mark.long
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
@pytest.mark.parametrize("formats", first_quick(("jpeg", "webp"), ("png",), ("avif",)))
@pytest.mark.parametrize("opacity", first_quick(16, 3, 15, 60))
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


LONG_CROPS = {
    "xlarge": 3840,
    "large": 2048,
    "card": {"width": 400, "height": 300, "fit": "cover"},
    "small": 200,
}


def strip(size: tuple[int, int], *, noisy: bool = False) -> Image.Image:
    """A very tall or wide picture with the card in its middle, as large as its short side allows."""
    if noisy:
        picture = Image.effect_noise((200, 150), 250).convert("RGB").resize(size, Image.Resampling.NEAREST)
    else:
        picture = Image.new("RGB", size, (90, 120, 150))
    short = min(size)
    card = draw_card(WEAPONS, (short, short * 3 // 4) if size[0] < size[1] else (short * 4 // 3, short))
    picture.paste(card, ((size[0] - card.width) // 2, (size[1] - card.height) // 2))
    return picture


@pytest.mark.parametrize(
    ("size", "formats"),
    [((400, 65_000), ("jpeg", "webp")), ((30_000, 300), ("jpeg",)), ((300, 24_000), ("webp",))],
)
def test_crop_from_the_middle_of_a_very_long_picture_is_judged_by_itself(
    size: tuple[int, int], formats: tuple[str, ...]
) -> None:
    result = rendered(saved(strip(size), "PNG"), specs(LONG_CROPS, formats))
    assert recognised(result)
    assert len(result.proxies) == 2


@pytest.mark.parametrize("size", [(400, 8000), (5000, 300), (300, 24_000), (300, 1700)])
def test_crop_is_judged_by_itself_where_it_is_a_detail_of_a_long_picture(size: tuple[int, int]) -> None:
    result = rendered(saved(strip(size, noisy=True), "PNG"), specs(LONG_CROPS, ("jpeg", "webp")))
    assert recognised(result)
    assert len(result.proxies) == 2


@pytest.mark.parametrize(
    ("orientation", "stored"), [(6, Image.Transpose.ROTATE_90), (8, Image.Transpose.ROTATE_270)]
)
def test_crop_of_a_turned_long_picture_is_judged_upright(orientation: int, stored: Image.Transpose) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(strip((300, 24_000), noisy=True).transpose(stored), "JPEG", exif=exif.tobytes())
    assert recognised(rendered(data, specs({"card": {"width": 400, "height": 300, "fit": "cover"}})))


def test_crop_of_a_grey_rendition_is_judged_in_colour() -> None:
    wanted = specs(LONG_CROPS, ("jpeg",), grayscale=True)
    assert recognised(rendered(saved(strip((300, 24_000)), "PNG"), wanted))


def test_crop_with_transparency_that_is_kept_is_judged_in_every_way_it_can_be_shown() -> None:
    picture = Image.new("RGBA", (400, 21_000), (90, 120, 150, 255))
    picture.paste((0, 0, 0, 0), (0, 10_350, 400, 10_650))
    picture.alpha_composite(draw_card(WEAPONS, (400, 300), hidden_in="white"), (0, 10_350))
    result = rendered(saved(picture, "PNG"), specs(LONG_CROPS, ("webp",), transparency="keep"))
    assert recognised(result)


@pytest.mark.parametrize("size", [(1600, 1200), (1920, 1080), (1080, 1920), (2400, 800), (900, 900)])
def test_photograph_is_judged_once_whatever_its_crops(size: tuple[int, int]) -> None:
    crops = {
        f"{width}x{height}": {"width": width, "height": height, "fit": "cover"}
        for width, height in ((400, 300), (300, 400), (300, 300), (800, 450))
    }
    result = rendered(
        saved(Image.new("RGB", size, "teal")), specs({"large": 2048, **crops}, ("jpeg", "webp"))
    )
    assert len(result.proxies) == 1


def test_animation_that_is_longer_than_a_proxy_can_show_is_refused() -> None:
    frames = [Image.new("RGB", (40, 17_000), colour) for colour in ("red", "teal")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(RejectedError) as refused:
        rendered(data, specs(LONG_CROPS, ("webp",)))
    assert refused.value.reason is Reason.TOO_MANY_PIXELS
    assert len(rendered(data, specs(LONG_CROPS, ("jpeg",))).proxies) == 2
