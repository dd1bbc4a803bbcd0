"""From an uploaded picture to all that is published of it, and to what is judged before: pure, no S3, no clock."""

import hashlib
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from media_pipeline.images import placeholder
from media_pipeline.images.encoders import encode, quality_of
from media_pipeline.images.formats import FORMATS
from media_pipeline.images.inspection import Inspection
from media_pipeline.images.proxies import LEAST_QUALITY, fits, proxies, proxies_of_renditions
from media_pipeline.images.rasters import Packed, Raster
from media_pipeline.images.resize_plan import plan
from media_pipeline.images.sizes import Size, Specs, Target
from media_pipeline.images.stills import Pictures, pictures, pictures_of
from media_pipeline.limits import Limits

if TYPE_CHECKING:
    from media_pipeline.images.animation import Film

__all__ = ["Rendered", "Rendition", "Size", "Specs", "encode_stills", "render", "render_frame"]


@dataclass(frozen=True, kw_only=True)
class Rendition:
    """One published file."""

    name: str
    format: str
    content_type: str
    extension: str
    width: int
    height: int
    data: bytes

    @property
    def length(self) -> int:
        """Bytes."""
        return len(self.data)

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    def opened(self) -> AbstractContextManager[bytes]:
        """Give the bytes as they are put."""
        return nullcontext(self.data)


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """Everything made of one uploaded picture."""

    renditions: tuple[Rendition, ...]
    """One for every size x format, in the order of the configuration; equal pictures share their bytes."""
    proxies: tuple[bytes, ...]
    """JPEGs for Rekognition (its bounds are kept): what is published must be what these show."""
    placeholder: str
    """ThumbHash, base64."""
    dominant_colour: str
    """"#rrggbb"."""
    times: None = None
    """When the proxies are shown: they are not a video's frames."""
    many_scenes: bool = False
    """Whether there are many more distinct scenes than the proxies can show."""


def render(data: bytes, inspection: Inspection, specs: Specs, limits: Limits) -> Rendered:
    """Make all renditions and proxies of an inspected picture.

    Raises RejectedError (corrupt, too_many_pixels) where the pixels are not what the header promised. MemoryError
    is passed on: whose fault it is cannot be told here.
    """
    targets = {size: size.target(inspection.width, inspection.height) for size in specs.sizes}
    planned = plan(targets.values())
    film = _film(data, inspection, limits) if inspection.animated and "webp" in specs.formats else None
    if film is not None:
        film.check_sides()
    made = pictures(data, inspection, planned, specs, limits)
    encoded = encode_stills(made, specs)
    judged: tuple[bytes, ...]
    if film is not None:
        from media_pipeline.images.animation import animated

        moving = animated(film, made.targets, planned.largest, specs)
        encoded |= {(target, "webp"): webp for target, webp in moving.webps.items()}
        # The still ones show the first frame, which is among the judged.
        judged = moving.proxies
    else:
        judged = _proxies(made, encoded, specs)
    return _rendered(made, encoded, judged, targets, specs)


def render_frame(frame: Image.Image, specs: Specs) -> Rendered:
    """Make all renditions of a picture in RGB that needs no decoding, and its proxies: a frame of a video."""
    targets = {size: size.target(*frame.size) for size in specs.sizes}
    planned = plan(targets.values())
    whole = Packed(frame)
    made = pictures_of({root: whole.resized(root) for root in planned.roots}, planned, specs)
    return _rendered(made, encode_stills(made, specs), proxies(whole), targets, specs)


def _rendered(
    made: Pictures,
    encoded: dict[tuple[Target, str], bytes],
    judged: tuple[bytes, ...],
    targets: dict[Size, Target],
    specs: Specs,
) -> Rendered:
    small = placeholder.small_picture(_smallest(made))
    return Rendered(
        renditions=tuple(
            _rendition(size, target, name, encoded[target, name])
            for size, target in targets.items()
            for name in specs.formats
        ),
        proxies=judged,
        placeholder=placeholder.thumbhash(small),
        dominant_colour=placeholder.dominant_colour(small),
    )


def encode_stills(made: Pictures, specs: Specs) -> dict[tuple[Target, str], bytes]:
    """Encode each distinct picture once in every format."""
    return {
        (target, name): encode(raster, name, specs.quality, specs.background)
        for target, raster in made.targets.items()
        for name in specs.formats
    }


def _film(data: bytes, inspection: Inspection, limits: Limits) -> "Film":
    # Imported when the first animation comes: no other picture needs it, and it would lengthen each cold start.
    from media_pipeline.images.animation import Film

    return Film(data, inspection, limits)


def _proxies(made: Pictures, encoded: dict[tuple[Target, str], bytes], specs: Specs) -> tuple[bytes, ...]:
    """Make the proxies of a still; the largest JPEG rendition itself where it shows all: that costs no encoding."""
    size = made.whole.size
    whole = Target(*size, size)
    data = encoded.get((whole, "jpeg"), b"")
    is_fair = quality_of("jpeg", specs.quality) >= LEAST_QUALITY
    if not (is_fair and fits(data, size)) or specs.grayscale or made.whole.has_alpha:
        data = b""
    return proxies_of_renditions(made.whole, made.targets, specs.background, encoded=data)


def _smallest(made: Pictures) -> Raster:
    """Return the uncropped picture with the fewest pixels that are enough for the placeholder."""
    enough = [
        raster
        for target, raster in made.targets.items()
        if not target.cropped and max(raster.size) >= placeholder.SIDE
    ]
    return min(enough, key=lambda raster: raster.size, default=made.whole)


def _rendition(size: Size, target: Target, format_name: str, data: bytes) -> Rendition:
    known = FORMATS[format_name]
    return Rendition(
        name=size.name,
        format=format_name,
        content_type=known.content_type,
        extension=known.extension,
        width=target.width,
        height=target.height,
        data=data,
    )
