"""Plausible mistakes with versions: deletes, undeletes, null versions, missing sequencers, expiry, odd keys."""

import dataclasses
from typing import Any

from media_pipeline import events, removals, storage
from media_pipeline.processing import finishing, outcomes, processor, second_records
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.bucket_order import BucketOrder
from media_pipeline.records import items, record, succession, table, transitions
from media_pipeline.records.record import Record, Status
from media_pipeline.records.succession import Neighbours
from tests.faults.mutations import mutation, swap
from tests.faults.virtual_time import START

Outcomes, Processor, Storage = outcomes.Outcomes, processor.ObjectProcessor, storage.Storage
Records, Succession = table.Records, succession.Succession
WEEK = 7 * 86_400


@mutation
def a_delete_removes_only_what_records_list() -> None:
    swap(finishing, "_of_others", lambda _: lambda renditions, kept: set())


@mutation
def a_deleted_version_without_a_record_is_ignored() -> None:
    swap(Outcomes, "_renditions_without_record", lambda _: lambda self, event: set())


@mutation
def an_older_record_of_a_null_version_stands_for_the_expired_one() -> None:
    def renditions(self: Any, event: Any) -> set[str]:
        is_known = self._records.deleted_by(event, self._exists) is not None
        return set() if is_known else real(self, event)

    real = Outcomes._renditions_without_record
    swap(Outcomes, "_renditions_without_record", lambda _: renditions)


@mutation
def the_newest_record_expires_as_well() -> None:
    swap(transitions, "NEVER", lambda _: int(START) + WEEK)


@mutation
def what_late_messages_must_find_expires_early() -> None:
    swap(succession, "LATE_MESSAGE_DAYS", lambda _: 1)


@mutation
def a_removed_delete_marker_hides_older_versions() -> None:
    swap(Record, "undone", lambda _: property(lambda self: False))


@mutation
def an_undelete_is_ignored() -> None:
    swap(Outcomes, "_undo", lambda _: lambda self, tombstone, event, invocation: None)


@mutation
def an_undelete_does_not_wait_for_its_delete() -> None:
    swap(Outcomes, "_require_finished", lambda _: lambda self, tombstone, invocation: None)


@mutation
def what_is_restored_stays_marked_as_followed() -> None:
    def update(self: Any, key: Any, values: Any, *, condition: Any, remove: Any = ()) -> Any:
        kept = tuple(name for name in remove if name != "followed_by")
        return real(self, key, values, condition=condition, remove=kept)

    real = items.ItemTable.update
    swap(items.ItemTable, "update", lambda _: update)


@mutation
def a_lapsed_lease_is_not_fenced_by_a_delete() -> None:
    swap(Records, "supersede", lambda _: lambda self, found: dataclasses.replace(found, announced_at="now"))


@mutation
def a_withheld_version_with_a_lapsed_lease_is_superseded() -> None:
    swap(Records, "fence", lambda _: lambda self, record: self.supersede(record))


@mutation
def an_unseen_versions_delete_is_not_noted() -> None:
    swap(Succession, "note_deleted_version", lambda _: lambda self, event: None)


@mutation
def a_rejected_version_of_assumed_order_supersedes_what_is_newer() -> None:
    swap(BucketOrder, "was_replaced_unseen", lambda _: lambda self, attempt: False)


@mutation
def a_note_of_a_delete_is_written_too_late() -> None:
    def deleted_by(self: Any, event: Any, exists: Any) -> Record | None:
        found = None if id(event) in looked_for else real(self, event, exists)
        looked_for.add(id(event))
        return found

    real, looked_for = Records.deleted_by, set[int]()
    swap(Records, "deleted_by", lambda _: deleted_by)


@mutation
def the_twin_of_a_missing_sequencer_is_not_found() -> None:
    def neighbours(self: Any, of: Record) -> Any:
        return real(self, of)._replace(twin=None)

    real = Succession.neighbours
    swap(Succession, "neighbours", lambda _: neighbours)


@mutation
def a_second_record_stays_after_the_first_attempt() -> None:
    def second_of(mine: Record, neighbours: Neighbours) -> Any:
        return real(mine, neighbours) if mine.attempt == 1 else None

    real: Any = vars(second_records)["second_of"]
    for module in (processor, second_records):
        swap(module, "second_of", lambda _: second_of)


@mutation
def the_record_with_s3s_own_sequencer_always_stays() -> None:
    def second_of(mine: Record, neighbours: Neighbours) -> Any:
        return real(mine, neighbours._replace(twin_is_apart=False))

    real: Any = vars(second_records)["second_of"]
    for module in (processor, second_records):
        swap(module, "second_of", lambda _: second_of)


