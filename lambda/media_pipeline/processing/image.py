"""What is particular to images: how they are fetched and rendered. Videos are passed on to their own queue."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.events import ObjectEvent
from media_pipeline.handover import VideosQueue
from media_pipeline.images.inspection import Inspection, inspect
from media_pipeline.images.provenance import find
from media_pipeline.images.renditions import Rendered, render
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.judging import EarlyJudging
from media_pipeline.processing.media import CHUNK_BYTES, OpenOriginal
from media_pipeline.processing.provenance import with_provenance
from media_pipeline.records.record import Stage
from media_pipeline.settings.functions import ImageSettings


class ImageProcessor:
    """Implements `Media` for images; `videos` is where videos go, None where the stack processes none."""

    stage = Stage.IMAGE
    renews_lease = False
    extra_renditions = ()

    def __init__(self, settings: ImageSettings, *, videos: VideosQueue | None) -> None:
        self._settings = settings
        self._videos = videos
        self.takes_over = videos is None

    def pass_on(self, event: ObjectEvent, stage: Stage) -> None:
        """Send a video's event to the videos queue."""
        if self._videos is None:
            raise AssertionError(f"there is no queue of the stage {stage}: its records are taken over")
        self._videos.send(event)

    def stage_of(self, original: OpenOriginal) -> Stage:
        """Return VIDEO for a video that the stack processes, IMAGE for an image.

        Raises RejectedError (`video_disabled`, `unsupported_type`, `too_large`).
        """
        kind, length, limits = original.kind, original.body.length, self._settings.limits
        if kind.family == "video":
            if self._videos is not None:
                return Stage.VIDEO
            detail = f"it is a video ({kind.content_type}), and this stack does not process videos"
            raise RejectedError(Reason.VIDEO_DISABLED, detail)
        if kind.family != "image":
            detail = (
                "its first bytes are not of an image type that this pipeline processes, whatever its name is"
            )
            raise RejectedError(Reason.UNSUPPORTED_TYPE, detail)
        if length > limits.bytes:
            detail = f"it has {length:,} bytes; this stack takes images of up to {limits.bytes:,}"
            raise RejectedError(Reason.TOO_LARGE, detail)
        return Stage.IMAGE

    @contextmanager
    def fetch(self, attempt: Attempt, original: OpenOriginal) -> Iterator[bytes]:
        """Read the image into memory."""
        data = bytearray(original.head)
        while chunk := original.body.read(CHUNK_BYTES):
            data += chunk
            attempt.invocation.require_time("read on")
        attempt.facts["sha256"] = hashlib.sha256(data).hexdigest()
        yield bytes(data)

    def make(self, attempt: Attempt, fetched: bytes, judging: EarlyJudging) -> Rendered:
        """Inspect and render the image; judging begins while it is encoded."""
        with attempt.steps("inspect"):
            inspection = inspect(fetched, self._settings.limits)
            attempt.facts |= _facts(inspection)
            specs = with_provenance(attempt, self._settings, find(fetched))
        with attempt.steps("render"):
            return render(fetched, inspection, specs, self._settings.limits, judging)


def _facts(inspection: Inspection) -> dict[str, Any]:
    return {
        "content_type": inspection.content_type,
        "width": inspection.width,
        "height": inspection.height,
        "frames": inspection.frames,
        "exif": dict(inspection.exif),
    }
