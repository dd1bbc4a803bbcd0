"""Plausible mistakes with what a person withdraws: copies in quarantine, and the events of our own moves there."""

from dataclasses import replace
from typing import Any

from media_pipeline.processing import clean_up, decisions, endings, finishing, outcomes, processor, reworking
from media_pipeline.processing.decisions import Decisions
from media_pipeline.processing.endings import Ending
from media_pipeline.processing.publishing import Publishing
from media_pipeline.processing.verdicts import NOTHING_PUBLISHED, Verdicts
from media_pipeline.quarantine import Quarantine
from media_pipeline.records import leases, table
from media_pipeline.records.record import Record, Status
from media_pipeline.reviews import asking
from media_pipeline.storage import Storage
from operations import redrive
from tests.faults.mutations import mutation, swap

Outcomes, Processor, Records = outcomes.Outcomes, processor.ObjectProcessor, table.Records


@mutation
def a_deleted_key_leaves_its_copies_in_quarantine() -> None:
    swap(Quarantine, "remove", lambda _: lambda self, keys: None)


@mutation
def copies_without_a_record_outlive_their_key() -> None:
    swap(Quarantine, "versions_of", lambda _: lambda self, key: set())


@mutation
def what_was_withheld_stays_withheld_without_its_copy() -> None:
    swap(Outcomes, "_withdraw", lambda _: lambda self, record: None)


@mutation
def copies_are_removed_before_their_record_says_so() -> None:
    def withdraw(self: Any, record: Record) -> None:
        if record.was_moved:
            self._storage.quarantined.remove_version(record.object_key, record.version)
        real(self, record)

    real = Outcomes._withdraw
    swap(Outcomes, "_withdraw", lambda _: withdraw)


@mutation
def a_move_to_quarantine_counts_as_a_delete() -> None:
    swap(Outcomes, "_was_deleted_by_its_move", lambda _: lambda self, record: False)


@mutation
def a_withheld_version_is_never_deleted_by_a_person() -> None:
    swap(Outcomes, "_was_deleted_by_its_move", lambda _: lambda self, record: True)


@mutation
def a_move_under_a_delete_marker_keeps_its_copy() -> None:
    def quarantine(self: Any, attempt: Any, record: Record) -> Any:
        ending = real(self, attempt, record)
        if ending.status is not Status.DELETED:
            return ending
        status, reason = endings.WITHHELD[record.moderation.verdict]  # type: ignore[union-attr]
        return Ending(status, {"reason": reason})

    real = Processor._quarantine
    swap(Processor, "_quarantine", lambda _: quarantine)


@mutation
def a_move_by_a_machine_that_stood_still_is_not_fenced() -> None:
    swap(Records, "fence", lambda _: lambda self, record: None)


@mutation
def copies_of_newer_versions_go_with_a_late_delete() -> None:
    def remove_older(self: Any, tombstone: Record) -> None:
        for version in self._storage.quarantined.versions_of(tombstone.object_key):
            self._storage.quarantined.remove_version(tombstone.object_key, version)
        real(self, tombstone)

    real = Outcomes._remove_older
    swap(Outcomes, "_remove_older", lambda _: remove_older)


@mutation
def a_takedown_leaves_the_renditions() -> None:
    def withdraw(self: Any, attempt: Any, decision: Any) -> Any:
        remove = Storage.remove_renditions
        swap(Storage, "remove_renditions", lambda _: lambda self, keys: None)
        try:
            return real(self, attempt, decision)
        finally:
            swap(Storage, "remove_renditions", lambda _: remove)

    real = Decisions._withdraw
    swap(Decisions, "_withdraw", lambda _: withdraw)


@mutation
def a_takedown_forgets_quarantine() -> None:
    def withdraw(self: Any, attempt: Any, decision: Any) -> Any:
        move = Publishing.move
        swap(Publishing, "move", lambda _: lambda self, attempt, record, status: None)
        try:
            return real(self, attempt, decision)
        finally:
            swap(Publishing, "move", lambda _: move)

    real = Decisions._withdraw
    swap(Decisions, "_withdraw", lambda _: withdraw)


