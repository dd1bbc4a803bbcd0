"""Animations: kept as WebP, with one frame in memory at a time, and judged by the frames that are shown longest."""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images import colour
from media_pipeline.images.decoding import check_pixels, decoding
from media_pipeline.images.encoders import WEBP_FASTEST_METHOD, WEBP_METHOD, quality_of
from media_pipeline.images.fingerprints import Fingerprints
from media_pipeline.images.inspection import Inspection
from media_pipeline.images.memory_estimate import check_memory
from media_pipeline.images.opening import open_picture
from media_pipeline.images.proxies import proxies
from media_pipeline.images.rasters import Packed, Raster
from media_pipeline.images.resize_plan import Frame
from media_pipeline.images.sampling import choose
from media_pipeline.images.sizes import MAX_EDGE, Specs, Target
from media_pipeline.images.source_profile import profile_of
from media_pipeline.images.stills import develop, publishable
from media_pipeline.limits import Limits

T = TypeVar("T")
JUDGED_FRAMES = 8
"""Frames that Rekognition is shown of an animation: each is billed."""
_MANY_PIXELS = 25_000_000
"""Of all frames of a rendition: with more, they are encoded as fast as the encoder can, lest they take all the time."""
_VP8X_FLAGS, _VP8X_ALPHA = 20, 0x10  # where a WebP file's flags stand, and the one for transparency
_FASTEST, _DEFAULT = 10, 100  # ms: browsers show frames that want to last 10 ms or less for 100 ms


@dataclass(frozen=True)
class Film:
    """An animated picture, and how its decoded frames become pictures."""

    data: bytes
    inspection: Inspection
    limits: Limits

    def check_sides(self) -> None:
        """Refuse a film with a side that no WebP can have.

        So each judged frame fits into one proxy, whole and at more than half of its scale.
        Raises RejectedError: too_many_pixels.
        """
        width, height = self.inspection.width, self.inspection.height
        if max(width, height) > MAX_EDGE:
            raise RejectedError(
                Reason.TOO_MANY_PIXELS,
                f"{width} x {height} pixels; an animation may have {MAX_EDGE:,} a side",
            )

    def frames(self, make: Callable[[Image.Image, Packed], T]) -> Iterator[T]:
        """Yield what `make` makes of each frame: as the decoder shows it, and as pixels that can be scaled.

        The pixels are nobody else's, and gone when the next frame is decoded: they may be used up, but not kept.
        Raises RejectedError: corrupt, too_many_pixels.
        """
        image = open_picture(self.data, self.inspection.content_type, self.limits)
        check_memory(image, self.inspection, self.limits)
        for number in range(self.inspection.frames):
            with decoding(self.limits):
                image.seek(number)
                image.load()
            check_pixels(*image.size, self.limits)
            yield make(image, Packed(self._own_pixels(image)))

    def _own_pixels(self, image: Image.Image) -> Image.Image:
        with decoding(self.limits):
            pixels = colour.normalised(image)
        # The decoder goes on to draw over its own picture, so that one is not ours to change.
        pixels = pixels.copy() if pixels is image else pixels
        pixels.info = {}
        return pixels

    def rasters(self, frame: Frame) -> Iterator[Raster]:
        """Yield each frame scaled to `frame`, in sRGB and turned."""
        return self.frames(lambda image, pixels: develop(pixels, frame, self.inspection, profile_of(image)))


@dataclass(frozen=True)
class Survey:
    """How a film plays, and the frames of it to judge."""

    durations: tuple[int, ...]
    """Milliseconds for which browsers show each frame that is played."""
    loop: int
    """How often it plays, 0 for ever."""
    skipped: int
    """Frames in front that are not played: an APNG's picture for viewers that cannot play it. They are judged too."""
    judged: frozenset[int]
    """Numbers of the frames to judge."""


@dataclass(frozen=True)
class Animated:
    """A film in every size that is published, and its frames to judge in the largest of them."""

    webps: dict[Target, bytes]
    proxies: tuple[bytes, ...]
    """JPEGs for Rekognition."""


