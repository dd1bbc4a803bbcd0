"""Plausible mistakes with the order of a version: events without a sequencer, second records, what is in quarantine."""

from typing import Any

from media_pipeline.moderation import result
from media_pipeline.processing import processor
from media_pipeline.processing.bucket_order import BucketOrder
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.processing.second_records import found_since
from media_pipeline.records import succession
from media_pipeline.records.record import Record, Status
from media_pipeline.records.succession import Succession
from tests.faults.mutations import mutation, swap


@mutation
def a_record_with_an_answer_takes_none_from_its_second_record() -> None:
    swap(result.Answers, "joined", lambda _: staticmethod(lambda own, other: own))


@mutation
def what_is_rejected_is_recorded_beside_its_second_record() -> None:
    swap(processor, "found_since", lambda _: lambda attempt, succession: None)


@mutation
def what_is_superseded_is_recorded_beside_its_second_record() -> None:
    def work(self: Any, attempt: Any) -> Any:
        outcome = self._end(attempt)
        is_alone = getattr(outcome, "status", None) in (Status.REJECTED, Status.FAILED)
        return (is_alone and found_since(attempt, self._records.succession)) or outcome

    swap(processor.ObjectProcessor, "_work", lambda _: work)


@mutation
def two_records_may_hold_the_verdict_on_one_version() -> None:
    swap(Succession, "hold_version", lambda _: lambda self, held: held.sequencer)


@mutation
def what_was_deleted_for_good_is_superseded_by_what_came_back() -> None:
    swap(BucketOrder, "is_deleted", lambda _: lambda self, record: False)


@mutation
def what_is_current_was_put_last_whatever_is_in_quarantine() -> None:
    swap(BucketOrder, "precedes_moved", lambda _: lambda self, attempt, neighbours: False)


@mutation
def what_was_withheld_until_its_key_was_deleted_was_never_there() -> None:
    def moved_at(other: Record, record: Record) -> str | None:
        return None if other.status is Status.DELETED else real(other, record)

    real = succession._moved_at
    swap(succession, "_moved_at", lambda _: moved_at)


@mutation
def a_version_without_a_time_is_the_newest() -> None:
    def precedes(self: Any, attempt: Any, neighbours: Any) -> bool:
        return "uploaded_at" in attempt.record.attributes and real(self, attempt, neighbours)

    real: Any = BucketOrder.precedes_moved
    swap(BucketOrder, "precedes_moved", lambda _: precedes)


@mutation
def a_rejected_upload_supersedes_what_is_published_again() -> None:
    swap(processor, "_is_published_again", lambda _: lambda event: False)


@mutation
def a_late_delete_supersedes_what_was_put_after_it() -> None:
    swap(Outcomes, "_was_put_later", lambda _: lambda self, older: False)


@mutation
def a_delete_that_stood_still_removes_the_copy_of_what_was_restored() -> None:
    swap(Outcomes, "_require_not_undone", lambda _: lambda self, tombstone: None)