@mutation
def an_undelete_does_not_wait_for_a_slow_delete() -> None:
    def require_finished(self: Any, tombstone: Record, invocation: Any) -> None:
        if not tombstone.announced:
            real(self, tombstone, invocation)

    real: Any = vars(Outcomes)["_require_finished"]
    swap(Outcomes, "_require_finished", lambda _: require_finished)


@mutation
def renditions_of_null_versions_are_looked_for_under_their_id() -> None:
    def renditions(self: Any, event: Any) -> set[str]:
        keys: set[str] = self._storage.renditions_of_version(event.key, event.version)
        return keys

    swap(Outcomes, "_renditions_without_record", lambda _: renditions)


@mutation
def a_delete_of_a_null_version_ends_its_newest_record() -> None:
    swap(transitions, "staying", lambda _: lambda newest_first: next(iter(newest_first), None))


@mutation
def the_removal_of_a_null_marker_is_noted_only_without_a_record() -> None:
    def note(self: Any, event: Any) -> None:
        newer = [one for one in self.newer(event.key, "0") if one.is_of_null_version]
        if not (newer and newer[-1].is_tombstone):
            real(self, event)

    real = Succession.note_deleted_version
    swap(Succession, "note_deleted_version", lambda _: note)


@mutation
def the_delete_of_a_superseded_version_is_not_noted() -> None:
    def note(self: Any, event: Any) -> None:
        known = [one for one in self.newer(event.key, "0") if one.version == event.version]
        if not (known and known[0].status is Status.SUPERSEDED and not event.is_of_null_version):
            real(self, event)

    real = Succession.note_deleted_version
    swap(Succession, "note_deleted_version", lambda _: note)


@mutation
def only_the_newest_null_marker_is_undone() -> None:
    def undo_tombstone(self: Any, tombstone: Record, restored: Any, *, version: str) -> Any:
        newer = self.newer(tombstone.object_key, tombstone.sequencer)
        if restored is None and not version and any(each.is_tombstone for each in newer):
            return tombstone
        return real(self, tombstone, restored, version=version)

    real: Any = vars(Succession)["undo_tombstone"]
    swap(Succession, "undo_tombstone", lambda _: undo_tombstone)


@mutation
def what_has_no_sequencer_is_taken_for_the_newest() -> None:
    def was_replaced(self: Any, attempt: Any, original: Any) -> bool:
        return attempt.event.sequencer is not None and real(self, attempt, original)

    real: Any = BucketOrder.was_replaced
    swap(BucketOrder, "was_replaced", lambda _: was_replaced)


@mutation
def null_is_the_name_of_one_version() -> None:
    for module in (events, record, storage, outcomes):
        swap(module, "identity", lambda _: lambda version_id, etag: version_id or etag or "null")


@mutation
def null_versions_are_read_without_their_etag() -> None:
    def opened(self: Any, key: str, *, version_id: Any, etag: Any) -> Any:
        return real(self, key, version_id=version_id, etag=None)

    real = Storage.open
    swap(Storage, "open", lambda _: opened)


@mutation
def null_versions_are_copied_without_their_etag() -> None:
    def copy(self: Any, key: str, target: str, version_id: Any, etag: Any, facts: Any, size: int) -> None:
        real(self, key, target, version_id, None, facts, size)

    real = Storage._copy_to_quarantine
    swap(Storage, "_copy_to_quarantine", lambda _: copy)


@mutation
def null_versions_are_deleted_without_their_etag() -> None:
    def delete(self: Any, key: str, version_id: str, etag: Any) -> None:
        real(self, key, version_id, None)

    real = Storage._delete_original
    swap(Storage, "_delete_original", lambda _: delete)


@mutation
def a_replaced_null_version_is_lost() -> None:
    def end(self: Any, attempt: Any, error: Any) -> Any:
        error.replaced = False
        return real(self, attempt, error)

    real: Any = Processor._end_without_original
    swap(Processor, "_end_without_original", lambda _: end)


@mutation
def every_key_fits_into_xml() -> None:
    swap(removals, "_fits_into_xml", lambda _: lambda key: True)


@mutation
def one_page_of_records_is_enough() -> None:
    def query(self: Any, *args: Any, **how: Any) -> Any:
        yield from real(self, *args, **{**how, "limit": how.get("limit") or PAGE})

    real = items.ItemTable.query
    swap(items.ItemTable, "query", lambda _: query)


@mutation
def a_place_that_was_assumed_stays() -> None:
    swap(processor, "place_above", lambda _: lambda record, neighbours, storage: None)


@mutation
def a_delete_is_about_the_first_of_two_records() -> None:
    swap(Record, "gives_way", lambda _: property(lambda self: False))


