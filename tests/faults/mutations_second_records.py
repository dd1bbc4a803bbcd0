"""Plausible mistakes with two records of one version, made from events with a sequencer and without."""

from media_pipeline.moderation import result
from media_pipeline.processing import processor
from media_pipeline.processing.bucket_order import BucketOrder
from media_pipeline.records import succession
from media_pipeline.records.succession import Succession
from tests.faults.mutations import mutation, swap


@mutation
def a_record_with_an_answer_takes_none_from_its_second_record() -> None:
    swap(result.Answers, "joined", lambda _: staticmethod(lambda own, other: own))


@mutation
def what_is_rejected_is_recorded_beside_its_second_record() -> None:
    swap(processor, "found_since", lambda _: lambda attempt, succession: None)


@mutation
def two_records_may_hold_the_verdict_on_one_version() -> None:
    swap(Succession, "hold_version", lambda _: lambda self, held: held.sequencer)


@mutation
def what_was_deleted_for_good_is_superseded_by_what_came_back() -> None:
    swap(BucketOrder, "is_deleted", lambda _: lambda self, record: False)


@mutation
def what_is_current_was_put_last_whatever_is_in_quarantine() -> None:
    swap(succession, "_was_moved_after", lambda _: lambda other, record: False)


@mutation
def a_rejected_upload_supersedes_what_is_published_again() -> None:
    swap(processor, "_is_published_again", lambda _: lambda event: False)
