"""More plausible mistakes: with messages, with objects in buckets, and with deletes."""

import dataclasses
from typing import Any

from botocore.exceptions import ClientError

from media_pipeline import events, storage
from media_pipeline.errors import LeaseHeldError, Reason, RejectedError, TransientError
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.processing import attempt as attempts
from media_pipeline.processing import (
    dead_letters,
    endings,
    image,
    messages,
    outcomes,
    processor,
    single_uploads,
    verdicts,
)
from media_pipeline.quarantine import quarantine_key
from media_pipeline.records import succession, table
from media_pipeline.records.record import Record, Stage, Status
from tests.faults.mutations import mutation, swap

Processor, Records, Outcomes = processor.ObjectProcessor, table.Records, outcomes.Outcomes
Storage, MessageWorker = storage.Storage, messages.MessageWorker
SingleUploads = single_uploads.SingleUploads


@mutation
def acknowledge_a_live_foreign_lease() -> None:
    def handle(self: Any, event: Any, invocation: Any) -> None:
        try:
            real(self, event, invocation)
        except LeaseHeldError:
            return

    real = Processor.handle
    swap(Processor, "handle", lambda _: handle)


@mutation
def acknowledge_on_throttling() -> None:
    def handle(self: Any, event: Any, invocation: Any) -> None:
        try:
            real(self, event, invocation)
        except ClientError as error:
            if error.response["Error"]["Code"] not in (
                "ProvisionedThroughputExceededException",
                "SlowDown",
                "Throttling",
            ):
                raise

    real = Processor.handle
    swap(Processor, "handle", lambda _: handle)


@mutation
def acknowledge_whatever_happens() -> None:
    def record(self: Any, sqs_record: Any, invocation: Any) -> None:
        try:
            real(self, sqs_record, invocation)
        except Exception:  # noqa: BLE001
            return

    real = MessageWorker._record
    swap(MessageWorker, "_record", lambda _: record)


@mutation
def retry_forever_on_corrupt_input() -> None:
    def work(self: Any, attempt: Any) -> Any:
        try:
            return self._decide(attempt)
        except RejectedError as error:
            raise TransientError(str(error)) from error

    swap(Processor, "_work", lambda _: work)


@mutation
def reject_on_any_error() -> None:
    def work(self: Any, attempt: Any) -> Any:
        try:
            return real(self, attempt)
        except Exception as error:  # noqa: BLE001
            facts = {"reason": Reason.CORRUPT, "detail": str(error), "renditions": []}
            return endings.Ending(Status.REJECTED, facts)

    real = Processor._work
    swap(Processor, "_work", lambda _: work)


@mutation
def ignore_the_sequencer() -> None:
    def sequencer_of(self: Any, event: Any) -> str:
        newest = self.newest(event.key)
        known = self.of_version(event.key, event.version)
        return known.sequencer if known else events.next_sequencer(newest.sequencer if newest else None)

    swap(Records, "sequencer_of", lambda _: sequencer_of)


@mutation
def compare_sequencers_unpadded() -> None:
    swap(events, "normalise_sequencer", lambda _: lambda raw: raw.upper().rjust(32, "0"))


@mutation
def no_look_for_newer_versions() -> None:
    def neighbours(self: Any, record: Record) -> Any:
        return real(self, record)._replace(has_newer=False, has_newer_tombstone=False)

    real = succession.Succession.neighbours
    swap(succession.Succession, "neighbours", lambda _: neighbours)


@mutation
def read_the_newest_version() -> None:
    real = Storage.open
    swap(
        Storage,
        "open",
        lambda _: lambda self, key, *, version_id, etag: real(self, key, version_id=None, etag=None),
    )


@mutation
def delete_the_newest_version() -> None:
    def quarantine(
        self: Any, key: str, *, version_id: Any, etag: Any, sha256: str, facts: Any, size: int
    ) -> None:
        target = quarantine_key(key, version_id)
        self._copy_to_quarantine(key, target, version_id, etag, facts, size)
        self._s3.delete_object(Bucket=self._uploads, Key=key)

    swap(Storage, "quarantine", lambda _: quarantine)


@mutation
def delete_the_original_before_the_copy() -> None:
    def quarantine(
        self: Any, key: str, *, version_id: Any, etag: Any, sha256: str, facts: Any, size: int
    ) -> None:
        target = quarantine_key(key, version_id)
        if not self._is_quarantined(target, sha256):
            data = self._s3.get_object(Bucket=self._uploads, Key=key, VersionId=version_id)["Body"].read()
            self._s3.delete_object(Bucket=self._uploads, Key=key, VersionId=version_id)
            self._s3.put_object(Bucket=self._quarantine, Key=target, Body=data, ChecksumAlgorithm="SHA256")

    swap(Storage, "quarantine", lambda _: quarantine)


@mutation
def copy_to_quarantine_and_leave_the_original() -> None:
    def quarantine(
        self: Any, key: str, *, version_id: Any, etag: Any, sha256: str, facts: Any, size: int
    ) -> None:
        self._copy_to_quarantine(key, quarantine_key(key, version_id), version_id, etag, facts, size)

    swap(Storage, "quarantine", lambda _: quarantine)


