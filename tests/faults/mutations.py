"""Plausible mistakes: each mutation replaces a piece of the real code by what somebody might have written instead.

Each runs in its own process, so nothing is restored.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from media_pipeline import storage
from media_pipeline.messaging import announcements
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.processing import messages, outcomes, processor, verdicts
from media_pipeline.processing.publishing import Publishing
from media_pipeline.records import items, table, transitions
from media_pipeline.records.record import Claim, Record, Status, iso_time
from media_pipeline.records.record import alert_id as alert_id_of

Processor, Records, Outcomes = processor.ObjectProcessor, table.Records, outcomes.Outcomes
Storage, MessageWorker = storage.Storage, messages.MessageWorker
Mutation = Callable[[], None]
MUTATIONS: dict[str, Mutation] = {}


def mutation(function: Mutation) -> Mutation:
    """Register a function as a mutation; its name in `make mutants` has hyphens."""
    MUTATIONS[function.__name__.replace("_", "-")] = function
    return function


def swap(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace an attribute by what `make` returns for its present value.

    Raises TypeError for a function that cannot be called as the present one is: its first call would be detected, and
    not the mistake.
    """
    present = getattr(owner, name)
    changed = make(present)
    _require_same_calls(present, getattr(changed, "__func__", changed))
    setattr(owner, name, changed)


def _require_same_calls(present: Any, changed: Any) -> None:
    if not (inspect.isfunction(present) and inspect.isfunction(changed)):
        return
    taken = inspect.signature(present).parameters.values()
    positional = [each for each in taken if each.kind is each.POSITIONAL_OR_KEYWORD]
    by_name = [each.name for each in taken if each.kind is each.KEYWORD_ONLY]
    inspect.signature(changed).bind(*positional, **dict.fromkeys(by_name))


@mutation
def publish_before_the_verdict() -> None:
    def verdict(self: Any, attempt: Any, rendered: Any, early: Any) -> Any:
        event = attempt.event
        for rendition in rendered.renditions:
            listed = verdicts.listed_rendition(rendition, event)
            self._storage.put_rendition(
                listed["key"], rendition.data, content_type="image/jpeg", facts={"a": "b"}
            )
        return real(self, attempt, rendered, early)

    real = verdicts.Verdicts.store
    swap(verdicts.Verdicts, "store", lambda _: verdict)


@mutation
def verdict_only_in_memory() -> None:
    def store(self: Any, claim: Claim, facts: Mapping[str, Any]) -> Record:
        return dataclasses.replace(
            claim.record,
            moderation=ModerationResult.from_document(facts["moderation"]),
            renditions=tuple(facts["renditions"]),
            attributes={**claim.record.attributes, **facts},
        )

    swap(Records, "store_verdict", lambda _: store)


@mutation
def publish_whatever_the_verdict() -> None:
    swap(ModerationResult, "publishes", lambda _: property(lambda self: True))
    swap(ModerationResult, "withholds_in", lambda _: lambda self, mode: False)


@mutation
def failed_rekognition_is_clean() -> None:
    def ask(self: Any, proxy: bytes, give_back: Any) -> Any:
        try:
            return real(self, proxy, give_back)
        except ClientError:
            return (), "7.0"

    real = Moderator._ask
    swap(Moderator, "_ask", lambda _: ask)


@mutation
def mark_announced_before_publishing() -> None:
    def finish(self: Any, record: Record, **how: Any) -> None:
        if not record.announced:
            self._records.mark_announced(record)
        real(self, record, **how)

    real = Outcomes.finish
    swap(Outcomes, "finish", lambda _: finish)


@mutation
def never_announce_again() -> None:
    def finish(self: Any, record: Record, **how: Any) -> None:
        if record.attempt <= 1:
            real(self, record, **how)

    real = Outcomes.finish
    swap(Outcomes, "finish", lambda _: finish)


