"""Every kind of pixel to the few that renditions are made of, and every colour space to sRGB.

In two steps, because the second one is dear: `normalised` is cheap and runs on the decoded picture, `to_srgb`
runs late and once, on the largest rendition.
"""

import hashlib
import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

_GRID = (0, 36, 73, 109, 146, 182, 219, 255)
_SAME = 2
"""A profile whose 512 probed colours move by no more than this many levels is sRGB, whatever its name."""
_CACHED_TRANSFORMS = 16


def normalised(image: Image.Image) -> Image.Image:
    """Return the pixels as L, RGB, RGBa (premultiplied), CMYK or LAB, ready to be resized.

    Colours are premultiplied with their opacity so that those under full transparency cannot bleed out, and
    because nothing is left of them after it. Transparency that hides nothing is dropped.
    """
    mode = image.mode
    if mode == "CMYK" or mode == "LAB":
        return image
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _premultiplied(image)
    if mode in ("L", "RGB"):
        return image
    if mode == "1":
        return image.convert("L")
    if mode.startswith("I;16"):
        return high_bytes(image)
    if mode in ("I", "F"):
        return _stretched(image)
    return image.convert("RGB")


def _premultiplied(image: Image.Image) -> Image.Image:
    if image.mode == "RGBa":
        return image
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    if rgba.getchannel("A").getextrema() == (255, 255):
        return rgba.convert("RGB")
    return rgba.convert("RGBa")


def high_bytes(image: Image.Image) -> Image.Image:
    """16-bit grey to 8 bits; `convert` would clip at 255 instead."""
    order = "L;16B" if image.mode == "I;16B" else "L;16"
    return Image.frombytes("L", image.size, image.tobytes(), "raw", order)


def _stretched(image: Image.Image) -> Image.Image:
    """Integers of 32 bits and floats have no fixed white: a range that fits 8 or 16 bits is taken for that."""
    low, high = (float(bound) for bound in image.getextrema())  # type: ignore[arg-type]
    if low != low or high != high or low in (float("-inf"),) or high == float("inf"):
        raise ValueError("the picture holds numbers that are no brightness")
    if low >= 0 and image.mode == "I" and high <= 65535:
        scale, offset = (1.0 if high <= 255 else 255 / 65535), 0.0
    elif low >= 0 and image.mode == "F" and high <= 1:
        scale, offset = 255.0, 0.0
    else:
        scale = 255 / ((high - low) or 1)
        offset = -low * scale
    return image.point(lambda value: value * scale + offset).convert("L")


def is_srgb(profile: bytes | None) -> bool:
    """Whether RGB pixels with this ICC profile can be taken as they are."""
    return not profile or _transform(profile, "RGB") is None


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert a normalised picture (L, RGB, RGBa, CMYK, LAB) to sRGB: L, RGB or RGBa.

    May change `image` itself. A profile that is broken, or speaks of another colour space than the pixels',
    counts as absent: the pixels are then taken for sRGB, plain grey or plain CMYK. One of grey is only ever given
    for pixels that are grey.
    """
    is_grey = profile is not None and _is_grey(profile)
    if image.mode == "RGBa":
        return _premultiplied_to_srgb(image, profile, is_grey=is_grey)
    if is_grey and image.mode == "RGB":
        image = image.getchannel("R")
    transform = _transform(profile or b"", image.mode) if profile or image.mode == "LAB" else None
    if transform is None:
        return image if image.mode in ("L", "RGB") else image.convert("RGB")
    from PIL import ImageCms

    if image.mode == "RGB":
        ImageCms.applyTransform(image, transform, inPlace=True)
        return image
    converted = ImageCms.applyTransform(image, transform)
    if converted is None:
        raise TypeError("only in place answers None")
    return converted.getchannel("R") if image.mode == "L" else converted


def _premultiplied_to_srgb(image: Image.Image, profile: bytes | None, *, is_grey: bool) -> Image.Image:
    if not is_grey and is_srgb(profile):
        return image
    rgba = image.convert("RGBA")
    rgb = to_srgb(rgba.convert("RGB"), profile).convert("RGB")
    rgb.putalpha(rgba.getchannel("A"))
    return rgb.convert("RGBa")


_transforms: "dict[tuple[bytes, str], ImageCmsTransform | None]" = {}
"""What was built last, by the digest of the profile: profiles themselves are not kept, they may have megabytes."""


def _transform(profile: bytes, mode: str) -> "ImageCmsTransform | None":
    """Return the transform to sRGB; None where there is nothing to do, or nothing that could be done."""
    key = hashlib.sha256(profile).digest(), mode
    if key in _transforms:
        return _transforms[key]
    built = _built(profile, mode)
    while len(_transforms) >= _CACHED_TRANSFORMS:
        _transforms.pop(next(iter(_transforms)), None)
    _transforms[key] = built
    return built


def _built(profile: bytes, mode: str) -> "ImageCmsTransform | None":
    from PIL import ImageCms

    try:
        if mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.PERCEPTUAL
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        # Broken, or of another colour space. The picture itself is fine: it is shown as browsers show it.
        return None
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _changes_nothing(transform: "ImageCmsTransform") -> bool:
    from PIL import ImageCms

    before = bytes(
        level for red in _GRID for green in _GRID for blue in _GRID for level in (red, green, blue)
    )
    probe = Image.frombytes("RGB", (len(before) // 3, 1), before)
    ImageCms.applyTransform(probe, transform, inPlace=True)
    return max(abs(was - now) for was, now in zip(before, probe.tobytes(), strict=True)) <= _SAME


def _is_grey(profile: bytes) -> bool:
    from media_pipeline.images import icc  # pictures without a profile do not need it

    return icc.colour_space(profile) == b"GRAY"