@mutation
def an_abandoned_second_record_is_superseded_by_a_delete() -> None:
    swap(finishing, "_gives_way_to_twin", lambda _: lambda record, others: False)


@mutation
def an_abandoned_twin_of_a_decided_record_is_superseded_by_a_delete() -> None:
    swap(
        finishing,
        "_gives_way_to_twin",
        lambda real: lambda record, others: record.gives_way and real(record, others),
    )


@mutation
def a_twin_above_a_delete_is_overlooked() -> None:
    swap(finishing.Finishing, "_with_newer", lambda _: lambda self, tombstone, older: list(older))


@mutation
def a_delete_of_a_null_version_trusts_an_assumed_order() -> None:
    swap(transitions, "is_made_up", lambda _: lambda sequencer: False)


@mutation
def answers_go_with_the_second_record() -> None:
    swap(Attempt, "paid_answers", lambda _: property(lambda self: None))


@mutation
def a_version_that_is_gone_counts_as_replaced() -> None:
    def has_newer(self: Any, event: Any) -> bool:
        return not self._storage.is_current(event.key, event.version_id, event.etag)

    swap(BucketOrder, "_has_newer", lambda _: has_newer)


@mutation
def a_delete_that_stood_still_leaves_the_restore_that_it_struck() -> None:
    swap(Outcomes, "_take_from_attempt", lambda _: lambda self, restored: True)


@mutation
def what_a_removed_delete_marker_superseded_stays_hidden() -> None:
    swap(Outcomes, "_restore_superseded", lambda _: lambda self, event, sequencer: None)


@mutation
def answers_go_with_a_superseded_outcome() -> None:
    def commit(self: Any, claim: Any, *rest: Any) -> Any:
        committed = real(self, claim, *rest)
        key = (claim.record.object_key, claim.record.sequencer)
        return self._items.update(key, {}, condition={"status": committed.status}, remove=("answers",))

    real = Records.commit
    swap(Records, "commit", lambda _: commit)


@mutation
def blocked_records_expire_before_late_messages() -> None:
    def mark_followed(self: Any, older: Record, by: Record, *, stays: bool) -> None:
        days = succession.LATE_MESSAGE_DAYS
        swap(succession, "LATE_MESSAGE_DAYS", lambda _: days if older.status is Status.DELETED else 0)
        try:
            real(self, older, by, stays=stays)
        finally:
            swap(succession, "LATE_MESSAGE_DAYS", lambda _: days)

    real = Succession._mark_followed
    swap(Succession, "_mark_followed", lambda _: mark_followed)


@mutation
def a_null_delete_marker_can_be_a_folder() -> None:
    def carry_out(self: Any, event: Any, invocation: Any) -> Any:
        is_folder = event.key.endswith("/") and self._is_folder(event.key)
        return None if is_folder else real(self, event, invocation)

    real = Outcomes.carry_out_delete
    swap(Outcomes, "carry_out_delete", lambda _: carry_out)


@mutation
def a_deleted_version_can_be_a_folder() -> None:
    def carry_out(self: Any, event: Any, invocation: Any) -> Any:
        is_folder = event.key.endswith("/") and not event.is_of_null_version and self._is_folder(event.key)
        return None if is_folder else real(self, event, invocation)

    real = Outcomes.carry_out_delete
    swap(Outcomes, "carry_out_delete", lambda _: carry_out)


@mutation
def an_undelete_that_was_cut_off_is_forgotten() -> None:
    swap(Outcomes, "_begun_restore", lambda _: lambda self, tombstone: None)


@mutation
def an_undelete_that_its_delete_carries_out_is_tried_once() -> None:
    def undo(self: Any, tombstone: Record, event: Any, invocation: Any) -> Any:
        is_marker = event.kind is events.EventKind.DELETE_MARKER
        return None if is_marker and tombstone.undone else real(self, tombstone, event, invocation)

    real: Any = vars(Outcomes)["_undo"]
    swap(Outcomes, "_undo", lambda _: undo)


@mutation
def a_delete_that_stood_still_removes_what_was_restored() -> None:
    swap(Outcomes, "_restore_again", lambda _: lambda self, event, sequencer, *, stood_still: None)


@mutation
def a_version_of_unknown_order_that_is_gone_hides_what_replaced_it() -> None:
    def has_newer_current(self: Any, event: Any) -> bool:
        return event.sequencer is not None and real(self, event)

    real: Any = vars(BucketOrder)["has_newer_current"]
    swap(BucketOrder, "has_newer_current", lambda _: has_newer_current)


@mutation
def a_removed_marker_restores_what_was_put_after_it() -> None:
    swap(outcomes, "_was_put_after", lambda _: lambda record, sequencer: False)


PAGE = 3  # records: one page in the harness
