"""The pictures that Rekognition judges in place of the renditions: JPEGs within its bounds.

They show the largest rendition's picture, in colour even where renditions are grey, whole even where they are
cropped. Where transparency is kept, they show it over white, black and mid grey, over the background of JPEGs, and
without its opacity: a picture can be drawn so that it shows in one of these alone.

Whatever is published is judged at half its scale at least. Where the whole picture does not fit that, since it is very
tall or wide or takes too many bytes, the rendition that shows more is judged by itself, in tiles if need be; so is a
crop that shows only a small part of a long picture, which is a detail of it for the judge.
"""

import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from PIL import Image

from media_pipeline.images.rasters import Packed, Raster
from media_pipeline.images.sizes import WHITE, Colour, Target

MIN_SIDE = 80  # Rekognition: at least 80 px a side
MAX_SIDE = 10_000  # Rekognition: at most 10,000 px a side
MAX_BYTES = 5_242_880  # Rekognition: image bytes sent inline
LEAST_QUALITY = 70
"""A JPEG rendition of less is no fair picture of what a WebP or PNG beside it shows, nor of what was uploaded."""
LEAST_SCALE = 0.5
"""Of the scale at which a rendition is published: smaller, a detail could be seen there and not by the judge."""
LONG, LEAST_PART = 3.0, 0.25
"""Of a picture with sides further apart than LONG : 1, a crop that shows less than this part is judged by itself: it is
a detail of the whole."""
_QUALITY = 85
_LOWER_QUALITIES = (70, 55)
_SHRINK = 0.7
_OVERLAP = 8  # tiles share an eighth of a side, so that what lies across a border is whole in one of them
_BLACK, _MID_GREY = (0, 0, 0), (128, 128, 128)


def proxies(raster: Raster, background: Colour = WHITE) -> tuple[bytes, ...]:
    """Make the proxies of a picture that show all of it at LEAST_SCALE or more: one, or tiles of a very large picture.

    With transparency up to five of each. `background` is what JPEG renditions show behind it. Proxies that are equal
    are made once.
    """
    return tuple(
        dict.fromkeys(
            tile for image, behind in _appearances(raster, background) for tile in _tiles(image, behind)
        )
    )


def proxies_of_renditions(
    whole: Raster, targets: Iterable[Target], background: Colour = WHITE, *, encoded: bytes = b""
) -> tuple[bytes, ...]:
    """Make the proxies of a picture from which `targets` are made: of the whole, and of each that shows more.

    `whole` is the largest frame of them all, in colour, and `encoded` a JPEG that shows it as it is, if there is one
    already. That is one proxy unless the picture is very tall or wide, or so large that one JPEG cannot hold it.
    """
    if encoded:
        overview = [(encoded, 1.0)]
    else:
        overview = [_proxy(image, behind, 0.0) for image, behind in _appearances(whole, background)]
    least_part = LEAST_PART if max(whole.size) > LONG * min(whole.size) else 0.0
    judged = [_View(1.0, 1.0, min(scale for _, scale in overview))]
    made = [data for data, _ in overview]
    for view, target in sorted(
        ((_View.of(target, whole.size), target) for target in targets),
        key=lambda pair: (pair[0].across * pair[0].down, pair[0].scale),
        reverse=True,
    ):
        if any(known.shows(view, least_part) for known in judged):
            continue
        size = target.width, target.height
        made += proxies(whole.resized(size, target.window(*whole.size)), background)
        judged.append(_View(view.across, view.down, LEAST_SCALE * view.scale))
    return tuple(dict.fromkeys(made))


def fits(data: bytes, size: tuple[int, int]) -> bool:
    """Whether a JPEG of this size can be judged as it is."""
    return len(data) <= MAX_BYTES and min(size) >= MIN_SIDE and max(size) <= MAX_SIDE


class _View(NamedTuple):
    """The middle of a picture, `across` of its width and `down` of its height, at a scale."""

    across: float
    down: float
    scale: float

    @classmethod
    def of(cls, target: Target, whole: tuple[int, int]) -> "_View":
        """Return what a rendition shows; the scale is in pixels of the whole."""
        return cls(
            target.width / target.frame[0], target.height / target.frame[1], max(target.frame) / max(whole)
        )

    def shows(self, other: "_View", least_part: float) -> bool:
        """Whether all of another view can be seen in this one: large enough, and as that part of it at least."""
        return (
            other.across <= self.across
            and other.down <= self.down
            and other.across * other.down >= least_part * self.across * self.down
            and self.scale >= LEAST_SCALE * other.scale
        )


def _appearances(raster: Raster, background: Colour) -> Iterator[tuple[Image.Image, Colour]]:
    """Yield each way in which a picture can be shown, with the colour to pad it with."""
    if not raster.has_alpha:
        yield raster.opaque(), WHITE
        return
    for behind in dict.fromkeys((WHITE, _BLACK, _MID_GREY, background)):
        yield raster.over(behind).opaque(), behind
    yield raster.without_opacity().opaque(), _BLACK


def _tiles(image: Image.Image, background: Colour) -> Iterator[bytes]:
    """Yield JPEGs that show all of an image at LEAST_SCALE or more."""
    data, scale = _proxy(image, background, LEAST_SCALE)
    if scale >= LEAST_SCALE:
        yield data
        return
    width, height = image.size
    if width > height:
        reach = width // 2 + width // (2 * _OVERLAP)
        boxes = [(0, 0, reach, height), (width - reach, 0, width, height)]
    else:
        reach = height // 2 + height // (2 * _OVERLAP)
        boxes = [(0, 0, width, reach), (0, height - reach, width, height)]
    for box in boxes:
        yield from _tiles(image.crop(box), background)


def _proxy(image: Image.Image, background: Colour, least: float) -> tuple[bytes, float]:
    """Make the largest JPEG that can be judged, with its scale; where that is below `least`, none (b"" and 0)."""
    scale = min(1.0, MAX_SIDE / max(image.size))
    qualities: tuple[int, ...] = (_QUALITY, *_LOWER_QUALITIES)
    while scale >= least:
        scaled = _padded(_shrunk(image, scale) if scale < 1 else image, background)
        for quality in qualities:
            data = _jpeg(scaled, quality)
            if len(data) <= MAX_BYTES:
                return data, scale
        smaller = scale * _SHRINK
        scale = least if smaller < least < scale else smaller
        qualities = (_QUALITY,)
    return b"", 0.0


def _shrunk(image: Image.Image, scale: float) -> Image.Image:
    size = (max(1, int(image.width * scale)), max(1, int(image.height * scale)))
    return Packed(image).resized(size).opaque()


def _padded(image: Image.Image, background: Colour) -> Image.Image:
    size = max(MIN_SIDE, image.width), max(MIN_SIDE, image.height)
    if size == image.size:
        return image
    canvas = Image.new("RGB", size, background)
    canvas.paste(image.convert("RGB"), ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return canvas


def _jpeg(image: Image.Image, quality: int) -> bytes:
    image.info = {}
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
