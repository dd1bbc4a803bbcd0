"""Plausible mistakes with the order of a version: events without a sequencer, second records, what is in quarantine."""

from operator import attrgetter
from typing import Any

from media_pipeline.errors import Reason
from media_pipeline.events import ObjectEvent, is_made_up
from media_pipeline.moderation import result
from media_pipeline.processing import clean_up, dead_letters, outcomes, processor
from media_pipeline.processing.bucket_order import BucketOrder
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.processing.second_records import found_since
from media_pipeline.quarantine import Quarantine
from media_pipeline.records import succession, transitions
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Record, Status
from media_pipeline.records.succession import Neighbours, Succession
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
def the_delete_of_what_was_rejected_is_not_noted() -> None:
    swap(outcomes, "NEVER_SHOWN", lambda _: frozenset({Status.SUPERSEDED}))


@mutation
def what_was_deleted_below_an_undelete_hides_what_that_brought_back() -> None:
    swap(succession, "_restores_another", lambda _: lambda tombstone, record: False)


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
    swap(ObjectEvent, "comes_back", lambda _: property(lambda self: False))


@mutation
def a_crash_in_decoding_forgets_that_a_version_comes_back() -> None:
    def comes_back(real: Any) -> Any:
        return property(lambda self: real.fget(self) and not self.attributes.get("decoding"))

    swap(Record, "comes_back", comes_back)


@mutation
def a_late_delete_supersedes_what_was_put_after_it() -> None:
    swap(Outcomes, "_was_put_later", lambda _: lambda self, older: False)


@mutation
def a_delete_that_stood_still_removes_the_copy_of_what_was_restored() -> None:
    def above(self: Any, tombstone: Record) -> set[str]:
        newer = self._records.succession.newer(tombstone.object_key, tombstone.sequencer)
        return {record.version for record in newer}

    swap(Outcomes, "_versions_above", lambda _: above)


@mutation
def a_delete_lists_what_it_removes_in_quarantine_after_its_last_look() -> None:
    keys_of = Quarantine.keys_of
    swap(Quarantine, "keys_of", lambda _: lambda self, key, version: {(key, version)})

    def remove(self: Any, versions: set[tuple[str, str]]) -> None:
        real(self, {name for key, version in versions for name in keys_of(self, key, version)})

    real = Quarantine.remove
    swap(Quarantine, "remove", lambda _: remove)


@mutation
def a_judged_version_keeps_the_place_that_was_assumed() -> None:
    def place(record: Record, neighbours: Neighbours, storage: Any) -> Any:
        return None if record.moderation is not None else real(record, neighbours, storage)

    real: Any = vars(processor)["place_above"]
    swap(processor, "place_above", lambda _: place)


@mutation
def a_late_delete_ends_what_was_judged_and_not_published_yet() -> None:
    def was_put_later(self: Any, older: Record) -> bool:
        return older.moderation is None and real(self, older)

    real = Outcomes._was_put_later
    swap(Outcomes, "_was_put_later", lambda _: was_put_later)


@mutation
def what_was_deleted_unjudged_hides_what_replaced_it() -> None:
    swap(Outcomes, "_was_replaced_unjudged", lambda _: lambda self, record: False)


@mutation
def what_was_given_up_in_an_assumed_place_supersedes_the_next_one() -> None:
    def follows(other: Record, record: Record) -> bool:
        is_above = not other.undone and other.sequencer > record.sequencer
        return bool(real(other, record)) or (is_above and other.status is Status.FAILED)

    real: Any = vars(succession)["_follows"]
    swap(succession, "_follows", lambda _: follows)


@mutation
def a_dead_letter_knows_only_its_own_record() -> None:
    swap(dead_letters.DeadLetters, "_ended_elsewhere", lambda _: lambda self, event, sequencer: None)


@mutation
def an_undelete_is_over_once_something_else_was_current() -> None:
    swap(Outcomes, "_was_superseded_since", lambda _: lambda self, restored: False)


@mutation
def what_a_killed_delete_hid_stays_hidden() -> None:
    def restore_again(self: Any, event: Any, sequencer: str, *, stood_still: bool) -> Any:
        real_show = self._records.succession.show_again
        self._records.succession.show_again = lambda restored: None
        try:
            return real(self, event, sequencer, stood_still=stood_still)
        finally:
            self._records.succession.show_again = real_show

    real = Outcomes._restore_again
    swap(Outcomes, "_restore_again", lambda _: restore_again)


