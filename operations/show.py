"""Everything that a stack knows of one object key: its records, newest first, and where its bytes are."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from media_pipeline.quarantine import quarantine_key
from media_pipeline.records.approvals import approvals_given
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Record, Status
from operations.ages import age
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

LABELS = 5
"""Labels of a verdict that are shown, the surest first; `--json` shows all."""
_GONE = frozenset({"404", "NoSuchKey", "NoSuchVersion", "405", "MethodNotAllowed"})


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One record, and what the buckets hold of its version."""

    record: Record
    uploaded: bool
    """Whether the original is in the uploads bucket."""
    quarantined: bool
    """Whether a copy of the original is in quarantine."""
    missing: tuple[str, ...]
    """Keys of renditions that the record lists and the bucket does not have."""

    def to_document(self) -> dict[str, Any]:
        """Return all attributes of the record, and `stored: {"uploads", "quarantine", "missing_renditions"}`."""
        stored = {
            "uploads": self.uploaded,
            "quarantine": self.quarantined,
            "missing_renditions": list(self.missing),
        }
        return {**self.record.attributes, "stored": stored}

    def lines(self, now: float) -> Iterator[str]:
        """Describe it for a person; `now` is in epoch seconds."""
        record, known = self.record, self.record.attributes
        why = ": ".join(known[name] for name in ("reason", "detail") if known.get(name))
        yield f"{record.status}  {known.get('finished_at') or known.get('updated_at')}{f'  {why}' if why else ''}"
        yield f"    version {record.version}, sequencer {record.sequencer}, attempt {record.attempt}"
        facts = [
            str(known[name]) + unit
            for name, unit in (("content_type", ""), ("bytes", " bytes"), ("duration", " s"))
            if known.get(name)
        ]
        if facts:
            yield f"    {', '.join(facts)}, sha256 {known.get('sha256')}"
        yield from self._work(now)
        yield from self._verdict()
        yield from self._decisions()
        yield f"    original: {self._original()}"
        if record.renditions:
            missing = f", of which {len(self.missing)} are missing" if self.missing else ""
            yield f"    {len(record.renditions)} renditions{missing}"
        announced = record.announced_at or ("not yet" if record.status.terminal else "when it is finished")
        yield f"    created {known.get('created_at')}, announced {announced}, trace {known.get('trace_id')}"

    def _work(self, now: float) -> Iterator[str]:
        if self.record.status is not Status.PROCESSING:
            return
        left = self.record.lease_left(now)
        if left > 0:
            yield f"    {self.record.owner} works on it, for {age(left)} at most"
        else:
            yield f"    nobody works on it; it waits for the {self.record.stage} function"

    def _verdict(self) -> Iterator[str]:
        moderation = self.record.moderation
        if moderation is None:
            return
        known = sorted(moderation.labels, key=lambda label: -label.confidence)
        labels = ", ".join(f"{label.name} {label.confidence:.1f}" for label in known[:LABELS])
        more = f" and {len(known) - LABELS} more labels" if len(known) > LABELS else ""
        of = f" of {moderation.to_judge}" if moderation.to_judge not in (None, moderation.judged) else ""
        asked = f" from {moderation.asked_from:g} percent on" if moderation.asked_from is not None else ""
        yield (
            f"    verdict {moderation.verdict} ({moderation.mode}) by policy {moderation.policy_version}, model"
            f" {moderation.model_version}: {moderation.judged}{of} pictures judged{asked}"
        )
        yield f"    labels: {labels + more if labels else 'none'}"

    def _decisions(self) -> Iterator[str]:
        if hold := self.record.attributes.get("hold"):
            reason = f": {hold['reason']}" if hold.get("reason") else ""
            yield f"    held as evidence since {hold['at']}, escalated by {hold['person']}{reason}"
        for given in approvals_given(self.record):
            yield f"    {given['at']}  approved by {given['person']}; others must approve it as well"
        pending = self.record.pending_decision
        documents = [*self.record.attributes.get("decisions", ()), self.record.attributes.get("decision")]
        for document in reversed([each for each in documents if each]):
            reason = f": {document['reason']}" if document.get("reason") else ""
            waits = pending is not None and document["id"] == pending.id
            state = "; not carried out yet" if waits else ""
            yield f"    {document['at']}  {document['action']} by {document['person']}{reason}{state}"

    def _original(self) -> str:
        places = [
            name
            for name, is_there in (("uploads", self.uploaded), ("quarantine", self.quarantined))
            if is_there
        ]
        return f"in {' and '.join(places)}" if places else "gone"


class Show:
    """Reads the records of a key and asks the buckets; changes nothing."""

    def __init__(self, *, outputs: StackOutputs, dynamodb: "DynamoDBClient", s3: "S3Client") -> None:
        self._outputs = outputs
        self._items = ItemTable(dynamodb=dynamodb, table=outputs.records_table, clock=lambda: 0.0)
        self._s3 = s3

    def of_key(self, object_key: str) -> list[Shown]:
        """Return every record of the key, newest first. Raises what boto3 raises."""
        return [self._shown(record) for record in self._items.query(object_key, newest_first=True)]

    def _shown(self, record: Record) -> Shown:
        quarantine = self._outputs.named.get("quarantine_bucket")
        renditions = self._outputs.renditions_bucket
        copy = quarantine_key(record.object_key, record.version)
        return Shown(
            record=record,
            uploaded=self._is_uploaded(record),
            quarantined=quarantine is not None and self._has(quarantine, copy),
            missing=tuple(
                key for key in sorted(record.rendition_keys) if renditions and not self._has(renditions, key)
            ),
        )

    def _is_uploaded(self, record: Record) -> bool:
        if record.is_tombstone:
            return False
        # Where S3 has no id of its own for a version, other bytes may have taken its place.
        etag = record.etag if record.is_of_null_version else None
        return self._has(self._outputs.uploads_bucket, record.object_key, record.version_id, etag)

    def _has(self, bucket: str, key: str, version_id: str | None = None, etag: str | None = None) -> bool:
        """Return whether a bucket has a version of a key, the current one for None, with an ETag, any for None."""
        version: Any = {"VersionId": version_id} if version_id else {}
        try:
            found = self._s3.head_object(Bucket=bucket, Key=key, **version)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return False
            raise
        return etag is None or found["ETag"].strip('"') == etag
