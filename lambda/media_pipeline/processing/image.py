"""The story of one picture: what is fetched, looked at and made of it; videos are handed on."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.events import ObjectEvent
from media_pipeline.handover import VideosQueue
from media_pipeline.images.inspection import Inspection, inspect
from media_pipeline.images.renditions import Rendered, render
from media_pipeline.processing.processor import CHUNK_BYTES, Attempt, Ending, Story, Tools
from media_pipeline.records.record import Stage


class _VideoFoundError(Exception):
    """The bytes are a video's, which is another function's work."""


class Pipeline(Story):
    """Takes pictures through the story; `videos` is where videos go, None where the stack processes none."""

    stage = Stage.IMAGE

    def __init__(self, tools: Tools, *, videos: VideosQueue | None) -> None:
        super().__init__(tools)
        self._videos = videos
        self.takes_over = videos is None

    def _work(self, attempt: Attempt) -> Ending | None:
        try:
            return super()._work(attempt)
        except _VideoFoundError:
            self._records.hand_over(attempt.claim, Stage.VIDEO)
            self._pass_on(attempt.event, Stage.VIDEO)
            return None

    def _pass_on(self, event: ObjectEvent, stage: Stage) -> None:
        if self._videos is None:
            raise AssertionError(
                f"a record that waits in stage {stage} is taken over where there is no queue"
            )
        self._videos.send(event)

    @contextmanager
    def _made(self, attempt: Attempt) -> Iterator[Rendered]:
        data = self._fetch(attempt)
        self._records.begin_decoding(attempt.claim)
        with attempt.steps("inspect"):
            inspection = inspect(data, self._settings.limits)
            attempt.facts |= _seen(inspection)
        with attempt.steps("render"):
            rendered = render(data, inspection, self._settings.specs, self._settings.limits)
        yield rendered

    def _fetch(self, attempt: Attempt) -> bytes:
        """Read exactly the event's version; what its first bytes or its length rule out is not read on."""
        limits = self._settings.limits
        with attempt.steps("fetch"), self._opened(attempt) as (original, kind, head):
            if kind.family == "video":
                if self._videos is not None:
                    raise _VideoFoundError
                detail = f"it is a video ({kind.content_type}), and this stack does not process video"
                raise RejectedError(Reason.VIDEO_DISABLED, detail)
            if kind.family != "image":
                detail = (
                    "its first bytes are of no image type that this pipeline takes, whatever its name says"
                )
                raise RejectedError(Reason.UNSUPPORTED_TYPE, detail)
            if original.length > limits.bytes:
                detail = (
                    f"it has {original.length:,} bytes; this stack takes images of up to {limits.bytes:,}"
                )
                raise RejectedError(Reason.TOO_LARGE, detail)
            data = bytearray(head)
            while chunk := original.read(CHUNK_BYTES):
                data += chunk
                attempt.invocation.require_time("read on")
        attempt.facts["sha256"] = hashlib.sha256(data).hexdigest()
        return bytes(data)


def _seen(inspection: Inspection) -> dict[str, Any]:
    return {
        "content_type": inspection.content_type,
        "width": inspection.width,
        "height": inspection.height,
        "frames": inspection.frames,
        "exif": dict(inspection.exif),
    }