@mutation
def tombstone_on_a_versions_deletion() -> None:
    def delete_version(self: Any, record: Any, event: Any) -> None:
        self.finish(self._records.record_delete_marker(event))

    swap(Outcomes, "_delete_version", lambda _: delete_version)


@mutation
def our_own_move_counts_as_a_deletion() -> None:
    outcomes.DELETABLE = frozenset(Status)
    swap(
        Record,
        "withheld",
        lambda _: property(lambda self: self.moderation is not None and not self.publishes),
    )

    def delete_version(self: Any, record: Any, event: Any) -> None:
        if record is not None:
            self.finish(self._records.delete(record))

    swap(Outcomes, "_delete_version", lambda _: delete_version)


@mutation
def deletions_of_versions_are_ignored() -> None:
    swap(Outcomes, "_delete_version", lambda _: lambda self, record, event: None)


@mutation
def delete_marker_leaves_renditions() -> None:
    swap(Outcomes, "_remove", lambda _: lambda self, record: None)


@mutation
def delete_marker_does_not_wait_for_older_leases() -> None:
    def remove(self: Any, record: Record) -> None:
        try:
            real(self, record)
        except LeaseHeldError:
            return

    real = Outcomes._remove
    swap(Outcomes, "_remove", lambda _: remove)


@mutation
def refused_removals_go_unnoticed() -> None:
    def remove(self: Any, keys: Any, **_: Any) -> None:
        for batch in [sorted(set(keys))]:
            if batch:
                self._s3.delete_objects(
                    Bucket=self._renditions,
                    Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True},
                )

    swap(Storage, "remove_renditions", lambda _: remove)


@mutation
def a_released_attempt_counts_as_unfinished() -> None:
    real = Records.release
    swap(
        Records,
        "release",
        lambda _: (
            lambda self, claim, **how: real(self, claim, **{**how, "unfinished": claim.record.unfinished})
        ),
    )


@mutation
def poison_is_never_told() -> None:
    swap(attempts.Attempt, "refuse_poison", lambda _: lambda self: None)


@mutation
def judge_again_on_each_attempt() -> None:
    def verdict(self: Any, attempt: Any, rendered: Any, early: Any) -> Any:
        held = attempt.claim.record
        forgotten = {
            name: value for name, value in held.attributes.items() if name not in ("moderation", "answers")
        }
        record = dataclasses.replace(held, moderation=None, attributes=forgotten)
        attempt.claim = attempt.claim._replace(record=record)
        return real(self, attempt, rendered, early)

    real = verdicts.Verdicts.store
    swap(verdicts.Verdicts, "store", lambda _: verdict)


@mutation
def dead_letters_fail_what_is_being_worked_on() -> None:
    swap(Record, "lease_left", lambda _: lambda self, now: 0.0)


@mutation
def dead_letters_only_log() -> None:
    swap(dead_letters.DeadLetters, "handle", lambda _: lambda self, event, invocation: None)


@mutation
def a_late_duplicate_opens_a_failed_record() -> None:
    def process(self: Any, event: Any, invocation: Any, **how: Any) -> None:
        known = self._records.of_version(event.key, event.version)
        if known is not None and known.status is Status.FAILED:
            event = dataclasses.replace(event, redrive_attempt=known.attempt)
        real(self, event, invocation, **how)

    real = Processor.process
    swap(Processor, "process", lambda _: process)


@mutation
def facts_of_another_version() -> None:
    real = Storage.open
    seen: dict[str, Any] = {}

    def opened(self: Any, key: str, *, version_id: Any, etag: Any) -> Any:
        # A cache by key in the warm environment.
        return real(self, key, version_id=seen.setdefault(key, version_id), etag=etag)

    swap(Storage, "open", lambda _: opened)


@mutation
def a_video_is_handed_over_and_nobody_told() -> None:
    swap(image.ImageProcessor, "pass_on", lambda _: lambda self, event, stage: None)


@mutation
def a_video_is_told_of_only_once() -> None:
    def process(self: Any, event: Any, invocation: Any, **how: Any) -> None:
        known = self._records.of_version(event.key, event.version)
        if known is None or known.stage is not Stage.VIDEO or not known.is_open(event.redrive_attempt):
            real(self, event, invocation, **how)

    real = Processor.process
    swap(Processor, "process", lambda _: process)


@mutation
def only_the_white_background_is_judged() -> None:
    def judge(self: Any, proxies: Any, **how: Any) -> Any:
        return real(self, proxies[:1], **how)

    real = Moderator.judge
    swap(Moderator, "judge", lambda _: judge)


@mutation
def a_second_upload_is_taken() -> None:
    swap(SingleUploads, "require_first", lambda _: lambda self, record: None)


@mutation
def a_second_upload_supersedes_the_first() -> None:
    swap(SingleUploads, "is_superseded", lambda _: lambda self, object_key, neighbours: neighbours.has_newer)


@mutation
def a_blocked_first_upload_leaves_its_key_free() -> None:
    swap(single_uploads, "_was_taken", lambda _: lambda record: False)
