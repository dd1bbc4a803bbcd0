"""What the report shows as an object's original: a copy, or a preview of what browsers cannot show."""

import shutil
import warnings
from dataclasses import replace

from PIL import Image, ImageOps

from demo.outcomes import Outcome
from demo.output import Output

# What today's browsers show. Never SVG or HTML, whatever a file is called: the type is the decoder's.
SHOWN_BY_BROWSERS = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/bmp"}
)
PREVIEWED = ("TIFF", "BMP", "JPEG", "PNG", "WEBP", "GIF", "AVIF")
PREVIEW_SIDE = 1024
PREVIEW_PIXELS = 60_000_000  # beyond that the picture is not worth the memory


def place(outcome: Outcome, output: Output) -> Outcome:
    """Put the original, or a preview of it, under OUT/originals; `picture` stays None where neither can be had.

    Only what the pipeline decoded to its end is shown: a rejected file (38 bytes can claim 50 megapixels) is
    nothing to put before a browser.
    """
    if outcome.content_type is None or outcome.status in (None, "REJECTED", "FAILED"):
        return outcome
    if outcome.content_type in SHOWN_BY_BROWSERS:
        path = output.place("originals", outcome.upload.key)
        shutil.copyfile(outcome.upload.path, path)
        return replace(outcome, picture=output.relative(path))
    path = output.place("originals", f"{outcome.upload.key}/preview.jpg")  # no file lies below a file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata, say: it is in no way lost on the preview
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            _preview(outcome).save(path, "JPEG", quality=82)
    except Exception:  # noqa: BLE001 - decoders raise anything; a missing preview is no failure of the run
        path.unlink(missing_ok=True)
        return outcome
    return replace(outcome, picture=output.relative(path), is_preview=True)


def _preview(outcome: Outcome) -> Image.Image:
    with Image.open(outcome.upload.path, formats=PREVIEWED) as picture:
        if picture.width * picture.height > PREVIEW_PIXELS:
            raise ValueError("too many pixels for a preview")
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        return upright.convert("RGB")
