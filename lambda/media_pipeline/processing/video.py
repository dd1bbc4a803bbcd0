"""The story of one video: streamed to a file, looked at, made anew, judged by samples, and only then published."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import OutOfTimeError, Reason, RejectedError, TransientError
from media_pipeline.events import ObjectEvent
from media_pipeline.images.proxies import proxies
from media_pipeline.images.rasters import Packed
from media_pipeline.images.renditions import Rendered, render_frame
from media_pipeline.processing.processor import CHUNK_BYTES, Attempt, Story, Tools
from media_pipeline.records.record import Stage
from media_pipeline.records.table import Records
from media_pipeline.results import Made
from media_pipeline.settings.functions import VideoSettings
from media_pipeline.videos import judged_frames
from media_pipeline.videos.frame_selection import choose
from media_pipeline.videos.outputs import Film, MadeOfVideo
from media_pipeline.videos.source import Opened, nominal_rate, opened
from media_pipeline.videos.transcoding import Transcoded, transcode
from media_pipeline.videos.video_limits import VideoLimits

KEEP_EVERY, AGAIN_AFTER, GIVE_UP_AFTER = 0.25, 0.05, 0.7
"""Of the lease: how much of it passes before it is extended, before that is tried again, before that is given up."""
FAIR_START = 0.7
"""Of the time-out, to be left when the work on a video begins: with less, it is the start that was slow."""
EARLY_PART = 0.1
"""Of the time there is for the work: when that has passed, the part that is done tells how long all of it takes."""
EARLY_FACTOR = 1.5  # so much too long, before it is told early: the end may be quicker than the beginning
_FOLDER = re.compile(r"media-pipeline-video-(\d+)-")


class VideoPipeline(Story):
    """Takes videos through the story. `settings` are those among the tools."""

    stage = Stage.VIDEO
    further_names = (Film.name,)

    def __init__(self, tools: Tools, settings: VideoSettings) -> None:
        super().__init__(tools)
        self._video = settings
        self._keepers: dict[str, Keeper] = {}
        self._limits = VideoLimits(
            bytes=settings.video_bytes,
            seconds=settings.video_seconds,
            pixels=settings.limits.pixels,
            memory=settings.limits.memory,
        )

    def _pass_on(self, event: ObjectEvent, stage: Stage) -> None:
        # The image function marks a version before it sends it here: another message is about it.
        raise TransientError(f"{event.key} waits for the function of the stage {stage}")

    @contextmanager
    def _made(self, attempt: Attempt) -> Iterator[Made]:
        self._keepers.clear()
        keeper = self._keeper(attempt)
        with _scratch() as folder:
            original, content_type = self._fetch(attempt, folder / "original", keeper)
            self._records.begin_decoding(attempt.claim)
            deadline = _Deadline(attempt, keeper)
            with opened(original, content_type, self._limits) as source:
                attempt.facts |= _seen(source)
                with attempt.steps("transcode"):
                    made = transcode(
                        source,
                        folder / "video.mp4",
                        lines=self._video.height,
                        grey=self._video.specs.grayscale,
                        limits=self._limits,
                        watch=deadline,
                    )
            attempt.facts["duration"] = round(made.seconds, 3)
            attempt.facts["width"], attempt.facts["height"] = made.original  # upright, as of pictures
            with attempt.steps("render"):
                everything = self._render(original, content_type, made, keeper)
            original.unlink()
            yield everything

    def _before(self, attempt: Attempt, step: str) -> None:
        super()._before(attempt, step)
        self._keeper(attempt).keep()

    def _keeper(self, attempt: Attempt) -> "Keeper":
        """The one that goes on through the whole attempt."""
        return self._keepers.setdefault(attempt.claim.owner, Keeper(self._records, attempt, self._clock))

    def _fetch(self, attempt: Attempt, target: Path, keeper: "Keeper") -> tuple[Path, str]:
        """Stream exactly the event's version to a file."""
        digest = hashlib.sha256()
        with attempt.steps("fetch"), self._opened(attempt) as (original, kind, head):
            if kind.family != "video":
                raise RejectedError(Reason.UNSUPPORTED_TYPE, f"the bytes are {kind.content_type}, no video")
            if original.length > self._limits.bytes:
                raise RejectedError(
                    Reason.TOO_LARGE,
                    f"it has {original.length:,} bytes; this stack takes videos of up to {self._limits.bytes:,}",
                )
            with target.open("wb") as file:
                chunk = head
                while chunk:
                    file.write(chunk)
                    digest.update(chunk)
                    attempt.invocation.require_time("read on")
                    keeper.keep()
                    chunk = original.read(CHUNK_BYTES)
        attempt.facts["sha256"] = digest.hexdigest()
        return target, kind.content_type

    def _render(self, original: Path, content_type: str, made: Transcoded, keeper: "Keeper") -> MadeOfVideo:
        """Choose the frames to judge, make their proxies, and the poster of the best of them."""
        chosen = choose(made.frames, self._video.moderation_frames)
        best = made.frames[judged_frames.poster(made.frames, chosen)].time
        poster: Rendered | None = None
        shown: list[tuple[float, bytes]] = []
        for frame in self._frames(original, content_type, made, chosen, keeper):
            shown += [(frame.time, proxy) for proxy in proxies(Packed(frame.picture))]
            if frame.time == best:
                poster = render_frame(frame.picture, self._video.specs)
            keeper.keep()
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
        self, original: Path, content_type: str, made: Transcoded, chosen: tuple[int, ...], keeper: "Keeper"
    ) -> Iterator[judged_frames.Judged]:
        def watch(_: float) -> None:
            keeper.keep()

        if not self._video.specs.grayscale:
            yield from judged_frames.published(made, chosen, watch)
            return
        with opened(original, content_type, self._limits) as source:
            yield from judged_frames.coloured(
                source, made, chosen, lines=self._video.height, limits=self._limits, watch=watch
            )


