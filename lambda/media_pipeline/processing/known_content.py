"""Compares what is about to be judged with the stack's hash list."""

from collections.abc import Callable

from media_pipeline.moderation.hash_list import Match
from media_pipeline.processing.attempt import Attempt
from media_pipeline.records.hash_list import HashListReader


class KnownContent:
    """Finds what is on the list, after it was made and before Rekognition is asked: what is judged is published.

    In every mode: that Rekognition is only observed, or not asked at all, does not lift what a person put on the list.
    """

    def __init__(self, lists: HashListReader) -> None:
        self._lists = lists

    def find(self, attempt: Attempt, before_read: Callable[[], None]) -> Match | None:
        """Return the entry that the attempt's original matches.

        `before_read` is called before the list is read, and may refuse that by raising. Raises what reading the list
        raises, so that the message comes back: what may be on it is not published.
        """
        known = self._lists.current(before_read)
        return known.exact(attempt.facts["sha256"], now=attempt.clock())
