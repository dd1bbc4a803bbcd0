"""Puts what a record may publish, and moves what it withholds to quarantine."""

import hashlib
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

from media_pipeline import __version__
from media_pipeline.images.review_pictures import for_review
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.endings import Ending, withheld_as
from media_pipeline.quarantine import review_key
from media_pipeline.records.record import Record, Status, iso_time
from media_pipeline.results import Output, Results
from media_pipeline.storage import Storage

PUTS_AT_ONCE = 8
HELD = "HELD"  # the tag `status` of what a person escalated: no lifecycle rule has it
REVIEW_PICTURES = 40  # of one version, at most: what a person can look through


class Publishing:
    """The last step before a commit. `clock` gives epoch seconds."""

    def __init__(self, storage: Storage, *, stack: str, clock: Callable[[], float]) -> None:
        self._storage = storage
        self._stack = stack
        self._clock = clock

    def publish(
        self, attempt: Attempt, record: Record, results: Results, *, there: Collection[str] = ()
    ) -> None:
        """Put every rendition of a record that may be published, several at once, and wait for all of them.

        But for those whose keys are `there`: these hold the same bytes.
        """
        if not record.publishes:
            # Fail closed, whatever the caller decided.
            raise AssertionError("the record has no allowing verdict, and no approval of exactly its bytes")
        facts = self._labels(record, Status.PUBLISHED)

        def put(key: str, rendition: Output) -> None:
            with rendition.opened() as body:
                self._storage.put_rendition(key, body, content_type=rendition.content_type, facts=facts)

        def puts() -> Iterator[Callable[[], None]]:
            for entry, rendition in zip(record.renditions, results.renditions, strict=True):
                if entry["key"] in there:
                    continue
                attempt.before_call("put a rendition")
                attempt.put_keys.add(entry["key"])
                yield partial(put, entry["key"], rendition)

        with attempt.steps("publish"):
            for _ in attempt.overlap.at_most(PUTS_AT_ONCE)(puts()):
                """Each has its turn; the first failure is raised when all have ended."""

    def remove(self, attempt: Attempt, keys: Collection[str]) -> None:
        """Remove renditions that no record is to list, right after a look at the lease.

        Without it another attempt may have published them meanwhile. Raises LeaseLostError, OutOfTimeError, and
        TransientError where S3 refused to.
        """
        if keys:
            attempt.before_call("remove renditions")
            self._storage.remove_renditions(keys)

    def remove_pictures(self, attempt: Attempt, record: Record) -> None:
        """Remove the pictures for reviewers of a version, right after a look at the lease. Raises as `remove` does."""
        attempt.before_call("look for pictures for reviewers")
        quarantined = self._storage.quarantined
        if pictures := quarantined.pictures_of(record.object_key, record.version):
            attempt.before_call("remove pictures for reviewers")
            quarantined.remove(pictures)

    def remove_copy(self, attempt: Attempt, record: Record) -> None:
        """Remove what quarantine holds of a version, right after a look at the lease. Raises as `remove` does."""
        attempt.before_call("remove the copy in quarantine")
        self._storage.quarantined.remove_version(record.object_key, record.version)

    def put_review_pictures(
        self, attempt: Attempt, results: Results, moderation: ModerationResult
    ) -> list[dict[str, Any]]:
        """Put the judged pictures of what is withheld or checked into quarantine; return what the record says of them.

        To be called before the verdict is stored: once it is, no later attempt makes these pictures again. Of more
        than REVIEW_PICTURES, those with the surest labels. The first one carries the ThumbHash of the whole, which
        the record must not hold: applications read it.
        """
        record = attempt.record
        # The bucket's lifecycle goes by this tag: pictures for a check stay as long as those for a review.
        status = Status.REVIEW if moderation.publishes else withheld_as(moderation)[0]
        facts = self._labels(record, status)
        chosen = _to_review(results, moderation)
        keys = [review_key(record.object_key, record.version, number) for number in range(1, len(chosen) + 1)]

        def put(key: str, picture: bytes) -> None:
            metadata = {"thumbhash": results.placeholder} if key == keys[0] else {}
            self._storage.quarantined.put_picture(key, for_review(picture), facts=facts, metadata=metadata)

        def puts() -> Iterator[Callable[[], None]]:
            for key, (_, picture, _) in zip(keys, chosen, strict=True):
                attempt.before_call("put a picture for reviewers")
                attempt.put_pictures = True
                yield partial(put, key, picture)

        with attempt.steps("review"):
            for _ in attempt.overlap.at_most(PUTS_AT_ONCE)(puts()):
                """Each has its turn; the first failure is raised when all have ended."""
        return [
            {"key": key, "sha256": digest, **({} if time is None else {"time": round(time, 3)})}
            for key, (digest, _, time) in zip(keys, chosen, strict=True)
        ]

    def quarantine(self, attempt: Attempt, record: Record) -> Ending:
        """Move the original to quarantine; only a verified move ends as BLOCKED or REVIEW."""
        if record.moderation is None:
            raise AssertionError("only a record with a withholding verdict is moved to quarantine")
        status, reason = withheld_as(record.moderation)
        self.move(attempt, record, status)
        facts = {"reason": reason, "detail": record.moderation.reason, "original": "quarantine"}
        return Ending(status, facts)

    def move(self, attempt: Attempt, record: Record, status: Status) -> None:
        """Move the original of what ends in `status` to quarantine. Raises OriginalGoneError, TransientError."""
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

    def hold(self, attempt: Attempt, record: Record, *, status: Status) -> bool:
        """Take what is in quarantine of a version out of the bucket's lifecycle; return whether the copy is there.

        The lifecycle rules choose by the tag `status`, since S3 has none for what lacks a tag.
        """
        return self._tag(attempt, self._labels_of_held(record, status))

    def release(self, attempt: Attempt, record: Record, *, status: Status) -> bool:
        """Give what is in quarantine of a version back to the lifecycle; return whether the copy is there."""
        return self._tag(attempt, self._labels(record, status))

    def tag_again(self, record: Record, *, status: Status, is_held: bool) -> None:
        """Tag what is in quarantine of a version as its record says, without an attempt of its own."""
        labels = self._labels_of_held(record, status) if is_held else self._labels(record, status)
        self._storage.quarantined.tag_version(record.object_key, record.version, labels)

    def _labels_of_held(self, record: Record, status: Status) -> dict[str, str]:
        return {**self._labels(record, status), "status": HELD, "hold": "yes"}

    def _tag(self, attempt: Attempt, facts: dict[str, str]) -> bool:
        record = attempt.record
        attempt.invocation.require_time("tag what is in quarantine")
        attempt.tagged = True
        with attempt.steps("quarantine"):
            return self._storage.quarantined.tag_version(record.object_key, record.version, facts)

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


def _to_review(results: Results, moderation: ModerationResult) -> list[tuple[str, bytes, float | None]]:
    """Choose the judged pictures to show to reviewers: SHA-256, JPEG and time of each, in the order of the work."""
    surest = {
        picture.sha256: max((label.confidence for label in picture.labels), default=0.0)
        for picture in moderation.pictures
    }
    times = results.times or (None,) * len(results.proxies)
    judged = [
        (hashlib.sha256(picture).hexdigest(), picture, time)
        for picture, time in zip(results.proxies, times, strict=True)
    ]
    ranked = sorted(range(len(judged)), key=lambda at: -surest.get(judged[at][0], 0.0))
    return [judged[at] for at in sorted(ranked[:REVIEW_PICTURES])]
