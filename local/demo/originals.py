"""An object's original in the report: a copy, or a preview of what browsers cannot show."""

import shutil
import warnings
from collections.abc import Mapping
from dataclasses import replace

import av
from PIL import Image, ImageOps

from local.demo.filming import picture_of
from local.demo.outcomes import Outcome
from local.demo.output import Output

# What today's browsers show. Never SVG or HTML, whatever a file is called: the type is the decoder's.
SHOWN_BY_BROWSERS = frozenset(
    {"image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/bmp"}
)
PREVIEWED = ("TIFF", "BMP", "JPEG", "PNG", "WEBP", "GIF", "AVIF")
# The suffix of a video's copy, by which a browser knows how to play it, and the one demuxer that its preview may use.
FILMS: Mapping[str, tuple[str, str]] = {
    "video/mp4": (".mp4", "mov"),
    "video/quicktime": (".mov", "mov"),
    "video/webm": (".webm", "matroska"),
    "video/x-matroska": (".mkv", "matroska"),
}
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
    shown, film = outcome, None
    if outcome.content_type in FILMS:
        suffix, _ = FILMS[outcome.content_type]
        film = output.place("originals", f"{outcome.upload.key}/video{suffix}")
        shutil.copyfile(outcome.upload.path, film)
        shown = replace(outcome, film=output.relative(film))
    path = output.place("originals", f"{outcome.upload.key}/preview.jpg")  # no file lies below a file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata, say: it is in no way lost on the preview
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            _preview(outcome).save(path, "JPEG", quality=82)
    except Exception:  # noqa: BLE001 - decoders raise anything; a missing preview does not fail the run
        path.unlink(missing_ok=True)
        if film is not None:
            film.unlink()
        return outcome
    return replace(shown, picture=output.relative(path), is_preview=True)


def _preview(outcome: Outcome) -> Image.Image:
    if outcome.content_type is not None and outcome.content_type in FILMS:
        return _frame(outcome, FILMS[outcome.content_type][1])
    with Image.open(outcome.upload.path, formats=PREVIEWED) as picture:
        if picture.width * picture.height > PREVIEW_PIXELS:
            raise ValueError("too many pixels for a preview")
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        return upright.convert("RGB")


def _frame(outcome: Outcome, demuxer: str) -> Image.Image:
    """Return the frame with the worst verdict, or else the first one judged, upright."""
    wanted = max(outcome.frames, key=lambda frame: frame.confidence).time if outcome.frames else 0.0
    options = {"protocol_whitelist": "file"}
    with av.open(str(outcome.upload.path), "r", format=demuxer, options=options) as container:
        (stream, *_) = container.streams.video
        if stream.width * stream.height > PREVIEW_PIXELS:
            raise ValueError("too many pixels for a preview")
        # Half a frame before: times are rounded.
        best = next(
            frame
            for frame in container.decode(stream)
            if (frame.time or 0.0) >= wanted - 0.02 or frame.time is None
        )
        upright = picture_of(best).rotate(best.rotation, expand=True)
        upright.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        return upright