class Keeper:
    """Extends the lease, and the time for which the message stays hidden, while the work goes on.

    So a version whose function was killed is taken up again soon, and not when the longest run would have ended.
    """

    def __init__(self, records: Records, attempt: Attempt, clock: Callable[[], float]) -> None:
        self._records = records
        self._attempt = attempt
        self._clock = clock
        self._due = clock()
        self._give_up = self._due + GIVE_UP_AFTER * attempt.invocation.lease_seconds

    def keep(self) -> None:
        """Extend the lease where a good part of it has passed. Raises LeaseLostError."""
        invocation, now = self._attempt.invocation, self._clock()
        if now < self._due:
            return
        seconds = invocation.lease_seconds
        try:
            self._records.extend(self._attempt.claim, lease_seconds=seconds)
        except (BotoCoreError, ClientError):
            if now > self._give_up:
                raise
            self._due = now + AGAIN_AFTER * seconds  # there is time: a service may be away for a moment
            return
        self._due, self._give_up = now + KEEP_EVERY * seconds, now + GIVE_UP_AFTER * seconds
        with suppress(
            BotoCoreError, ClientError
        ):  # it comes back and finds the lease: no harm but the trouble
            invocation.hide(seconds)


class _Deadline:
    """Watches the time while a video is made: what cannot be done in one run will not be done in the next."""

    def __init__(self, attempt: Attempt, keeper: Keeper) -> None:
        self._invocation = attempt.invocation
        self._keeper = keeper
        self._began = attempt.invocation.time_left()
        self._there_is = self._began - 1.5 * attempt.invocation.step_seconds

    def __call__(self, done: float) -> None:
        """Go on with a video of which the part `done` is done.

        Raises RejectedError (`too_long`), or OutOfTimeError where this run began late.
        """
        self._keeper.keep()
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


def _seen(source: Opened) -> dict[str, Any]:
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
