"""From an uploaded picture to all that is published of it, and to what is judged before: pure, no S3, no clock."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from PIL import Image

from media_pipeline.concurrency import Together, one_by_one
from media_pipeline.images import pdq, placeholder
from media_pipeline.images.encoders import encode, quality_of
from media_pipeline.images.formats import FORMATS
from media_pipeline.images.inspection import Inspection
from media_pipeline.images.proxies import LEAST_QUALITY, fits, proxies, proxies_of_renditions
from media_pipeline.images.rasters import Packed, Raster
from media_pipeline.images.resize_plan import Frame, Plan, plan
from media_pipeline.images.sizes import Size, Specs, Target
from media_pipeline.images.stills import Pictures, pictures_of, published_roots, scaled
from media_pipeline.limits import Limits

if TYPE_CHECKING:
    from media_pipeline.images.animation import Film

T = TypeVar("T")
File = tuple[Target, str]
"""A picture in a format: what is encoded once, whatever sizes share it."""
MOST_PIXELS_AT_ONCE = 4096 * 4096
"""Of the largest picture up to which several are encoded at once: each encoder takes several bytes for each pixel."""
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
    pdq: str
    """Hash by which copies of the picture are found, in hexadecimal digits; of an animation's first frame."""
    pdq_quality: int
    """How much the hash says, from 0 to 100."""
    times: None = None
    """When the proxies are shown: they are not a video's frames."""
    many_scenes: bool = False
    """Whether there are many more distinct scenes than the proxies can show."""


