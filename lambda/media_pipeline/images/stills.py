"""One still picture: decoded no larger than needed, scaled in steps, turned and converted when it is small."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from PIL import Image

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.images import colour
from media_pipeline.images.decoding import decoding, load_pixels
from media_pipeline.images.encoders import FROM_PLANES, SUBSAMPLING
from media_pipeline.images.inspection import Inspection
from media_pipeline.images.memory_estimate import check_memory
from media_pipeline.images.opening import open_picture
from media_pipeline.images.rasters import Decoded, Packed, Raster
from media_pipeline.images.resize_plan import Frame, Plan
from media_pipeline.images.sizes import Box, Specs, Target
from media_pipeline.images.source_profile import profile_of
from media_pipeline.images.sources import jpeg
from media_pipeline.limits import Limits

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_YCBCR_COMPONENTS = [1, 2, 3]
"""How JFIF numbers the components of a colour JPEG; others may hold RGB, which libjpeg cannot turn into YCbCr."""


class Pictures(NamedTuple):
    """All pictures of one still: what is judged, and what is published."""

    whole: Raster
    """The largest frame, uncropped and in colour; flattened, or cleared of what is faint, as all that is published."""
    targets: Mapping[Target, Raster]


def pictures(data: bytes, inspection: Inspection, plan: Plan, specs: Specs, limits: Limits) -> Pictures:
    """Make every picture of the plan from the first frame of `data`.

    Raises RejectedError: corrupt, too_many_pixels.
    """
    return pictures_of(published_roots(data, inspection, plan, specs, limits), plan, specs)


def published_roots(
    data: bytes, inspection: Inspection, plan: Plan, specs: Specs, limits: Limits
) -> dict[Frame, Raster]:
    """Make the roots of the plan from the first frame of `data`, in colour, with the transparency that is published.

    Raises RejectedError: corrupt, too_many_pixels.
    """
    try:
        roots = _roots(data, inspection, plan, specs, limits)
    except RejectedError as error:
        if error.reason is not Reason.CORRUPT or inspection.content_type != "image/jpeg":
            raise
        whole = jpeg.completed(data, limits)
        if whole is None:
            raise
        roots = _roots(whole, inspection, plan, specs, limits)
    return {frame: publishable(root, specs) for frame, root in roots.items()}


def pictures_of(roots: Mapping[Frame, Raster], plan: Plan, specs: Specs) -> Pictures:
    """Make every picture of the plan from what `published_roots` returns."""
    return Pictures(roots[plan.largest], dict(scaled(roots, plan, specs)))


def scaled(roots: Mapping[Frame, Raster], plan: Plan, specs: Specs) -> Iterator[tuple[Target, Raster]]:
    """Make one picture of the plan after the other, the largest first, from what `published_roots` returns."""
    frames = dict(roots)
    if specs.grayscale:
        frames = {frame: root.grey() for frame, root in frames.items()}
    for target, parent in plan.parents.items():
        source = frames[parent]
        if target.cropped:
            made = source.resized((target.width, target.height), target.window(*source.size))
        else:
            made = frames[target.frame] = source.resized(target.frame)
        yield target, publishable(made, specs)


def publishable(raster: Raster, specs: Specs) -> Raster:
    """Do with transparency what the stack says: flatten it, or keep it without what is faint."""
    return raster.without_faint() if specs.transparency == "keep" else raster.over(specs.background)


def _roots(
    data: bytes, inspection: Inspection, plan: Plan, specs: Specs, limits: Limits
) -> dict[Frame, Raster]:
    image = open_picture(data, inspection.content_type, limits)
    profile = profile_of(image)
    size, box = stored(plan.largest, inspection), None
    as_ycbcr = _stays_ycbcr(image, profile, size, specs)
    if inspection.content_type == "image/jpeg":
        box = jpeg.draft(image, "YCbCr" if as_ycbcr else None, size, limits)
    check_memory(image, inspection, limits, size, specs.formats)
    load_pixels(image, limits)
    if inspection.content_type == "image/jpeg":
        jpeg.check_end(image, data, limits)
    with decoding(limits):
        pixels = image if as_ycbcr else colour.normalised(image)
    pixels.info = {}  # whatever is made of these pixels inherits this: no metadata gets any further
    source: Raster = Decoded(pixels) if as_ycbcr else Packed(pixels)
    del image, pixels  # of the decoded pixels only what `source` holds stays
    # The largest last: where it is as large as the original it is the original, and converting uses that up.
    return {frame: develop(source, frame, inspection, profile, box) for frame in reversed(plan.roots)}


def develop(
    source: Raster, frame: Frame, inspection: Inspection, profile: bytes | None, box: Box | None = None
) -> Raster:
    """Scale decoded pixels to a frame of the plan, then convert them to sRGB and turn them."""
    raster = source.resized(stored(frame, inspection), box)
    if not isinstance(raster, Packed) and not colour.is_srgb(profile):
        raster = Packed(raster.image())
    if isinstance(raster, Packed):
        raster = raster.to_srgb(profile)
    turn = _TURNS.get(inspection.orientation)
    return raster.transposed(turn) if turn is not None else raster


def stored(frame: Frame, inspection: Inspection) -> Frame:
    """Return a frame's sides as the file has them, before the picture is turned."""
    return (frame[1], frame[0]) if inspection.orientation >= 5 else frame


def _stays_ycbcr(image: Image.Image, profile: bytes | None, size: Frame, specs: Specs) -> bool:
    """Whether a JPEG is scaled to `size` as it is stored: where that is possible, and less work than in RGB."""
    components = [layer[0] for layer in getattr(image, "layer", ())]
    is_ycbcr = (
        image.mode == "RGB" and components == _YCBCR_COMPONENTS and image.info.get("adobe_transform", 1) == 1
    )
    if not is_ycbcr or not SUBSAMPLING.issuperset(specs.formats):
        return False
    if FROM_PLANES.issuperset(specs.formats) and colour.is_srgb(profile):
        return True  # RGB is not needed at all
    # The colours that are saved pay for the conversion of the result, unless there is nothing to save.
    return jpeg.decoded_size(image.size, size) != size
