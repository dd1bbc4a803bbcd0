"""DetectModerationLabels for moto, which lacks it: a moderation card gets its labels, any other picture none.

Requests are refused for the reasons and with the error types that AWS documents:
https://docs.aws.amazon.com/rekognition/latest/APIReference/API_DetectModerationLabels.html and the limits in
https://docs.aws.amazon.com/rekognition/latest/dg/limits.html.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterable
from typing import Any

from PIL import Image

from embedded_aws.rekognition import taxonomy
from embedded_aws.rekognition.cards import read_card

MAX_INLINE_BYTES = 5_242_880
MIN_SIDE = 80
MAX_SIDE = 10_000
DEFAULT_MIN_CONFIDENCE = 50.0
# Never the plain version of AWS's model: whoever reads a record must see who judged.
MODEL_VERSION = "7.0 (stand-in)"
_READ_AT = 1024  # px a side at which a card is read; JPEG decodes straight to about that

Label = dict[str, Any]


class RefusedError(Exception):
    """Rekognition would answer with the error `code`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def detect_moderation_labels(request: dict[str, Any]) -> dict[str, Any]:
    """Answer one DetectModerationLabels request, both as AWS's JSON. Raises RefusedError."""
    for name in request.keys() - {"Image", "MinConfidence"}:
        raise RefusedError(
            "InvalidParameterException", f"The stand-in for Rekognition does not support {name}."
        )
    least = request.get("MinConfidence", DEFAULT_MIN_CONFIDENCE)
    if not 0 <= least <= 100:
        raise RefusedError("InvalidParameterException", "MinConfidence must lie between 0 and 100.")
    card = read_card(_picture(_image_bytes(request.get("Image") or {})))
    return {
        "ModerationLabels": [
            label for label in labels_with_ancestors(card or ()) if label["Confidence"] >= least
        ],
        "ModerationModelVersion": MODEL_VERSION,
        "ContentTypes": [],
    }


def labels_with_ancestors(found: Iterable[tuple[str, float]]) -> list[Label]:
    """Return the labels with all their ancestors, each at least as sure as its surest descendant.

    An unknown name comes back as given, at level 1. The surest comes first, of equals the most special one.
    """
    confidences: dict[str, float] = {}
    for name, confidence in found:
        for each in (name, *(term.name for term in taxonomy.ancestors(name))):
            confidences[each] = max(confidence, confidences.get(each, 0.0))
    labels: list[Label] = []
    for name, confidence in confidences.items():
        term = taxonomy.find(name) or taxonomy.Term(name, "", 1)
        labels.append(
            {
                "Confidence": confidence,
                "Name": name,
                "ParentName": term.parent,
                "TaxonomyLevel": term.level,
            }
        )
    return sorted(labels, key=lambda label: (-label["Confidence"], -label["TaxonomyLevel"]))


def _image_bytes(image: dict[str, Any]) -> bytes:
    if "S3Object" in image:
        raise RefusedError(
            "InvalidParameterException", "The stand-in for Rekognition takes Image.Bytes only."
        )
    try:
        data = base64.b64decode(image.get("Bytes", ""), validate=True)
    except binascii.Error:
        raise RefusedError("InvalidParameterException", "Image.Bytes is not base64.") from None
    if not data:
        raise RefusedError("InvalidParameterException", "Image.Bytes is empty.")
    if len(data) > MAX_INLINE_BYTES:
        raise RefusedError("ImageTooLargeException", f"Image size is too large: {len(data)} bytes.")
    return data


def _picture(data: bytes) -> Image.Image:
    """Decode a JPEG or PNG of an allowed size, JPEG at about the size that reading needs."""
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
        if max(image.size) > MAX_SIDE:
            raise RefusedError("ImageTooLargeException", f"Image dimensions are too large: {image.size}.")
        if min(image.size) < MIN_SIDE:
            raise RefusedError("InvalidParameterException", f"Image dimensions are too small: {image.size}.")
        image.draft("RGB", (_READ_AT, _READ_AT))
        image.load()
    except Image.DecompressionBombError:
        raise RefusedError("ImageTooLargeException", "Image dimensions are too large.") from None
    except (OSError, SyntaxError, ValueError):
        # What Pillow raises for a broken file; PNG's chunk errors are SyntaxErrors.
        raise RefusedError("InvalidImageFormatException", "Request has invalid image format") from None
    return image
