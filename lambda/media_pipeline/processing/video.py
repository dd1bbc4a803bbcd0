"""What is particular to videos: streamed to a file, transcoded, and judged by a selection of frames."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media_pipeline.errors import OutOfTimeError, Reason, RejectedError, TransientError
from media_pipeline.events import ObjectEvent
from media_pipeline.images.proxies import proxies
from media_pipeline.images.rasters import Packed
from media_pipeline.images.renditions import Rendered, render_frame
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.media import CHUNK_BYTES, OpenOriginal
from media_pipeline.records.record import Stage
from media_pipeline.results import Results
from media_pipeline.settings.functions import VideoSettings
from media_pipeline.videos import judged_frames
from media_pipeline.videos.frame_selection import choose
from media_pipeline.videos.outputs import Film, MadeOfVideo
from media_pipeline.videos.source import Opened, nominal_rate, opened
from media_pipeline.videos.transcoding import Transcoded, transcode
from media_pipeline.videos.video_limits import VideoLimits

FAIR_START = 0.7
"""Share of the time-out that must be left when the work on a video begins: with less, the start was slow."""
EARLY_PART = 0.1
"""Share of the available time after which the finished part says how long the whole video takes."""
EARLY_FACTOR = 1.5  # so much too long before an early refusal: the end may be quicker than the beginning
_FOLDER = re.compile(r"media-pipeline-video-(\d+)-")


@dataclass(frozen=True, kw_only=True)
class FetchedVideo:
    """A video that was streamed to a file; `folder` is removed after the attempt."""

    path: Path
    content_type: str
    folder: Path


class VideoProcessor:
    """Implements `Media` for videos."""

    stage = Stage.VIDEO
    takes_over = False
    renews_lease = True
    extra_renditions = (Film.name,)

    def __init__(self, settings: VideoSettings) -> None:
        self._settings = settings
        self._limits = VideoLimits(
            bytes=settings.video_bytes,
            seconds=settings.video_seconds,
            pixels=settings.limits.pixels,
            memory=settings.limits.memory,
        )

    def pass_on(self, event: ObjectEvent, stage: Stage) -> None:
        """Let the message come back: the image function marks a version before it sends it here."""
        raise TransientError(f"{event.key} waits for the function of the stage {stage}")

    def stage_of(self, original: OpenOriginal) -> Stage:
        """Return VIDEO. Raises RejectedError (`unsupported_type`, `too_large`)."""
        if original.kind.family != "video":
            detail = f"it is {original.kind.content_type}, not a video"
            raise RejectedError(Reason.UNSUPPORTED_TYPE, detail)
        if (length := original.body.length) > self._limits.bytes:
            detail = f"it has {length:,} bytes; this stack takes videos of up to {self._limits.bytes:,}"
            raise RejectedError(Reason.TOO_LARGE, detail)
        return Stage.VIDEO

    @contextmanager
    def fetch(self, attempt: Attempt, original: OpenOriginal) -> Iterator[FetchedVideo]:
        """Stream the video to a file in a folder of its own."""
        with _scratch() as folder:
            path = folder / "original"
            digest = hashlib.sha256()
            with path.open("wb") as file:
                chunk = original.head
                while chunk:
                    file.write(chunk)
                    digest.update(chunk)
                    attempt.before_call("read on")
                    chunk = original.body.read(CHUNK_BYTES)
            attempt.facts["sha256"] = digest.hexdigest()
            yield FetchedVideo(path=path, content_type=original.kind.content_type, folder=folder)

    def make(self, attempt: Attempt, fetched: FetchedVideo) -> Results:
        """Transcode the video, choose the frames to judge, and render the poster."""
        deadline = _Deadline(attempt)
        with opened(fetched.path, fetched.content_type, self._limits) as source:
            attempt.facts |= _facts(source)
            with attempt.steps("transcode"):
                transcoded = transcode(
                    source,
                    fetched.folder / "video.mp4",
                    lines=self._settings.height,
                    grey=self._settings.specs.grayscale,
                    limits=self._limits,
                    watch=deadline,
                )
        attempt.facts["duration"] = round(transcoded.seconds, 3)
        attempt.facts["width"], attempt.facts["height"] = transcoded.original  # upright, as of images
        with attempt.steps("render"):
            results = self._render(fetched, transcoded, attempt)
        fetched.path.unlink()
        return results

    def _render(self, fetched: FetchedVideo, made: Transcoded, attempt: Attempt) -> MadeOfVideo:
        """Choose the frames to judge, make their proxies, and the poster of the best of them."""
        chosen = choose(made.frames, self._settings.moderation_frames)
        best = made.frames[judged_frames.poster(made.frames, chosen)].time
        poster: Rendered | None = None
        shown: list[tuple[float, bytes]] = []
        for frame in self._frames(fetched, made, chosen, attempt):
            shown += [(frame.time, proxy) for proxy in proxies(Packed(frame.picture))]
            if frame.time == best:
                poster = render_frame(frame.picture, self._settings.specs)
            attempt.renew_lease()
        if poster is None:
            raise AssertionError("the poster is one of the judged frames")
        return MadeOfVideo(
            renditions=(
                Film(path=made.path, width=made.width, height=made.height),
                *poster.renditions,
            ),
            proxies=tuple(proxy for _, proxy in shown),
            times=tuple(time for time, _ in shown),
            placeholder=poster.placeholder,
            dominant_colour=poster.dominant_colour,
        )

    def _frames(
        self, fetched: FetchedVideo, made: Transcoded, chosen: tuple[int, ...], attempt: Attempt
    ) -> Iterator[judged_frames.Judged]:
        def watch(_: float) -> None:
            attempt.renew_lease()

        if not self._settings.specs.grayscale:
            yield from judged_frames.published(made, chosen, watch)
            return
        with opened(fetched.path, fetched.content_type, self._limits) as source:
            yield from judged_frames.coloured(
                source, made, chosen, lines=self._settings.height, limits=self._limits, watch=watch
            )


class _Deadline:
    """Watches the time while a video is made: what cannot be done in one run will not be done in the next."""

    def __init__(self, attempt: Attempt) -> None:
        self._invocation = attempt.invocation
        self._attempt = attempt
        self._began = attempt.invocation.time_left()
        self._there_is = self._began - 1.5 * attempt.invocation.step_seconds

    def __call__(self, done: float) -> None:
        """Go on with a video of which the part `done` is done.

        Raises RejectedError (`too_long`), or OutOfTimeError where this run began late.
        """
        self._attempt.renew_lease()
        spent = self._began - self._invocation.time_left()
        if spent < EARLY_PART * self._there_is:
            return
        hopeless = done > 0 and spent / done > EARLY_FACTOR * self._there_is
        if spent < self._there_is and not hopeless:
            return
        if self._began < FAIR_START * self._invocation.timeout:
            raise OutOfTimeError(f"{self._began:.0f} s were left when the work on the video began")
        raise RejectedError(
            Reason.TOO_LONG,
            f"in {spent:.0f} s only {done:.0%} of it could be made, and there are {self._there_is:.0f} s for all",
        )


def _facts(source: Opened) -> dict[str, Any]:
    context = source.picture.codec_context
    facts = {
        "codec": source.codec,
        "sound": source.sound_codec or False,
        "width": context.width,
        "height": context.height,
        "duration": source.seconds,
        "frame_rate": nominal_rate(source.picture),
    }
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in facts.items()
        if value is not None
    }


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder of its own, gone afterwards; those of functions that were killed go first."""
    root = Path(tempfile.gettempdir())
    for left in root.iterdir():
        owner = _FOLDER.match(left.name)
        if owner and not _is_alive(int(owner[1])):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"media-pipeline-video-{os.getpid()}-") as folder:
        yield Path(folder)


def _is_alive(process: int) -> bool:
    """Whether another process of this number runs; one of our own number was here before us."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