def animated(
    film: Film,
    targets: Iterable[Target],
    largest: Frame,
    specs: Specs,
    on_proxies: Callable[[tuple[bytes, ...]], None] = lambda _: None,
    before_each: Callable[[], None] = lambda: None,
) -> Animated:
    """Encode the film for each target; at least one of them has the frame `largest`, in which it is judged.

    The proxies are made while the largest rendition is encoded: decoding the film once more for them would take up to a
    third longer. `on_proxies` is called with them before the others are encoded, `before_each` before each film.
    Raises RejectedError: corrupt, too_many_pixels.
    """
    played = survey(film)
    judged: list[bytes] = []
    webps: dict[Target, bytes] = {}
    for target in sorted(targets, key=lambda target: target.frame != largest):
        before_each()
        keeps = not webps
        webps[target] = _animated_webp(film, played, target, specs, judged if keeps else None)
        if keeps:
            on_proxies(tuple(dict.fromkeys(judged)))
    return Animated(webps, tuple(dict.fromkeys(judged)))


def survey(film: Film) -> Survey:
    """Walk through the film.

    Raises RejectedError: corrupt, too_many_pixels.
    """
    durations: list[int] = []
    fingerprints = Fingerprints(film.inspection.frames)
    loop, skipped = 0, 0

    def look(image: Image.Image, pixels: Packed) -> None:
        nonlocal loop, skipped
        number = image.tell()
        if number == 0:
            loop = _loop(image)
            skipped = int(bool(getattr(image, "default_image", False)))
        if number >= skipped:
            duration = round(float(image.info.get("duration") or 0))
            durations.append(duration if duration > _FASTEST else _DEFAULT)
            fingerprints.add(pixels.premultiplied())

    for _ in film.frames(look):
        pass
    chosen = choose(
        durations,
        JUDGED_FRAMES - skipped,
        same=fingerprints.same,
        alike=fingerprints.alike,
        difference=fingerprints.difference,
    )
    judged = frozenset({*range(skipped), *(number + skipped for number in chosen)})
    return Survey(tuple(durations), loop, skipped, judged)


def _animated_webp(
    film: Film, played: Survey, target: Target, specs: Specs, judged: list[bytes] | None
) -> bytes:
    """Encode the whole film in the target's size; add the proxies of its frames to judge to `judged`, if given."""
    pixels = target.width * target.height * film.inspection.frames
    reel = _Reel(_shown(film, played, target, specs, judged), film.inspection.frames - played.skipped)
    out = io.BytesIO()
    reel.save(
        out,
        "WEBP",
        save_all=True,
        duration=list(played.durations),
        loop=played.loop,
        quality=quality_of("webp", specs.quality),
        method=WEBP_METHOD if pixels <= _MANY_PIXELS else WEBP_FASTEST_METHOD,
        **({} if specs.xmp is None else {"xmp": specs.xmp}),
    )
    return _announcing_alpha(out.getvalue()) if reel.has_alpha else out.getvalue()


def _announcing_alpha(webp: bytes) -> bytes:
    """Set the file's flag for transparency, which libwebp forgets where it cut the clear borders off all frames.

    Without it, viewers are free to show black there.
    """
    if webp[12:16] != b"VP8X":
        return webp
    return webp[:_VP8X_FLAGS] + bytes([webp[_VP8X_FLAGS] | _VP8X_ALPHA]) + webp[_VP8X_FLAGS + 1 :]


def _shown(
    film: Film, played: Survey, target: Target, specs: Specs, judged: list[bytes] | None
) -> Iterator[Image.Image]:
    for number, raster in enumerate(film.rasters(target.frame)):
        if judged is not None and number in played.judged:
            judged += proxies(publishable(raster, specs), specs.background)
        if number < played.skipped:
            continue
        if target.cropped:
            raster = raster.resized((target.width, target.height), target.window(*raster.size))
        raster = publishable(raster, specs)
        yield (raster.grey() if specs.grayscale else raster).image()


def _loop(image: Image.Image) -> int:
    """How often the animation plays, 0 for ever; a GIF counts repetitions, and plays once where it says nothing."""
    loop = image.info.get("loop")
    if image.format == "GIF":
        return 1 if loop is None else int(loop) and int(loop) + 1
    return int(loop or 0)


class _Reel(Image.Image):
    """Frames as Pillow's encoder of animations takes them, made one at a time as it asks for them.

    A list of frames would hold all of them in memory at once, and the encoder turns any iterable into a list.
    """

    def __init__(self, frames: Iterator[Image.Image], count: int) -> None:
        super().__init__()
        self._frames = frames
        self._position = -1
        self.n_frames = count
        self.has_alpha = False
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Go on to a frame; going back, which the encoder does when it is done, is not needed."""
        while self._position < frame:
            picture = next(self._frames)
            picture = picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB")
            self.has_alpha |= picture.mode == "RGBA"
            self._mode, self._size, self.im = picture.mode, picture.size, picture.im
            self._position += 1

    def tell(self) -> int:
        """Return the number of the frame that is shown."""
        return self._position
