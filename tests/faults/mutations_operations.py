"""Plausible mistakes in the operator's commands, in the upload API, and with machines that stood still."""

import dataclasses
import json
from typing import Any

from media_pipeline import reconciliation
from media_pipeline.api import images, uploads
from media_pipeline.bootstrap import clients
from media_pipeline.processing import clean_up, processor
from media_pipeline.processing.decisions import Decisions
from media_pipeline.records import table
from media_pipeline.records.record import Record
from operations import takedown
from operations.reconcile import Reconcile
from operations.redrive import Redrive, StuckObject
from operations.takedown import Takedown
from tests.faults.mutations import mutation, swap

Records = table.Records


@mutation
def the_sdk_repeats_the_put_of_an_upload() -> None:
    def signing_s3(timeout: float, attempts: int = 3) -> Any:
        return real(timeout)

    real: Any = vars(clients)["signing_s3"]
    swap(clients, "signing_s3", lambda _: signing_s3)


@mutation
def an_upload_is_put_again_without_a_look() -> None:
    swap(uploads.Uploads, "_is_stored", lambda _: lambda self, key, data: False)


@mutation
def a_look_before_the_second_put_reads_no_records() -> None:
    """An object that is not listed was never stored, somebody thought; it may have been moved."""
    swap(uploads.Uploads, "_is_known", lambda _: lambda self, key, data: False)


@mutation
def the_api_shows_what_was_deleted() -> None:
    swap(images, "HIDING", lambda _: frozenset())


@mutation
def redrive_sends_what_is_gone() -> None:
    def find(self: Any, kinds: Any, *, key: Any, after: Any, gone: bool = False) -> Any:
        return real(self, kinds, key=key, after=after, gone=True)

    real = Redrive.find
    swap(Redrive, "find", lambda _: find)


@mutation
def what_is_gone_is_opened_by_a_redrive() -> None:
    """It fails again, and alerts people again."""

    def is_done_with(self: Any, event: Any) -> bool:
        known = self._records.of_version(event.key, event.version)
        if known is not None and known.status.terminal:
            self._outcomes.finish(known)
        return False

    swap(processor.ObjectProcessor, "_is_done_with", lambda _: is_done_with)


@mutation
def a_redrive_forgets_the_attempt() -> None:
    def message(self: Any, bucket: str) -> str:
        document = json.loads(real(self, bucket))
        document["Records"][0].pop("redrive", None)
        return json.dumps(document)

    real = StuckObject.message
    swap(StuckObject, "message", lambda _: message)


@mutation
def reconcile_looks_at_the_newest_record_only() -> None:
    """It deletes what an older record lists, which readers still see."""

    def read(self: Any, key: str) -> Any:
        return real(self, key)[-1:]

    real: Any = vars(Reconcile)["_read_records"]
    swap(Reconcile, "_read_records", lambda _: read)
    swap(Reconcile, "_look_for_renditions", lambda _: lambda self, window, item: None)


@mutation
def reconcile_restores_what_is_hidden() -> None:
    swap(Reconcile, "_is_hidden", lambda _: lambda self, record: False)


@mutation
def reconcile_leaves_stray_renditions() -> None:
    swap(Reconcile, "_orphan", lambda _: lambda self, rendition_key: None)


@mutation
def reconcile_overlooks_lost_events() -> None:
    swap(Reconcile, "_without_record", lambda _: lambda self, window, at: None)


@mutation
def a_lapsed_function_leaves_what_it_put() -> None:
    swap(clean_up.CleanUp, "remove_unlisted", lambda _: lambda self, attempt, error: None)


@mutation
def a_tombstone_ignores_a_lapsed_lease() -> None:
    """Its function may only stand still, and publish after the delete."""

    def supersede(self: Any, record: Record) -> Record:
        return dataclasses.replace(record, announced_at="then")

    swap(Records, "supersede", lambda _: supersede)


@mutation
def reconcile_looks_for_originals_in_uploads_only() -> None:
    swap(reconciliation, "quarantine_key", lambda _: lambda key, version: "")


@mutation
def what_reconcile_publishes_again_forgets_who_approved_it() -> None:
    swap(Decisions, "publish_again", lambda _: lambda self, attempt: None)


@mutation
def a_takedown_takes_what_is_to_be_published_for_withheld() -> None:
    swap(takedown, "PUBLISHING", lambda _: frozenset())


@mutation
def a_takedown_that_was_given_up_counts_as_done() -> None:
    def sort_in(self: Any, record: Record, found: Any) -> None:
        real(self, record, found)
        found.failed += found.cut_off
        found.cut_off.clear()

    real = Takedown._sort_in
    swap(Takedown, "_sort_in", lambda _: sort_in)


@mutation
def answers_of_the_attempt_go_with_an_outcome_without_a_verdict() -> None:
    def commit(self: Any, claim: Any, status: Any, facts: Any) -> Any:
        return real(self, claim, status, {name: facts[name] for name in facts if name != "answers"})

    real = Records.commit
    swap(Records, "commit", lambda _: commit)
