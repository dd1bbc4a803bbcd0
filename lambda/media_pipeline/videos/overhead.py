"""A bound on the processor time that a video takes beside its pictures and its sound.

A small file can hold millions of boxes, tags, tracks, or packets that give no picture. What the pictures of a video
cost is bounded by its limits and by the function's time-out; the rest has bounds of its own, whatever the time-out is.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from media_pipeline.errors import OutOfTimeError, Reason, RejectedError
from media_pipeline.videos.video_limits import VideoLimits

OPENING_SECONDS = 4.0
"""Of each of the two steps in which FFmpeg opens a file: reading the header, and the first packets of each track. All
passes over a video together have as much: a camera's file takes a few hundredths of a second."""
READING_SECONDS = 8.0
"""Of all packets that give no picture. Also the longest that FFmpeg may search for one packet."""
SOUND_SHARE = 0.03
"""Seconds that a second of sound may take, where that is more: a still picture with an hour of sound is a video too."""
_WORKED = 0.1
"""Share of the time on the clock that was spent computing, below which the machine stood still or was overloaded. A
function with the least memory that a stack may give it has more of a processor than that."""

Clock = Callable[[], float]


class Overhead:
    """Measures what all passes over one video take beside its pictures and its sound."""

    def __init__(
        self, limits: VideoLimits, processor: Clock = time.process_time, clock: Clock = time.monotonic
    ) -> None:
        self._limits = limits
        self._processor = processor
        """Seconds of processor time of the whole process."""
        self._clock = clock
        self._opening = 0.0
        self._reading = 0.0
        self._useful = 0.0
        self._sound = 0.0
        self._pictures = 0
        self._seen_pictures = 0
        self._lap = processor()

    @contextmanager
    def opening(self) -> Iterator[float]:
        """Yield how many seconds each of FFmpeg's steps of opening a file may take.

        Raises RejectedError (resource_exhausted), or OutOfTimeError where the machine stood still; whatever FFmpeg
        made of the interruption is ignored: it may even take it for the end of the file.
        """
        allowed = max(0.0, OPENING_SECONDS - self._opening)
        worked, began = self._processor(), self._clock()
        try:
            yield allowed
        finally:
            spent = self._processor() - worked
            self._opening += spent
            self._check(allowed, spent, self._clock() - began, "to read its header")

    @contextmanager
    def search(self) -> Iterator[None]:
        """Measure the search for the next packet.

        Raises RejectedError (resource_exhausted), or OutOfTimeError where the machine stood still.
        """
        worked, began = self._processor(), self._clock()
        try:
            yield
        finally:
            self._check(
                READING_SECONDS, self._processor() - worked, self._clock() - began, "to find one packet"
            )

    def begin_pass(self) -> None:
        """Begin a pass over the packets."""
        self._lap = self._processor()

    def count_pictures(self, pictures: int) -> None:
        """Count the pictures that a packet gave."""
        self._pictures += pictures

    def count_sound(self, seconds: float) -> None:
        """Count the seconds of sound that a packet gave."""
        self._sound = min(self._sound + seconds, self._limits.seconds)

    def packet_done(self) -> None:
        """Charge the time since the last packet was done, in all threads, to pictures or to what gives none.

        Raises RejectedError: resource_exhausted.
        """
        now = self._processor()
        if self._pictures > self._seen_pictures:
            self._useful += now - self._lap
        else:
            self._reading += now - self._lap
        self._lap, self._seen_pictures = now, self._pictures
        # No more than the pictures took: packets of one field, hidden frames and delays of decoders give none either.
        if self._reading > max(READING_SECONDS, self._useful, SOUND_SHARE * self._sound):
            raise _exhausted(self._reading, "to read packets that give no picture")

    def _check(self, allowed: float, worked: float, passed: float, what: str) -> None:
        if passed < allowed:
            return
        if worked < _WORKED * passed:
            raise OutOfTimeError(
                f"it took {passed:.1f} s {what}, of which the function worked {worked:.1f} s"
            )
        raise _exhausted(worked, what)


def _exhausted(spent: float, what: str) -> RejectedError:
    return RejectedError(
        Reason.RESOURCE_EXHAUSTED,
        f"it took {spent:.1f} s of processor time {what}: it has too many boxes, tags or packets without pictures",
    )
