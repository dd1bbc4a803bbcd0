"""Puts what a record may publish, and moves what it withholds to quarantine."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial

from media_pipeline import __version__
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.endings import WITHHELD, Ending
from media_pipeline.records.record import Record, Status, iso_time
from media_pipeline.results import Output, Results
from media_pipeline.storage import Storage

PUTS_AT_ONCE = 8


class Publishing:
    """The last step before a commit. `clock` gives epoch seconds."""

    def __init__(self, storage: Storage, *, stack: str, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._stack = stack
        self._clock = clock

    def publish(self, attempt: Attempt, record: Record, results: Results) -> None:
        """Put every rendition of a record that may be published, several at once, and wait for all of them."""
        if not record.publishes:
            # Fail closed, whatever the caller decided.
            raise AssertionError("the record has no allowing verdict, and no approval of exactly its bytes")
        facts = self._labels(record, Status.PUBLISHED)

        def put(key: str, rendition: Output) -> None:
            with rendition.opened() as body:
                self._storage.put_rendition(key, body, content_type=rendition.content_type, facts=facts)

        def puts() -> Iterator[Callable[[], None]]:
            for entry, rendition in zip(record.renditions, results.renditions, strict=True):
                attempt.before_call("put a rendition")
                attempt.put_keys.add(entry["key"])
                yield partial(put, entry["key"], rendition)

        with attempt.steps("publish"):
            for _ in attempt.overlap.at_most(PUTS_AT_ONCE)(puts()):
                """Each has its turn; the first failure is raised when all have ended."""

    def quarantine(self, attempt: Attempt, record: Record) -> Ending:
        """Move the original to quarantine; only a verified move ends as BLOCKED or REVIEW."""
        if record.moderation is None:
            raise AssertionError("only a record with a withholding verdict is moved to quarantine")
        status, reason = WITHHELD[record.moderation.verdict]
        attempt.invocation.require_time("move the original to quarantine")
        with attempt.steps("quarantine"):
            self._storage.quarantine(
                record.object_key,
                version_id=record.version_id,
                etag=record.etag,
                sha256=record.attributes["sha256"],
                facts=self._labels(record, status),
                size=int(record.attributes.get("bytes", 0)),
            )
        facts = {"reason": reason, "detail": record.moderation.reason, "original": "quarantine"}
        return Ending(status, facts)

    def _labels(self, record: Record, status: Status) -> dict[str, str]:
        """Return an object's metadata and tags; S3 allows letters, digits and few other characters there."""
        return {
            "source-version": record.version,
            "source-key-sha256": hashlib.sha256(record.object_key.encode()).hexdigest(),
            "processed-at": iso_time(self._clock()),
            "status": status.value,
            "stack": self._stack,
            "pipeline-version": __version__,
        }
