"""Animations are kept as WebP, frame by frame, and judged by frames from first to last."""

import struct
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image, ImageSequence

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.animation import JUDGED_FRAMES, Film
from media_pipeline.images.containers import gif
from media_pipeline.images.inspection import inspect
from media_pipeline.images.rasters import Packed
from media_pipeline.limits import Limits
from tests.unit.images.drawing import LIMITS, detailed, opened, pixel, rendered, saved, specs
from tests.unit.images.profiles import ADOBE_RGB, rgb_profile

COLOURS = [(200, 0, 0), (0, 160, 0), (0, 0, 200), (220, 220, 0), (0, 200, 200)]


def film(
    format_name: str = "GIF", count: int = 5, *, size: tuple[int, int] = (320, 200), **options: object
) -> bytes:
    frames = [Image.new("RGB", size, COLOURS[number % len(COLOURS)]) for number in range(count)]
    for number, frame in enumerate(frames):
        # Without a mark of its own a frame like the one before would be merged with it by the encoder.
        frame.paste((number * 9 % 256, 128, 255 - number * 7 % 256), (0, 0, 20 + number, 20))
    lossless = {"lossless": True} if format_name == "WEBP" else {}
    return saved(
        frames[0],
        format_name,
        **({"save_all": True, "append_images": frames[1:], "duration": 120, "loop": 0} | lossless | options),
    )