class Judging:
    """How pictures are judged while others are still encoded; here they are not."""

    def begin(self, proxies: tuple[bytes, ...]) -> None:
        """Take all pictures to judge, as soon as they are made."""

    def check(self) -> None:
        """Raise the error with which judging has failed: what is left need not be encoded. Called before each file."""

    def encode(self, calls: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Make the calls, several at once where there are processors for them: see `concurrency.Together`."""
        return one_by_one(calls)


class _Made(NamedTuple):
    """What one call has made of a still."""

    files: Mapping[File, bytes]
    proxies: tuple[bytes, ...] = ()


_NOT_YET = Judging()


def render(
    data: bytes, inspection: Inspection, specs: Specs, limits: Limits, judging: Judging = _NOT_YET
) -> Rendered:
    """Make all renditions and proxies of an inspected picture, the proxies as early as possible.

    Raises RejectedError (corrupt, too_many_pixels) where the pixels are not what the header promised, and what
    `judging` raises. MemoryError is passed on: whose fault it is cannot be told here.
    """
    targets = {size: size.target(inspection.width, inspection.height) for size in specs.sizes}
    planned = plan(targets.values())
    film = _film(data, inspection, limits) if inspection.animated and "webp" in specs.formats else None
    if film is not None:
        film.check_sides()
    roots = published_roots(data, inspection, planned, specs, limits)
    if film is None:
        return _rendered(*_still(roots, planned, specs, judging), targets, specs)
    from media_pipeline.images.animation import animated

    made = pictures_of(roots, planned, specs)
    moving = animated(film, made.targets, planned.largest, specs, judging.begin, judging.check)
    webps = {(target, "webp"): webp for target, webp in moving.webps.items()}
    # The still ones show the first frame, which is among the judged.
    encoded = encode_stills(made, specs, webps, judging)
    return _rendered(made, {**webps, **encoded}, moving.proxies, targets, specs)


def render_frame(frame: Image.Image, specs: Specs) -> Rendered:
    """Make all renditions of a picture in RGB that needs no decoding, and its proxies: a frame of a video."""
    targets = {size: size.target(*frame.size) for size in specs.sizes}
    planned = plan(targets.values())
    whole = Packed(frame)
    made = pictures_of({root: whole.resized(root) for root in planned.roots}, planned, specs)
    return _rendered(made, encode_stills(made, specs), proxies(whole), targets, specs)


def _still(
    roots: Mapping[Frame, Raster], planned: Plan, specs: Specs, judging: Judging
) -> tuple[Pictures, dict[File, bytes], tuple[bytes, ...]]:
    """Make what is judged first, then all files, each size scaled when its turn comes.

    Where several are encoded at once, the caller's thread scales the next size meanwhile.
    """
    whole = roots[planned.largest]
    largest = _largest_jpeg(whole, planned.parents, specs)
    targets: dict[Target, Raster] = {}
    encoded: dict[File, bytes] = {}
    judged: tuple[bytes, ...] = ()

    def pictures() -> Iterator[tuple[Target, Raster]]:
        for target, raster in scaled(roots, planned, specs):
            targets[target] = raster
            yield target, raster

    def calls() -> Iterator[Callable[[], _Made]]:
        yield partial(_made_to_judge, whole, largest, planned.parents, specs)
        yield from _encoders(pictures(), specs, {largest}, judging)

    for made in _at_once(whole, judging)(calls()):
        encoded |= made.files
        if made.proxies:
            judged = made.proxies
            judging.begin(judged)
    return Pictures(whole, targets), encoded, judged


def _rendered(
    made: Pictures,
    encoded: Mapping[File, bytes],
    judged: tuple[bytes, ...],
    targets: dict[Size, Target],
    specs: Specs,
) -> Rendered:
    small = placeholder.small_picture(_smallest(made, lambda raster: max(raster.size) >= placeholder.SIDE))
    look = pdq.pdq(_smallest(made, lambda raster: min(raster.size) >= pdq.SIDE).opaque())
    return Rendered(
        renditions=tuple(
            _rendition(size, target, name, encoded[target, name])
            for size, target in targets.items()
            for name in specs.formats
        ),
        proxies=judged,
        placeholder=placeholder.thumbhash(small),
        dominant_colour=placeholder.dominant_colour(small),
        pdq=look.hex,
        pdq_quality=look.quality,
    )


def encode_stills(
    made: Pictures,
    specs: Specs,
    done: Mapping[File, bytes] = MappingProxyType({}),
    judging: Judging = _NOT_YET,
) -> dict[File, bytes]:
    """Encode each distinct picture once in every format, but for those that are `done`."""
    encoders = _encoders(made.targets.items(), specs, done.keys(), judging)
    return {
        file: data for part in _at_once(made.whole, judging)(encoders) for file, data in part.files.items()
    }


def _encoders(
    pictures: Iterable[tuple[Target, Raster]], specs: Specs, done: Collection[File | None], judging: Judging
) -> Iterator[Callable[[], _Made]]:
    """Yield a call for each file that is not `done`, in the order of the pictures."""
    formats = sorted(specs.formats, key=lambda name: name == "jpeg")  # what takes longest first
    for target, raster in pictures:
        for name in formats:
            judging.check()
            if (target, name) not in done:
                yield partial(_encoded, raster, (target, name), specs)


def _at_once(whole: Raster, judging: Judging) -> Together:
    """Return what makes the calls of one picture, of which `whole` is the largest size."""
    is_large = whole.size[0] * whole.size[1] > MOST_PIXELS_AT_ONCE
    return one_by_one if is_large else judging.encode


def _encoded(raster: Raster, file: File, specs: Specs) -> _Made:
    return _Made({file: encode(raster, file[1], specs.quality, specs.background, specs.xmp)})


def _largest_jpeg(whole: Raster, targets: Iterable[Target], specs: Specs) -> File | None:
    """Return the largest JPEG rendition where it shows all that has to be judged, so that it can be its proxy."""
    target = Target(*whole.size, whole.size)
    if target not in targets or "jpeg" not in specs.formats or specs.grayscale or whole.has_alpha:
        return None
    return target, "jpeg"


def _made_to_judge(whole: Raster, largest: File | None, targets: Iterable[Target], specs: Specs) -> _Made:
    """Make the proxies of a still, and the largest JPEG rendition where that can be one of them."""
    files = {} if largest is None else _encoded(whole, largest, specs).files
    return _Made(files, _proxies(whole, targets, files, specs))


def _film(data: bytes, inspection: Inspection, limits: Limits) -> "Film":
    # Imported when the first animation comes: no other picture needs it, and it would lengthen each cold start.
    from media_pipeline.images.animation import Film

    return Film(data, inspection, limits)


def _proxies(
    whole: Raster, targets: Iterable[Target], encoded: Mapping[File, bytes], specs: Specs
) -> tuple[bytes, ...]:
    """Make the proxies of a still; the largest JPEG rendition itself where it shows all: that costs no encoding."""
    data = encoded.get((Target(*whole.size, whole.size), "jpeg"), b"")
    is_fair = quality_of("jpeg", specs.quality) >= LEAST_QUALITY
    if not (is_fair and fits(data, whole.size)):
        data = b""
    return proxies_of_renditions(whole, targets, specs.background, encoded=data)


def _smallest(made: Pictures, is_enough: Callable[[Raster], bool]) -> Raster:
    """Return the uncropped picture with the fewest pixels that are enough; the largest size where none has as many."""
    enough = [raster for target, raster in made.targets.items() if not target.cropped and is_enough(raster)]
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