@mutation
def an_undelete_that_finds_nothing_leaves_what_another_one_superseded() -> None:
    def undo(self: Any, tombstone: Record, event: Any, invocation: Any) -> Any:
        restore = self._restore_superseded
        self._restore_superseded = lambda event, sequencer: None
        try:
            return real(self, tombstone, event, invocation)
        finally:
            self._restore_superseded = restore

    real = Outcomes._undo
    swap(Outcomes, "_undo", lambda _: undo)


@mutation
def a_delete_of_a_null_version_is_about_what_was_put_since() -> None:
    swap(transitions, "_was_put_since", lambda _: lambda record, event: False)


@mutation
def of_two_records_the_undecided_one_is_deleted() -> None:
    def of_version(self: Any, object_key: str, version: str) -> Any:
        return min(self._all_of_version(object_key, version), key=attrgetter("gives_way"), default=None)

    swap(transitions.RecordTable, "of_version", lambda _: of_version)


@mutation
def pictures_go_with_a_discarded_second_record() -> None:
    def remove(self: Any, attempt: Any, error: Any) -> None:
        of_version = self._records.of_version
        self._records.of_version = lambda object_key, version: None
        real(self, attempt, error)
        self._records.of_version = of_version

    real = clean_up.CleanUp.remove_unlisted
    swap(clean_up.CleanUp, "remove_unlisted", lambda _: remove)


@mutation
def what_is_far_from_the_newest_has_no_twin() -> None:
    def query(self: Any, object_key: str, **how: Any) -> Any:
        if how == {"newest_first": True}:
            how["limit"] = succession.NEIGHBOURS
        return real(self, object_key, **how)

    real = ItemTable.query
    swap(ItemTable, "query", lambda _: query)


@mutation
def a_late_delete_hides_what_was_put_after_it() -> None:
    swap(Outcomes, "_restore_later", lambda _: lambda self, tombstone, event, invocation: None)


@mutation
def renditions_of_what_was_recorded_anew_outlive_its_delete() -> None:
    def left(self: Any, event: Any) -> set[str]:
        known = self._records.of_version(event.key, event.version)
        return set() if known is not None else real(self, event)

    real = Outcomes._renditions_without_record
    swap(Outcomes, "_renditions_without_record", lambda _: left)


@mutation
def what_is_in_quarantine_expires_like_what_was_replaced() -> None:
    def days(self: Any, identity: Any, status: Status) -> int:
        return int(self._retention_days) if status is Status.SUPERSEDED else int(real(self, identity, status))

    real = transitions.RecordTable._days
    swap(transitions.RecordTable, "_days", lambda _: days)


@mutation
def the_second_delivery_of_a_delete_is_about_a_later_null_version_only() -> None:
    swap(outcomes.Outcomes, "_finish_deleted_null_versions", lambda _: lambda self, event: None)


@mutation
def what_an_undelete_gives_up_is_overwritten_before_it_is_announced() -> None:
    def fail(self: Any, event: Any) -> None:
        failed = self._records.fail_restored(event, reason=Reason.RETRIES_EXHAUSTED, detail="given up")
        self._outcomes.finish(failed)

    swap(dead_letters.DeadLetters, "_fail_restored", lambda _: fail)


@mutation
def a_null_versions_delete_is_taken_for_that_of_an_older_one() -> None:
    swap(transitions, "_was_put_later", lambda _: lambda record, other: False)


@mutation
def a_delete_that_stood_still_removes_renditions_without_a_last_look() -> None:
    def remove(self: Any, tombstone: Record) -> None:
        seen = self._versions_above(tombstone)
        self._versions_above = lambda _: seen
        try:
            real(self, tombstone)
        finally:
            del self._versions_above

    real = Outcomes._remove_older
    swap(Outcomes, "_remove_older", lambda _: remove)


@mutation
def a_late_delete_is_undone_for_what_was_put_after_it() -> None:
    def restore(self: Any, tombstone: Any, event: Any, invocation: Any) -> Any:
        later = real(self, tombstone, event, invocation)
        if later is not None:
            self._records.succession.undo_tombstone(tombstone, None, version=later.version)
        return later

    real = Outcomes._restore_later
    swap(Outcomes, "_restore_later", lambda _: restore)


@mutation
def what_a_late_delete_had_begun_to_bring_back_is_forgotten() -> None:
    swap(outcomes, "_is_coming_back", lambda _: lambda record: False)


@mutation
def a_place_above_a_later_delete_says_nothing_about_an_earlier_one() -> None:
    def after(record: Record, sequencer: str) -> bool:
        return record.sequencer > sequencer and not is_made_up(record.sequencer)

    swap(outcomes, "_was_put_after", lambda _: after)
