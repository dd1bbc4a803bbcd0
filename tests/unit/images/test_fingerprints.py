"""Which frames of an animation count as the same picture."""

import pytest
from PIL import Image, ImageDraw, ImageFilter

from media_pipeline.images.fingerprints import Fingerprints
from tests.unit.images.drawing import detailed, photographic

SIZE = (480, 320)


def same(one: Image.Image, other: Image.Image) -> bool:
    fingerprints = taken(one, other)
    return list(fingerprints.same(0, [1])) == [1]


def taken(*frames: Image.Image) -> Fingerprints:
    fingerprints = Fingerprints(len(frames))
    for frame in frames:
        fingerprints.add(frame)
    return fingerprints


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "L", "RGB"])
def test_any_kind_of_picture_is_compared(mode: str) -> None:
    grey = Image.new("RGB", SIZE, (90, 90, 90))
    assert same(grey.convert("RGBA").convert(mode), grey)


def test_picture_is_the_same_under_the_noise_of_an_encoder() -> None:
    original = photographic(*SIZE)
    noisy = Image.blend(original, Image.effect_noise(SIZE, 64).convert("RGB"), 0.03)
    assert same(original, noisy)


def test_small_part_that_differs_is_another_picture() -> None:
    original = photographic(*SIZE)
    changed = original.copy()
    ImageDraw.Draw(changed).rectangle((200, 100, 208, 108), fill=(250, 20, 20))
    assert not same(original, changed)


def test_blurred_copy_is_another_picture() -> None:
    original = detailed(*SIZE)
    assert not same(original, original.filter(ImageFilter.GaussianBlur(4)))


def test_pattern_that_is_finer_than_the_fingerprint_is_another_picture_than_its_average() -> None:
    size = (1024, 1024)
    checks = Image.new("L", (2, 2))
    checks.putdata([28, 228, 228, 28])
    pattern = Image.new("L", size)
    for x in range(0, 1024, 2):
        pattern.paste(checks, (x, 0))
    for y in range(2, 1024, 2):
        pattern.paste(pattern.crop((0, 0, 1024, 2)), (0, y))
    assert not same(pattern, Image.new("L", size, 128))


def test_what_shows_only_through_transparency_is_another_picture() -> None:
    clear = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    inked = clear.copy()
    inked.paste((0, 0, 0, 255), (10, 10, 30, 30))
    assert not same(clear, inked)


def test_grain_makes_frames_alike_but_not_the_same() -> None:
    original = photographic(*SIZE)
    grained = [
        Image.blend(original, Image.effect_noise(SIZE, 128).convert("RGB"), 0.25),
        Image.blend(original, Image.effect_noise(SIZE, 128).convert("RGB"), 0.25),
    ]
    fingerprints = taken(*grained, detailed(*SIZE, seed=9))
    assert list(fingerprints.same(0, [1, 2])) == []
    assert list(fingerprints.alike(0, [1, 2])) == [1]
