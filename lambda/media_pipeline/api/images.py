"""Answers what became of an upload: what is published, and never the labels that withheld it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from media_pipeline.api.appeals import Appeals
from media_pipeline.api.originals import Originals
from media_pipeline.api.statements import appeal_of, statement_of
from media_pipeline.errors import Reason
from media_pipeline.messaging.statuses import sentences_of
from media_pipeline.records.record import Record, Status
from media_pipeline.records.table import Records

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINK_SECONDS = 15 * 60
FACTS = ("content_type", "width", "height", "bytes", "duration", "created_at", "finished_at")
LOOKS = ("dominant_colour", "placeholder")  # only of published uploads: a blurred picture shows it as well
HIDING = frozenset({Status.BLOCKED, Status.REVIEW, Status.DELETED})


class Images:
    """Describe uploads to those who sent them, and take their appeals. `clock` gives epoch seconds."""

    def __init__(
        self,
        *,
        originals: Originals,
        records: Records,
        appeals: Appeals,
        s3: "S3Client",
        renditions: str,
        clock: Callable[[], float],
        address_of: Callable[[str], str] | None = None,
    ) -> None:
        """`address_of` gives a rendition's address at the CDN by its key; without it there are links to the bucket."""
        self._address_of = address_of
        self._originals = originals
        self._records = records
        self._appeals = appeals
        self._clock = clock
        self._s3 = s3
        self._renditions = renditions

    def describe(self, image_id: str, key: str) -> dict[str, Any] | None:
        """Return the document of the upload under `key` (the API's schema Image); None while it has not arrived."""
        history = [record for record in self._records.history(key) if not _is_hidden(record)]
        if history:
            return {"image_id": image_id, **self._describe(history)}
        length = self._originals.length(key)
        if length is None:
            return None
        return {"image_id": image_id, "status": "RECEIVED", "bytes": length, "renditions": []}

    def withdraw(self, key: str) -> bool:
        """Delete the upload under `key` and all that came of it; return whether there is one.

        The pipeline removes renditions and what is in quarantine a moment later. Withdrawn again, nothing happens.
        """
        if self._originals.delete(key):
            return True
        newest = next((record for record in self._records.history(key) if not record.undone), None)
        if newest is None:
            return False
        if not newest.is_tombstone:
            self._originals.mark_deleted(key)  # it was moved to quarantine, or its retention is over
        return True

    def appeal(self, key: str, text: str) -> bool:
        """Note an appeal against the outcome of the upload under `key`; return whether there is one.

        Raises Problem where the stack takes none, or not this one.
        """
        self._appeals.require_taken()
        newest = next((record for record in self._records.history(key) if not _is_hidden(record)), None)
        if newest is None:
            return False
        self._appeals.appeal(newest, text)
        return True

    def _describe(self, history: list[Record]) -> dict[str, Any]:
        newest, published = history[0], _published(history)
        facts = newest.attributes
        answer: dict[str, Any] = {"status": newest.status.value}
        if newest.status.terminal and facts.get("reason"):
            answer["reason"] = facts["reason"]
            if detail := sentences_of(newest).for_uploader or facts.get("detail"):
                answer["detail"] = detail
        if statement := statement_of(newest, appeal_days=self._appeals.days, now=self._clock()):
            answer["statement"] = statement
        if appeal := appeal_of(newest):
            answer["appeal"] = appeal
        answer |= {name: facts[name] for name in FACTS if facts.get(name) is not None}
        answer["renditions"] = []
        if published is not None:
            looks = published.attributes
            answer |= {name: looks[name] for name in LOOKS if looks.get(name) is not None}
            answer["renditions"] = [self._linked(entry) for entry in published.renditions]
        return answer

    def _linked(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        # Always of the current distribution, which the record's own address may be older than.
        url = self._address_of(entry["key"]) if self._address_of else self._signed_link(entry["key"])
        named = {
            name: entry[name] for name in ("name", "format", "width", "height", "bytes") if name in entry
        }
        return {**named, "url": url}

    def _signed_link(self, key: str) -> str:
        return self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": self._renditions, "Key": key}, ExpiresIn=LINK_SECONDS
        )


def _was_refused(record: Record) -> bool:
    """Return whether this is a later upload of a key that had one: it says nothing about the upload of this id."""
    return record.attributes.get("reason") == Reason.ALREADY_UPLOADED


def _is_hidden(record: Record) -> bool:
    """Return whether a record says nothing to readers: refused, undone, or replaced by a newer one.

    What a newer version replaced stays hidden even where the newer record expired first.
    """
    return _was_refused(record) or record.undone or record.followed_by is not None


def _published(history: list[Record]) -> Record | None:
    """Return the version to show: the newest published one, unless a newer one hides it."""
    for record in history:
        if record.status in HIDING or record.is_withdrawn_from_readers:  # the workers are about to remove it
            return None
        if record.status is Status.PUBLISHED:
            return record
    return None