@mutation
def a_takedown_of_what_was_rejected_and_deleted_hides_what_is_below() -> None:
    def withdraw(self: Any, attempt: Any, decision: Any) -> Any:
        ending, gone = real(self, attempt, decision), self._records.succession.is_version_deleted
        if ending.status is not Status.REJECTED or not gone(attempt.record.object_key, attempt.record):
            return ending
        return Ending(Status.DELETED, NOTHING_PUBLISHED)

    real = Decisions._withdraw
    swap(Decisions, "_withdraw", lambda _: withdraw)


@mutation
def a_delete_ends_what_was_rejected_and_taken_down() -> None:
    swap(finishing, "NEVER_SHOWN", lambda _: frozenset())


@mutation
def a_takedown_below_a_delete_keeps_its_copy() -> None:
    swap(Publishing, "remove_copy", lambda _: lambda self, attempt, record: None)


@mutation
def a_delete_ends_what_was_rejected_amid_its_takedown() -> None:
    def delete_version(self: Any, record: Record, event: Any) -> None:
        seen = replace(record, attributes={**record.attributes, "decided_from": {"status": "PUBLISHED"}})
        real(self, seen if "decided_from" in record.attributes else record, event)

    real = Outcomes._delete_version
    swap(Outcomes, "_delete_version", lambda _: delete_version)


@mutation
def a_takedown_whose_message_was_lost_is_not_found() -> None:
    found = {action: from_ for action, from_ in redrive.DECISIONS.items() if action != "withdraw"}
    swap(redrive, "DECISIONS", lambda _: found)


@mutation
def the_move_of_a_takedown_counts_as_a_delete() -> None:
    swap(Record, "leaves_uploads", lambda _: property(lambda self: self.withheld))


@mutation
def a_restore_publishes_what_the_policy_withholds() -> None:
    swap(Verdicts, "publishes_now", lambda _: lambda self, attempt, stored: True)
    _nobody_judges_what_is_restored()


@mutation
def a_restore_publishes_what_was_only_observed() -> None:
    swap(Verdicts, "publishes_now", lambda _: lambda self, attempt, stored: stored.publishes)
    _nobody_judges_what_is_restored()


@mutation
def a_restore_publishes_other_pictures_than_were_judged() -> None:
    _nobody_judges_what_is_restored()


def _nobody_judges_what_is_restored() -> None:
    def store(self: Any, attempt: Any, results: Any, early: Any) -> Any:
        return self.store_approved(attempt, results)

    swap(Verdicts, "store_restored", lambda _: store)


@mutation
def a_decision_that_stood_still_ends_beside_a_delete() -> None:
    swap(finishing, "_is_being_decided", lambda _: lambda record: False)


@mutation
def whoever_stood_still_leaves_what_a_delete_removed() -> None:
    for module in (clean_up, reworking):
        swap(module, "is_under_tombstone", lambda _: lambda record, records: False)


@mutation
def a_takedown_of_what_was_rejected_hides_older_versions() -> None:
    swap(decisions, "NEVER_SHOWN", lambda _: frozenset())


@mutation
def a_takedown_does_not_look_whether_its_version_was_deleted() -> None:
    swap(outcomes, "_is_withheld_without_original", lambda _: lambda record: False)


@mutation
def what_is_deleted_during_a_takedown_counts_as_moved() -> None:
    def was_moved(self: Any, record: Record) -> bool:
        return record.decision is not None or bool(real(self, record))

    real = Outcomes._was_deleted_by_its_move
    swap(Outcomes, "_was_deleted_by_its_move", lambda _: was_moved)


@mutation
def the_looks_of_what_is_taken_down_stay_until_it_is() -> None:
    swap(leases, "LOOKS", lambda _: ())


@mutation
def what_is_only_to_be_taken_down_is_restored() -> None:
    swap(asking, "NEVER_SHOWN", lambda _: frozenset())


@mutation
def what_is_withheld_and_gone_waits_for_a_person_once_it_is_restored() -> None:
    def restore(self: Any, attempt: Any, decision: Any) -> Any:
        storage, self._storage = self._storage, _Holding(self._storage)
        try:
            return real(self, attempt, decision)
        finally:
            self._storage = storage

    real = Decisions._restore
    swap(Decisions, "_restore", lambda _: restore)


class _Holding:
    """A storage that says of every original that quarantine holds it."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def has_verified_copy(self, *_: Any) -> bool:
        return True
