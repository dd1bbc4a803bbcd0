"""Plausible mistakes with what a backfill does to published versions."""

from collections.abc import Mapping
from typing import Any

from media_pipeline.processing import reworking, verdicts
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.processing.publishing import Publishing
from media_pipeline.processing.single_uploads import SingleUploads
from media_pipeline.records import reworked, table
from media_pipeline.records.items import ItemChangedError
from media_pipeline.records.record import Record
from media_pipeline.records.rework import Rework
from media_pipeline.storage import Storage
from tests.faults.mutations import mutation, swap

Records, Reworking = table.Records, reworking.Reworking


@mutation
def a_backfill_lists_what_it_has_not_put() -> None:
    def put(self: Any, attempt: Any, held: Any, results: Any, moderation: Any) -> Any:
        publish = Publishing.publish
        swap(Publishing, "publish", lambda _: lambda self, *args, **more: None)
        try:
            return real(self, attempt, held, results, moderation)
        finally:
            swap(Publishing, "publish", lambda _: publish)

    real = Reworking._put
    swap(Reworking, "_put", lambda _: put)


@mutation
def a_backfill_removes_the_old_files_first() -> None:
    def put(self: Any, attempt: Any, held: Any, results: Any, moderation: Any) -> Any:
        facts = real(self, attempt, held, results, moderation)
        new = {rendition["key"] for rendition in facts["renditions"]}
        self._storage.remove_renditions(held.record.listed_keys - new)
        return facts

    real = Reworking._put
    swap(Reworking, "_put", lambda _: put)


@mutation
def what_a_backfill_replaced_stays() -> None:
    swap(Reworking, "_require_unlinked", lambda _: lambda self, record: None)


@mutation
def a_backfill_does_not_name_what_it_puts() -> None:
    def note(self: Any, record: Record, keys: tuple[str, ...], facts: Mapping[str, Any]) -> Record:
        return real(self, record, (), facts)

    real = Records.note_renditions
    swap(Records, "note_renditions", lambda _: note)


@mutation
def a_backfill_publishes_what_nobody_judged() -> None:
    swap(Reworking, "_is_judged", lambda _: lambda self, record, results: True)


@mutation
def nobody_waits_for_a_backfill() -> None:
    swap(Rework, "pause", lambda _: lambda self, now: 0.0)


@mutation
def a_delete_does_not_end_a_backfill() -> None:
    swap(Record, "is_reworked", lambda _: property(lambda self: False))


@mutation
def a_backfill_publishes_under_a_delete_marker() -> None:
    swap(SingleUploads, "is_superseded", lambda _: lambda self, key, neighbours: False)


@mutation
def a_backfill_is_not_announced() -> None:
    def commit(self: Any, record: Record, facts: Mapping[str, Any]) -> Record:
        committed = real(self, record, facts)
        self.mark_announced(committed)
        return self.get(record.object_key, record.sequencer) or committed

    real = Records.commit_rework
    swap(Records, "commit_rework", lambda _: commit)


@mutation
def what_a_backfill_withholds_keeps_its_files() -> None:
    def withheld(self: Any, attempt: Any, stored: Any) -> Record:
        return attempt.record if not stored.publishes else real(self, attempt, stored)

    real = verdicts.Verdicts.withheld
    swap(verdicts.Verdicts, "withheld", lambda _: withheld)


@mutation
def a_backfill_withholds_without_pictures_for_reviewers() -> None:
    def withhold(self: Any, attempt: Any, held: Any, moderation: Any, results: Any) -> None:
        real(self, attempt, held, moderation, None)

    real = Reworking._withhold
    swap(Reworking, "_withhold", lambda _: withhold)


@mutation
def what_a_cut_off_backfill_put_outlives_a_takedown() -> None:
    swap(Record, "rendition_keys", lambda _: Record.listed_keys)
    swap(Storage, "renditions_of_version", lambda _: lambda self, key, version: set())


@mutation
def what_a_later_rework_put_is_forgotten_with_what_was_replaced() -> None:
    def forget(self: Any, record: Any) -> None:
        self._change_held(record, None, remove=("old_renditions",))

    swap(table.Records, "forget_replaced", lambda _: forget)


@mutation
def a_rework_stores_its_verdict_past_a_takedown() -> None:
    def change(self: Any, seen: Any, rework: Any, values: Any = None, remove: Any = (), **_: Any) -> Any:
        return real(self, seen, rework, values, remove)

    real = Records._change_reworked
    swap(Records, "_change_reworked", lambda _: change)


@mutation
def a_write_of_a_rework_that_was_refused_looks_like_its_own() -> None:
    def change(self: Any, seen: Any, rework: Any, *args: Any, **more: Any) -> Any:
        try:
            return real(self, seen, rework, *args, **more)
        except ItemChangedError as changed:
            found = changed.found
            if found is None or found.rework != rework or found.attempt != seen.attempt:
                raise
            return found

    real = Records._change_reworked
    swap(Records, "_change_reworked", lambda _: change)


@mutation
def what_another_delivery_of_a_backfill_committed_is_not_announced() -> None:
    def carry_out(self: Any, event: Any, invocation: Any) -> Any:
        finish = Outcomes.finish
        looked: list[Record] = []

        def first_only(self: Any, record: Record, *, has_older: bool = True) -> None:
            if not looked or not has_older:
                finish(self, record, has_older=has_older)
            looked.append(record)

        swap(Outcomes, "finish", lambda _: first_only)
        try:
            return real(self, event, invocation)
        finally:
            swap(Outcomes, "finish", lambda _: finish)

    real = Reworking.carry_out
    swap(Reworking, "carry_out", lambda _: carry_out)


@mutation
def a_decision_that_the_lease_has_seen_does_not_end_a_backfill() -> None:
    swap(reworked, "decision_to_carry_out", lambda _: lambda record: None)
