"""Judging while a picture's other renditions are still encoded."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Protocol, Self, TypeVar

from media_pipeline.errors import OutOfTimeError, SlowDecodingError, TransientError
from media_pipeline.images.renditions import Judging
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.processing.attempt import Attempt

T = TypeVar("T")
Proxies = tuple[bytes, ...]


class Ask(Protocol):
    """Asks Rekognition about pictures; calls `before_each` before each request."""

    def __call__(self, proxies: Proxies, *, before_each: Callable[[], None]) -> ModerationResult:
        """Return the verdict."""
        ...


class EarlyJudging(Judging):
    """Asks in the background as soon as the pictures to judge are made.

    A context manager: on leaving it, no request is under way. A verdict that is not used then is dropped; the answers
    that were paid for stay with the attempt.
    """

    def __init__(
        self, attempt: Attempt, ask: Ask, *, is_needed: Callable[[Proxies], bool], encoders: int
    ) -> None:
        """`is_needed` tells whether these pictures have to be judged; up to `encoders` encode at once."""
        self._attempt = attempt
        self._ask = ask
        self._is_needed = is_needed
        self._encoders = encoders
        self._is_over = False
        self._verdict: Future[ModerationResult] | None = None
        self._proxies: Proxies = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        if self._verdict is not None:
            self._attempt.overlap.join([self._verdict])

    def begin(self, proxies: Proxies) -> None:
        """Ask about all pictures to judge, unless that is not needed or decoding was too slow."""
        if self._attempt.invocation.has_time and self._is_needed(proxies):
            self._proxies = proxies
            self._verdict = self._attempt.overlap.start(
                partial(self._ask, proxies, before_each=self._before_request)
            )

    def check(self) -> None:
        """Raise the error of a request that failed.

        One that had no time left while files are still to encode says that decoding and encoding are too slow.
        Raises SlowDecodingError then.
        """
        if self._verdict is None or not self._verdict.done():
            return
        error = self._verdict.exception()
        if isinstance(error, OutOfTimeError):
            raise SlowDecodingError("decoding and rendering used up the time that judging needs") from error
        if error is not None:
            raise error

    def require_time(self) -> None:
        """Refuse to go on where decoding and encoding left too little time to publish, or a request failed by now.

        Raises the error of that request, as `check` does: a long hash list can have taken the time. Raises
        SlowDecodingError otherwise.
        """
        self.check()
        if not self._attempt.invocation.has_time:
            raise SlowDecodingError("decoding and rendering used up the time that publishing needs")

    def encode(self, calls: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Make the calls, as many at once as the function has processors."""
        return self._attempt.overlap.at_most(self._encoders)(calls)

    def verdict(self, proxies: Proxies) -> ModerationResult | None:
        """Wait for the verdict about exactly these pictures; None where it was not asked for.

        Raises what the requests raised.
        """
        if self._verdict is None or self._proxies != proxies:
            return None
        self._attempt.overlap.join([self._verdict])
        return self._verdict.result()

    def _before_request(self) -> None:
        if self._is_over:
            raise TransientError("the attempt ended before all of its pictures were judged")
        self._attempt.before_call("ask Rekognition")
