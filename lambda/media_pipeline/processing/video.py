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
from media_pipeline.images.provenance import find_in_video
from media_pipeline.images.proxies import proxies
from media_pipeline.images.rasters import Packed
from media_pipeline.images.renditions import Rendered, render_frame
from media_pipeline.images.sizes import Specs
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.judging import EarlyJudging
from media_pipeline.processing.media import CHUNK_BYTES, OpenOriginal
from media_pipeline.processing.provenance import with_provenance
from media_pipeline.records.record import Stage
from media_pipeline.results import Results
from media_pipeline.settings.functions import VideoSettings
from media_pipeline.videos import judged_frames
from media_pipeline.videos.frame_selection import choose_frames
from media_pipeline.videos.outputs import VideoFile, VideoResults
from media_pipeline.videos.overhead import Overhead
from media_pipeline.videos.source import SourceVideo, nominal_frame_rate, open_video
from media_pipeline.videos.transcoding import TranscodedVideo, transcode
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
    extra_renditions = (VideoFile.name,)

    def __init__(self, settings: VideoSettings) -> None:
        self._settings = settings
        self._limits = VideoLimits(
            bytes=settings.video_bytes,
            seconds=settings.video_seconds,
            pixels=settings.limits.pixels,
            memory=settings.video_memory,
            header_memory=settings.limits.memory // 2,
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

    def make(self, attempt: Attempt, fetched: FetchedVideo, judging: EarlyJudging) -> Results:  # noqa: ARG002
        """Transcode the video, choose the frames to judge, and render the poster; judging begins after that."""
        deadline, overhead = _Deadline(attempt), Overhead(self._limits)
        with open_video(fetched.path, fetched.content_type, self._limits, overhead) as source:
            attempt.facts |= _facts(source)
            specs = with_provenance(attempt, self._settings, find_in_video(fetched.path))
            with attempt.steps("transcode"):
                transcoded = transcode(
                    source,
                    fetched.folder / "video.mp4",
                    lines=self._settings.height,
                    grey=self._settings.specs.grayscale,
                    background=self._settings.specs.background,
                    limits=self._limits,
                    on_progress=deadline,
                )
        attempt.facts["duration"] = round(transcoded.seconds, 3)
        attempt.facts["width"], attempt.facts["height"] = transcoded.original  # upright, as of images
        with attempt.steps("render"):
            results = self._render(fetched, transcoded, attempt, overhead, specs)
        fetched.path.unlink()
        return results

    def _render(
        self,
        fetched: FetchedVideo,
        transcoded: TranscodedVideo,
        attempt: Attempt,
        overhead: Overhead,
        specs: Specs,
    ) -> VideoResults:
        """Choose the frames to judge, make their proxies, and the poster of the best of them."""
        choice = choose_frames(transcoded.frames, self._settings.moderation_frames)
        chosen = choice.frames
        best = transcoded.frames[judged_frames.choose_poster(transcoded.frames, chosen)].time
        poster: Rendered | None = None
        shown: list[tuple[float, bytes]] = []
        for frame in self._frames(fetched, transcoded, chosen, attempt, overhead):
            shown += [(frame.time, proxy) for proxy in proxies(Packed(frame.picture))]
            if frame.time == best:
                poster = render_frame(frame.picture, specs)
            attempt.renew_lease()
        if poster is None:
            raise AssertionError("the poster is one of the judged frames")
        return VideoResults(
            renditions=(
                VideoFile(path=transcoded.path, width=transcoded.width, height=transcoded.height),
                *poster.renditions,
            ),
            proxies=tuple(proxy for _, proxy in shown),
            times=tuple(time for time, _ in shown),
            many_scenes=choice.many_scenes,
            placeholder=poster.placeholder,
            dominant_colour=poster.dominant_colour,
            pdq=poster.pdq,
            pdq_quality=poster.pdq_quality,
        )

    def _frames(
        self,
        fetched: FetchedVideo,
        transcoded: TranscodedVideo,
        chosen: tuple[int, ...],
        attempt: Attempt,
        overhead: Overhead,
    ) -> Iterator[judged_frames.JudgedFrame]:
        def on_progress(_: float) -> None:
            attempt.renew_lease()

        if not self._settings.specs.grayscale:
            yield from judged_frames.from_published(transcoded, chosen, on_progress)
            return
        with open_video(fetched.path, fetched.content_type, self._limits, overhead) as source:
            yield from judged_frames.from_source(
                source,
                transcoded,
                chosen,
                lines=self._settings.height,
                background=self._settings.specs.background,
                limits=self._limits,
                on_progress=on_progress,
            )


class _Deadline:
    """Checks the time during transcoding: a video that takes too long once would take too long again."""

    def __init__(self, attempt: Attempt) -> None:
        self._invocation = attempt.invocation
        self._attempt = attempt
        self._began = attempt.invocation.time_left()
        self._available = self._began - 1.5 * attempt.invocation.step_seconds

    def __call__(self, done: float) -> None:
        """Check whether a video of which the share `done` is finished can be completed in time.

        Raises RejectedError (`too_long`), or OutOfTimeError if this run began late.
        """
        self._attempt.renew_lease()
        spent = self._began - self._invocation.time_left()
        if spent < EARLY_PART * self._available:
            return
        hopeless = done > 0 and spent / done > EARLY_FACTOR * self._available
        if spent < self._available and not hopeless:
            return
        if self._began < FAIR_START * self._invocation.timeout:
            raise OutOfTimeError(f"{self._began:.0f} s were left when the work on the video began")
        raise RejectedError(
            Reason.TOO_LONG,
            f"in {spent:.0f} s only {done:.0%} of it could be transcoded, and {self._available:.0f} s are available",
        )


def _facts(source: SourceVideo) -> dict[str, Any]:
    context = source.video_track.codec_context
    facts = {
        "codec": source.codec,
        "sound": source.audio_codec or False,
        "dropped_sound": source.dropped_audio,
        "width": context.width,
        "height": context.height,
        "duration": source.seconds,
        "frame_rate": nominal_frame_rate(source.video_track),
    }
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in facts.items()
        if value is not None
    }


@contextmanager
def _scratch() -> Iterator[Path]:
    """Create a folder that is removed afterwards; first remove those of functions that were killed."""
    root = Path(tempfile.gettempdir())
    for left in root.iterdir():
        owner = _FOLDER.match(left.name)
        if owner and not _is_alive(int(owner[1])):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"media-pipeline-video-{os.getpid()}-") as folder:
        yield Path(folder)


def _is_alive(process: int) -> bool:
    """Return whether another process has this id; a folder with this process's own id is from an earlier one."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