def frames_of(data: bytes) -> list[tuple[tuple[int, ...], int]]:
    """Colour in the middle and duration of each frame."""
    image = opened(data)
    frames = []
    for frame in ImageSequence.Iterator(image):
        frame.load()
        rgb = frame.convert("RGB")
        frames.append((pixel(rgb, (rgb.width // 2, rgb.height // 2)), round(float(frame.info["duration"]))))
    return frames


def close(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 12


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_animation_is_kept_in_webp_and_its_first_frame_elsewhere(format_name: str) -> None:
    data = film(format_name)
    assert inspect(data, LIMITS).frames == 5
    result = rendered(data, specs({"large": 320, "small": 160}, ("jpeg", "png", "webp", "avif")))
    assert len(result.renditions) == 8
    for made in result.renditions:
        image = opened(made.data)
        assert image.size == (made.width, made.height)
        if made.format == "webp":
            frames = frames_of(made.data)
            assert [duration for _, duration in frames] == [120] * 5
            assert all(close(found, wanted) for (found, _), wanted in zip(frames, COLOURS, strict=True))
        else:
            assert getattr(image, "n_frames", 1) == 1
            assert close(pixel(image.convert("RGB"), (image.width // 2, image.height // 2)), COLOURS[0])


def test_frames_that_change_a_part_are_kept_whole() -> None:
    frames = [Image.new("RGB", (200, 100), "white") for _ in range(3)]
    for number, frame in enumerate(frames):
        frame.paste((0, 0, 0), (10 + 60 * number, 40, 30 + 60 * number, 60))
    data = saved(
        frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[50, 100, 200], optimize=True
    )
    result = rendered(data, specs({"same": 200}, ("webp",)))
    made = result.renditions[0].data
    assert [duration for _, duration in frames_of(made)] == [50, 100, 200]
    image = opened(made)
    for number in range(3):
        image.seek(number)
        levels = [pixel(image.convert("L"), (20 + 60 * other, 50))[0] for other in range(3)]
        assert [level < 128 for level in levels] == [other == number for other in range(3)]


@pytest.mark.parametrize(("given", "kept"), [(0, 100), (10, 100), (20, 20), (1000, 1000)])
def test_frames_without_a_duration_last_as_long_as_browsers_show_them(given: int, kept: int) -> None:
    result = rendered(film(duration=given), specs({"same": 320}, ("webp",)))
    assert {duration for _, duration in frames_of(result.renditions[0].data)} == {kept}


@pytest.mark.parametrize(("options", "plays"), [({"loop": 0}, 0), ({"loop": 2}, 3), ({"loop": None}, 1)])
def test_animation_plays_as_often_as_the_original(options: dict[str, object], plays: int) -> None:
    result = rendered(film(**options), specs({"same": 320}, ("webp",)))  # type: ignore[arg-type]
    assert opened(result.renditions[0].data).info["loop"] == plays


def test_picture_for_viewers_that_cannot_play_is_no_frame_but_is_judged() -> None:
    data = film("PNG", default_image=True)
    result = rendered(data, specs({"same": 320}, ("webp", "jpeg")))
    assert len(frames_of(result.renditions[0].data)) == 4
    assert len(result.proxies) == 5


def transparent_film() -> bytes:
    """Three frames whose left half is coloured, and whose right half is clear."""
    frames = []
    for colour in COLOURS[:3]:
        frame = Image.new("RGBA", (200, 100), (255, 255, 255, 0))
        frame.paste((*colour, 255), (0, 0, 100, 100))
        frames.append(frame)
    return saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=90, lossless=True)


def test_transparent_animation_is_flattened_and_each_frame_judged_once() -> None:
    result = rendered(transparent_film(), specs({"same": 200}, ("webp",), background=(0, 90, 200)))
    image = opened(result.renditions[0].data)
    assert image.mode == "RGB"
    assert close(pixel(image, (150, 50)), (0, 90, 200))
    assert len(result.proxies) == 3
    assert all(close(pixel(opened(proxy), (150, 50)), (0, 90, 200)) for proxy in result.proxies)


def test_transparent_animation_may_keep_its_transparency_and_is_judged_over_white_black_and_grey() -> None:
    result = rendered(transparent_film(), specs({"same": 200}, ("webp",), transparency="keep"))
    made = opened(result.renditions[0].data)
    assert made.convert("RGBA").getpixel((150, 50)) == (0, 0, 0, 0)
    # Without its opacity it is as over black.
    assert len(result.proxies) == 9
    backgrounds = {pixel(opened(proxy), (150, 50)) for proxy in result.proxies}
    assert backgrounds == {(255, 255, 255), (0, 0, 0), (128, 128, 128)}


def test_grey_animation_is_judged_in_colour() -> None:
    result = rendered(film(), specs({"same": 320}, ("webp",), grayscale=True))
    for colour, _ in frames_of(result.renditions[0].data):
        assert max(colour) - min(colour) <= 4
    assert close(pixel(opened(result.proxies[0]), (160, 100)), COLOURS[0])


def test_animation_is_cropped_but_judged_whole() -> None:
    card = {"width": 100, "height": 100, "fit": "cover"}
    result = rendered(film(), specs({"card": card}, ("webp",)))
    assert opened(result.renditions[0].data).size == (100, 100)
    assert opened(result.proxies[0]).size == (160, 100)


def test_frames_of_an_animation_have_the_configured_quality() -> None:
    frames = [detailed(320, 200, seed=number) for number in (1, 2)]
    data = saved(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=120)
    small, middle, large = (
        len(rendered(data, specs({"same": 320}, ("webp",), quality=quality)).renditions[0].data)
        for quality in (30, 60, 90)
    )
    assert small < middle < large


def test_colours_of_an_animation_are_converted() -> None:
    profile = rgb_profile(ADOBE_RGB, 2.2)
    data = film("WEBP", icc_profile=profile)
    frames = frames_of(rendered(data, specs({"same": 320}, ("webp",))).renditions[0].data)
    assert frames[0][0][0] > COLOURS[0][0] + 15, "Adobe's red is redder than sRGB's"


def test_without_webp_only_the_published_frame_is_judged() -> None:
    result = rendered(film(), specs({"same": 320}, ("jpeg",)))
    assert len(result.proxies) == 1
    assert close(pixel(opened(result.proxies[0]), (160, 100)), COLOURS[0])


@pytest.mark.parametrize("odd", range(30))
def test_the_one_frame_that_differs_is_judged_wherever_it_stands(odd: int) -> None:
    frames = [Image.new("RGB", (160, 100), (90, 90, 90 + number)) for number in range(30)]
    frames[odd].paste((200, 30, 30), (70, 40, 90, 60))
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=50)
    judged = [
        pixel(opened(proxy), (80, 50)) for proxy in rendered(data, specs({"same": 160}, ("webp",))).proxies
    ]
    assert len(judged) == JUDGED_FRAMES
    assert any(red > 150 and green < 80 for red, green, _ in judged)


def test_frames_are_judged_up_to_the_budget() -> None:
    assert len(rendered(film(count=30), specs({"same": 320}, ("webp",))).proxies) == JUDGED_FRAMES


def test_frames_that_look_alike_are_judged_once() -> None:
    frames = [Image.new("RGB", (160, 100), colour) for colour in (COLOURS[0], COLOURS[1]) * 3]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=50)
    assert inspect(data, LIMITS).frames == 6
    assert len(rendered(data, specs({"same": 160}, ("webp",))).proxies) == 2


@pytest.mark.parametrize("format_name", ["GIF", "PNG", "WEBP"])
def test_too_many_frames_are_refused_from_the_header(format_name: str) -> None:
    data = film(format_name, 9, size=(64, 64))
    assert inspect(data, Limits(frames=9)).frames == 9
    with pytest.raises(RejectedError) as refused:
        inspect(data, Limits(frames=8))
    assert refused.value.reason is Reason.TOO_MANY_FRAMES


def test_frames_and_pixels_have_a_budget_together() -> None:
    data = film(count=9, size=(100, 100))
    assert inspect(data, Limits(pixels=45_000)).frames == 9
    with pytest.raises(RejectedError) as refused:
        inspect(data, Limits(pixels=44_999))
    assert refused.value.reason is Reason.TOO_MANY_PIXELS


def test_animation_of_avif_may_have_half_as_many_pixels() -> None:
    data = film("AVIF", count=4, size=(100, 100))
    assert inspect(data, Limits(pixels=40_000)).frames == 4
    with pytest.raises(RejectedError, match="image/avif") as refused:
        inspect(data, Limits(pixels=39_999))
    assert refused.value.reason is Reason.TOO_MANY_PIXELS


def test_animation_that_breaks_off_is_corrupt() -> None:
    data = film(count=5)
    with pytest.raises(RejectedError) as refused:
        rendered(data[: len(data) * 3 // 4], specs({"same": 320}, ("webp",)))
    assert refused.value.reason is Reason.CORRUPT


def test_gif_frames_are_counted_without_decoding() -> None:
    for count in (1, 2, 7):
        assert len(gif.read(film(count=count), 100).frames) == count
    assert len(gif.read(film(count=7), 3).frames) == 4, "one more tells that there are too many"
    bomb = b"GIF89a" + struct.pack("<HH", 1, 1) + b"\0\0\0" + (b"," + b"\0" * 9 + b"\x02\x00") * 500_000
    assert len(gif.read(bomb, 201).frames) == 202


def test_pictures_of_a_film_are_in_memory_one_at_a_time() -> None:
    """200 frames of 640 x 400 are 205 MB as pixels; the encoder must not be handed them all at once."""
    data = film(count=60, size=(640, 400))
    alive, most = 0, 0
    original = Image.Image.resize

    def counting(self: Image.Image, *args: object, **kwargs: object) -> Image.Image:
        nonlocal alive, most
        made = original(self, *args, **kwargs)  # type: ignore[arg-type]
        alive += 1
        most = max(most, alive)

        def gone() -> None:
            nonlocal alive
            alive -= 1

        weakref.finalize(made, gone)
        return made

    Image.Image.resize = counting  # type: ignore[method-assign]
    try:
        rendered(data, specs({"small": 320}, ("webp",)))
    finally:
        Image.Image.resize = original  # type: ignore[method-assign]
    assert most < 20


def test_film_is_decoded_once_for_each_size_and_once_to_choose_what_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passes: list[int] = []
    real = Film.frames

    def frames(self: Film, make: Callable[[Image.Image, Packed], Any]) -> Iterator[Any]:
        passes.append(len(passes))
        return real(self, make)

    monkeypatch.setattr(Film, "frames", frames)
    result = rendered(film("PNG", 12), specs({"large": 320, "small": 160, "same": 4000}, ("webp",)))
    assert len(result.proxies) == JUDGED_FRAMES
    assert len(passes) == 1 + 2, "two of the sizes are equal"
