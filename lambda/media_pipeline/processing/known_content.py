"""Compares what is about to be judged with the stack's hash list."""

from collections.abc import Callable, Sequence

from media_pipeline.images import likeness
from media_pipeline.images.pdq import ALIKE
from media_pipeline.moderation.hash_list import HashList, Match
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.processing.attempt import Attempt
from media_pipeline.records.hash_list import HashListReader


class KnownContent:
    """Finds what is on the list, after it was made and before Rekognition is asked: what is judged is published.

    In every mode: that Rekognition is only observed, or not asked at all, does not lift what a person put on the list.
    """

    def __init__(self, lists: HashListReader, *, like: Verdict) -> None:
        """`like` is what becomes of an upload that looks like what an entry blocks."""
        self._lists = lists
        self._like = like

    def find(
        self, attempt: Attempt, proxies: Sequence[bytes], before_read: Callable[[], None]
    ) -> Match | None:
        """Return the entry that the attempt's original matches, or that one of its judged `proxies` looks like.

        `before_read` is called before each request for the list, and may refuse that by raising. Raises what reading
        the list raises, so that the message comes back: what may be on it is not published.
        """
        known, now = self._lists.current(before_read), attempt.clock()
        exact = known.exact(attempt.facts["sha256"], now=now)
        if not known.has_pictures or (exact is not None and exact.action is Verdict.BLOCK):
            return exact
        like = self._alike(known, proxies, now)
        if like is None or (exact is not None and exact.action.severity >= like.action.severity):
            return exact
        return like

    def _alike(self, known: HashList, proxies: Sequence[bytes], now: float) -> Match | None:
        bits = [each.bits for proxy in proxies for each in likeness.hashes(proxy)]
        found = known.like(bits, most=ALIKE, now=now)
        if found is None or found.action is not Verdict.BLOCK:
            return found
        return found._replace(action=self._like)
