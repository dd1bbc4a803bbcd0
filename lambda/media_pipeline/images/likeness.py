"""The PDQ hashes by which a picture is compared with a hash list: those of an upload, and those of an entry.

An upload that is mirrored or evenly cropped has another hash, so an entry has the hashes of such pictures as well: they
are made once, and comparing with them costs next to nothing. Around an upload, a frame of one colour is left out once
more. Crops of one side, and captions beside a picture, are not found.
"""

import io
from collections.abc import Iterator
from typing import Final

from PIL import Image, ImageChops

from media_pipeline.images.pdq import LEAST_QUALITY, SIDE, Pdq, pdq

CROPS: Final = (0.015, 0.03, 0.045, 0.06, 0.08, 0.10)
"""Shares of each side that are cut off on all four sides."""
_TOLERANCE = 24
"""Levels of 255 by which a frame may differ from the colour of its corner: what an encoder makes of one colour."""
_LEAST_LEFT = 0.25
"""Of the area: where less is left, it is a small thing on a plain ground, and not a picture in a frame."""


def hashes(jpeg: bytes) -> tuple[Pdq, ...]:
    """Return the hashes of a JPEG without transparency that say something: of all of it, and without a plain frame."""
    with Image.open(io.BytesIO(jpeg)) as image:
        # Only brightness counts, and a hash needs few points: the decoder itself leaves the rest out.
        image.draft("L", (2 * SIDE, 2 * SIDE))
        brightness = image.convert("L")
    return _telling(picture for picture in (brightness, _framed(brightness)) if picture is not None)


def entry_hashes(image: Image.Image) -> tuple[Pdq, ...]:
    """Return the hashes of a picture that is put on a list: its own one first, then those of its variants.

    Empty where the picture has too little detail for a hash of its own to say anything.
    """
    brightness = image.convert("L")
    if pdq(brightness).quality < LEAST_QUALITY:
        return ()
    return _telling(_variants(brightness))


def _variants(image: Image.Image) -> Iterator[Image.Image]:
    for share in (0.0, *CROPS):
        across, down = int(image.width * share), int(image.height * share)
        cropped = image.crop((across, down, image.width - across, image.height - down))
        yield cropped
        yield cropped.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def _telling(pictures: Iterator[Image.Image]) -> tuple[Pdq, ...]:
    found = (pdq(picture) for picture in pictures)
    return tuple(dict.fromkeys(each for each in found if each.quality >= LEAST_QUALITY))


def _framed(image: Image.Image) -> Image.Image | None:
    """Return what is inside a frame of one colour; None without one."""
    ground = Image.new("L", image.size, image.getpixel((0, 0)))
    box = ImageChops.difference(image, ground).point(lambda level: 255 * (level > _TOLERANCE)).getbbox()
    if box is None or box == (0, 0, *image.size):
        return None
    left, top, right, bottom = box
    if (right - left) * (bottom - top) < _LEAST_LEFT * image.width * image.height:
        return None
    return image.crop(box)
