"""Hashes of pictures for the hash list, as the functions make them: the one part of operations that needs Pillow.

A picture of a stack is read as the functions published it or put it beside the original in quarantine, and never as it
was uploaded. A file is read by Pillow: give only files that this computer may open.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps, UnidentifiedImageError

from media_pipeline.images import likeness
from media_pipeline.records.record import Record
from operations.errors import OperationsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PICTURE_FORMATS = frozenset({"jpeg", "webp", "png", "avif"})
JUDGED_SIDE = 2048
"""Pixels of the longer side to which a file is scaled before it is hashed as an upload would be."""
Hashes = tuple[str, ...]
"""In hexadecimal digits: the picture's own, then those of its variants."""


def of_file(data: bytes, name: str) -> Hashes:
    """Return the hashes with which the picture in a file goes on the list.

    Raises OperationsError where it is no picture, or has too little detail.
    """
    found = _hex(likeness.entry_hashes(_opened(data, name)))
    if not found:
        raise OperationsError(f"{name} has too little detail to be recognised by what it looks like")
    return found


def as_upload(data: bytes, name: str) -> list[int]:
    """Return the hashes by which an upload with the picture in a file would be compared; none for a plain one."""
    image = _opened(data, name)
    image.thumbnail((JUDGED_SIDE, JUDGED_SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return [each.bits for each in likeness.hashes(out.getvalue())]


def of_record(s3: "S3Client", record: Record, *, renditions: str, quarantine: str) -> list[Hashes]:
    """Return the hashes of what a record's version shows: of a published one its largest picture, else what was judged.

    Raises OperationsError where there is no such picture, or none with enough detail; and what boto3 raises.
    """
    places = [(renditions, key) for key in _published(record.renditions)]
    places = places or [(quarantine, each["key"]) for each in record.attributes.get("review") or ()]
    if not places:
        raise OperationsError(
            f"there is no picture of version {record.version} of {record.object_key!r}: it is neither published nor in"
            " quarantine"
        )
    found = dict[Hashes, None]()
    for bucket, key in places:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        if hashes := _hex(likeness.entry_hashes(_opened(body, key))):
            found[hashes] = None
    if not found:
        raise OperationsError(
            f"{record.object_key!r} has too little detail to be recognised by what it looks like"
        )
    return list(found)


def _published(renditions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the key of the largest picture; of a video that is its poster."""
    pictures = [each for each in renditions if each["format"] in PICTURE_FORMATS]
    largest = max(pictures, key=lambda each: each["width"] * each["height"], default=None)
    if largest is not None:
        yield str(largest["key"])


def _opened(data: bytes, name: str) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as image:
            upright = ImageOps.exif_transpose(image)
            if not upright.has_transparency_data:
                return upright.convert("RGB")
            shown = upright.convert("RGBA")
            return Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise OperationsError(f"{name} is not a picture that can be read: {error}") from error


def _hex(hashes: Sequence[Any]) -> Hashes:
    return tuple(each.hex for each in hashes)
