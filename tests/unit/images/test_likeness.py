"""An entry's hashes find its picture in what people do to evade them, and find no other picture."""

import io
from collections.abc import Callable

import pytest
from PIL import Image, ImageOps

from media_pipeline.images.likeness import entry_hashes, hashes
from media_pipeline.images.pdq import ALIKE, LEAST_QUALITY, Pdq, pdq
from tests.unit.images.drawing import detailed

SEEDS = range(1, 6)


def jpeg(image: Image.Image, quality: int = 60) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def cropped(image: Image.Image, share: float) -> Image.Image:
    return ImageOps.crop(image, (int(image.width * share), int(image.height * share)) * 2)


def nearest(upload: bytes, entry: tuple[Pdq, ...]) -> int:
    return min(one.distance(other) for one in hashes(upload) for other in entry)


EVASIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "none": lambda image: image,
    "smaller": lambda image: image.resize((image.width // 3, image.height // 3)),
    "mirrored": ImageOps.mirror,
    "cropped by 2 %": lambda image: cropped(image, 0.02),
    "cropped by 7 %": lambda image: cropped(image, 0.07),
    "mirrored and cropped": lambda image: ImageOps.mirror(cropped(image, 0.05)),
    "in a black frame": lambda image: ImageOps.expand(image, 60, "black"),
    "in a white frame": lambda image: ImageOps.expand(image, 20, "white"),
}


@pytest.mark.parametrize("evasion", EVASIONS)
def test_an_entry_finds_its_picture_however_it_was_changed(evasion: str) -> None:
    for seed in SEEDS:
        image = detailed(900, 600, seed=seed)
        assert nearest(jpeg(EVASIONS[evasion](image)), entry_hashes(image)) <= ALIKE


def test_without_the_variants_a_mirrored_picture_would_not_be_found() -> None:
    for seed in SEEDS:
        image = detailed(900, 600, seed=seed)
        assert nearest(jpeg(ImageOps.mirror(image)), entry_hashes(image)[:1]) > ALIKE


def test_no_variant_comes_near_to_another_picture() -> None:
    pictures = [detailed(900, 600, seed=seed) for seed in SEEDS]
    entries = [entry_hashes(picture) for picture in pictures]
    for number, picture in enumerate(pictures):
        others = [entry for other, entry in enumerate(entries) if other != number]
        assert min(nearest(jpeg(picture), entry) for entry in others) > ALIKE + 20


def test_the_first_hash_of_an_entry_is_that_of_the_picture_and_all_say_something() -> None:
    image = detailed(900, 600)
    found = entry_hashes(image)
    assert found[0] == pdq(image)
    assert len(found) == len(set(found)) == 14
    assert all(each.quality >= LEAST_QUALITY for each in found)


def test_plain_pictures_have_no_hashes() -> None:
    plain = Image.new("RGB", (300, 200), (200, 60, 40))
    assert entry_hashes(plain) == ()
    assert hashes(jpeg(plain)) == ()


def test_a_small_thing_on_a_plain_ground_is_not_taken_for_a_picture_in_a_frame() -> None:
    canvas = Image.new("RGB", (900, 600), "white")
    canvas.paste(detailed(300, 200), (300, 200))
    assert len(hashes(jpeg(canvas))) <= 1


def test_a_large_jpeg_is_hashed_at_a_fraction_of_its_size_and_alike() -> None:
    image = detailed(2400, 1800)
    (found,) = hashes(jpeg(image, 85))
    assert found.distance(pdq(image)) <= 4
