"""What an uploaded picture is, from its header alone: the limits are judged before any pixel is decoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from PIL import Image
from PIL.ExifTags import IFD, Base

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images.decoding import decoding
from media_pipeline.images.opening import open_picture
from media_pipeline.images.sniffing import HEAD_BYTES, Kind, sniff
from media_pipeline.limits import Limits

__all__ = ["HEAD_BYTES", "Inspection", "Kind", "Limits", "inspect", "sniff"]

_ANIMATED_TYPES = frozenset({"image/gif", "image/png", "image/webp", "image/avif"})
"""What can move. Pages of a TIFF and further pictures of an MPO or HEIC are no frames: the first one is meant."""
_DECODING_COST = {"image/avif": 2}
"""Content type -> how many times the CPU of other animations' frames its frames take."""
_SWAPS_SIDES = frozenset({5, 6, 7, 8})
_EXIF_TEXT = 100


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Facts of a picture's header; width and height as it is to be shown, that is oriented."""

    content_type: str
    width: int
    height: int
    orientation: int
    """EXIF's 1 to 8: what is still to be done to the decoded pixels."""
    mode: str
    """Pillow's name of the stored pixels' kind."""
    has_alpha: bool
    """Whether the header announces transparency."""
    frames: int
    exif: Mapping[str, str]
    """`camera` and `taken_at` (ISO 8601, local time of the camera) where known; never a place."""

    @property
    def animated(self) -> bool:
        """Whether there is more than one frame."""
        return self.frames > 1

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height of the pixels as stored, before they are turned."""
        return (self.height, self.width) if self.orientation in _SWAPS_SIDES else (self.width, self.height)


def inspect(data: bytes, limits: Limits) -> Inspection:
    """Read the header of `data` and hold it against the limits.

    Raises RejectedError: empty, too_large, unsupported_type, corrupt, too_many_pixels, too_many_frames.
    """
    if not data:
        raise RejectedError(Reason.EMPTY, "the object has no bytes")
    if len(data) > limits.bytes:
        raise RejectedError(Reason.TOO_LARGE, f"{len(data):,} bytes; allowed are {limits.bytes:,}")
    kind = sniff(data[:HEAD_BYTES])
    if kind.family != "image":
        raise RejectedError(
            Reason.UNSUPPORTED_TYPE, f"the bytes are {kind.content_type}, no supported picture"
        )
    image = open_picture(data, kind.content_type, limits)
    frames = _frames(image, kind.content_type, limits)
    orientation, facts = _exif(image, limits)
    width, height = image.size
    if kind.content_type == "image/tiff":
        orientation = 1  # Pillow turns these itself, and its size is the turned one
    if orientation in _SWAPS_SIDES:
        width, height = height, width
    return Inspection(
        content_type=kind.content_type,
        width=width,
        height=height,
        orientation=orientation,
        mode=image.mode,
        has_alpha=image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info,
        frames=frames,
        exif=MappingProxyType(facts),
    )


def _frames(image: Image.Image, content_type: str, limits: Limits) -> int:
    if content_type not in _ANIMATED_TYPES:
        return 1
    with decoding(limits):
        frames = int(getattr(image, "n_frames", 1))
    if frames > limits.frames:
        raise RejectedError(Reason.TOO_MANY_FRAMES, f"more than the {limits.frames} frames that are allowed")
    # What GIFs are drawn on says itself how many pixels are decoded; its module is imported for GIFs only.
    pixels: int = getattr(image, "all_pixels", frames * image.width * image.height)
    allowed = limits.animation_pixels // _DECODING_COST.get(content_type, 1)
    if frames > 1 and pixels > allowed:
        raise RejectedError(
            Reason.TOO_MANY_PIXELS,
            f"{frames} frames of {image.width} x {image.height} are {pixels / 1e6:,.1f} megapixels; "
            f"allowed for an animation of {content_type} are {allowed / 1e6:,.1f}",
        )
    return frames


def _exif(image: Image.Image, limits: Limits) -> tuple[int, dict[str, str]]:
    """Orientation and the few facts that a record holds; metadata that cannot be read is as if it were not there."""
    facts: dict[str, str] = {}
    orientation = 1
    try:
        with decoding(limits):
            exif = _exif_of(image)
            found = exif.get(Base.Orientation)
            orientation = found if isinstance(found, int) and 1 <= found <= 8 else 1
            if camera := _camera(exif.get(Base.Make), exif.get(Base.Model)):
                facts["camera"] = camera
            details = exif.get_ifd(IFD.Exif)
            taken_at = _taken_at(details.get(Base.DateTimeOriginal), details.get(Base.OffsetTimeOriginal))
            if taken_at:
                facts["taken_at"] = taken_at
    except RejectedError:
        return orientation, facts
    return orientation, facts


def _exif_of(image: Image.Image) -> Image.Exif:
    """Read the EXIF; what XMP says of the orientation does not count, as it does not for browsers."""
    if image.format == "TIFF" or (image.format in ("JPEG", "MPO") and "xmp" not in image.info):
        return image.getexif()
    exif = Image.Exif()
    exif.load(image.info.get("exif") or b"")
    return exif


def _camera(make: object, model: object) -> str:
    """Join maker and model, which most makers repeat: "Canon" and "Canon EOS 5D" are "Canon EOS 5D"."""
    maker, name = _text(make), _text(model)
    if maker and name.casefold().startswith(maker.split()[0].casefold()):
        return name
    return f"{maker} {name}".strip()


def _taken_at(moment: object, offset: object) -> str:
    try:
        taken = datetime.strptime(_text(moment), "%Y:%m:%d %H:%M:%S").isoformat()
        return datetime.fromisoformat(taken + _text(offset)).isoformat()
    except ValueError:
        return ""  # "0000:00:00 00:00:00" and the like: cameras whose clock was never set


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if not isinstance(value, str):
        return ""
    printable = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(printable.split())[:_EXIF_TEXT]