@mutation
def found_terminal_is_not_announced() -> None:
    def process(self: Any, event: Any, invocation: Any, **how: Any) -> None:
        known = self._records.of_version(event.key, event.version)
        if known is not None and known.status.terminal and event.redrive_attempt is None:
            return
        real(self, event, invocation, **how)

    real = Processor.process
    swap(Processor, "process", lambda _: process)


@mutation
def announcement_marked_by_key_alone() -> None:
    def mark(self: Any, record: Record) -> None:
        self._items.update(
            (record.object_key, record.sequencer), {"announced_at": iso_time(self._clock())}, condition={}
        )

    def update(self: Any, key: Any, values: Any, *, condition: Any, remove: Any = ()) -> Any:
        return real(self, key, values, condition=condition or {"object_key": key[0]}, remove=remove)

    real = items.ItemTable.update
    swap(items.ItemTable, "update", lambda _: update)
    swap(Records, "mark_announced", lambda _: mark)


@mutation
def a_fresh_alert_id_each_time() -> None:
    import uuid

    def publish(self: Any, record: Record) -> None:
        real(self, dataclasses.replace(record, alert_id=uuid.uuid4().hex))

    real = announcements.Announcements.publish
    swap(announcements.Announcements, "publish", lambda _: publish)


@mutation
def alert_id_without_the_status() -> None:
    def alert_id(object_key: str, sequencer: str, _: Status, attempt: int) -> str:
        return alert_id_of(object_key, sequencer, Status.PROCESSING, attempt)

    swap(transitions, "alert_id", lambda _: alert_id)


@mutation
def no_owner_in_the_condition() -> None:
    def change_mine(self: Any, claim: Claim, values: Any, remove: Any = ()) -> Record:
        key = (claim.record.object_key, claim.record.sequencer)
        record: Record = self._items.update(
            key, values, condition={"status": Status.PROCESSING}, remove=remove
        )
        return record

    swap(Records, "_change_mine", lambda _: change_mine)


@mutation
def no_status_in_the_condition() -> None:
    def change_mine(self: Any, claim: Claim, values: Any, remove: Any = ()) -> Record:
        key = (claim.record.object_key, claim.record.sequencer)
        record: Record = self._items.update(key, values, condition={"object_key": key[0]}, remove=remove)
        return record

    swap(Records, "_change_mine", lambda _: change_mine)


@mutation
def claim_without_a_condition() -> None:
    def change(self: Any, key: Any, seen: Any, values: Any, remove: Any = ()) -> Record:
        record: Record = self._items.update(key, values, condition={}, remove=remove)
        return record

    def update(self: Any, key: Any, values: Any, *, condition: Any, remove: Any = ()) -> Any:
        if condition:
            return real(self, key, values, condition=condition, remove=remove)
        try:
            return real(self, key, values, condition={"status": None}, remove=remove)
        except items.ItemChangedError:
            return real(self, key, values, condition={"object_key": key[0]}, remove=remove)

    real = items.ItemTable.update
    swap(items.ItemTable, "update", lambda _: update)
    swap(Records, "_change", lambda _: change)


@mutation
def each_claim_counts_as_decoded() -> None:
    swap(Record, "killed_in_decoding", lambda _: property(lambda self: self.unfinished))


@mutation
def no_note_of_decoding() -> None:
    swap(Records, "begin_decoding", lambda _: lambda self, claim: None)


@mutation
def renditions_are_removed_without_a_look_at_the_lease() -> None:
    swap(Publishing, "remove", lambda _: lambda self, attempt, keys: self._storage.remove_renditions(keys))


@mutation
def a_lost_answer_of_the_commit_is_a_lost_lease() -> None:
    def commit(self: Any, claim: Claim, status: Status, facts: Any) -> Record:
        record = claim.record
        values = self._terminal(record, status, record.attempt, facts)
        try:
            changed: Record = self._change_mine(claim, values)
        except items.ItemChangedError:
            return dataclasses.replace(record, status=status, announced_at="then")
        return changed

    swap(Records, "commit", lambda _: commit)
