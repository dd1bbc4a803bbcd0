"""Plausible mistakes with two people and with what is held as evidence, added to all the others."""

import inspect
from typing import Any

from media_pipeline.processing import decisions, holds, publishing
from media_pipeline.processing.endings import Ending
from media_pipeline.records import leases
from media_pipeline.records.approvals import approvals_given
from media_pipeline.records.decisions import Decision
from media_pipeline.records.record import Record
from media_pipeline.records.succession import Succession
from media_pipeline.reviews import asking
from tests.faults.mutations import mutation, swap

Decisions, Publishing = decisions.Decisions, publishing.Publishing


@mutation
def the_workers_do_not_count_who_approved() -> None:
    swap(Decisions, "_refuse_too_few", lambda _: lambda self, attempt, decision: None)


@mutation
def the_first_of_two_approvals_is_enough_to_ask() -> None:
    swap(asking.Decisions, "_missing_approvals", lambda _: lambda self, record, decision: 0)


@mutation
def one_person_approves_twice() -> None:
    def missing(self: Any, record: Record, decision: Decision) -> int:
        needed = self.approvals_needed(record)
        return max(int(needed) - len(approvals_given(record)) - 1, 0)

    swap(asking.Decisions, "_missing_approvals", lambda _: missing)
    swap(
        decisions,
        "approved_by",
        lambda _: lambda record, decision: record.attributes.get("approvals") or [decision],
    )


@mutation
def what_is_held_stays_in_the_lifecycle() -> None:
    swap(Publishing, "hold", lambda _: lambda self, attempt, record, *, status: True)


@mutation
def what_is_released_stays_out_of_the_lifecycle() -> None:
    swap(Publishing, "release", lambda _: lambda self, attempt, record, *, status: True)


@mutation
def a_delete_removes_what_is_held() -> None:
    swap(Record, "is_held", lambda _: property(lambda self: False))


@mutation
def what_is_held_can_be_decided() -> None:
    swap(asking, "require_free", lambda _: lambda record: None)


@mutation
def a_release_leaves_the_hold() -> None:
    def decided(record: Record) -> Any:
        found = real(record)
        return None if found is not None and found.action == "release" else found

    real = leases.decision_to_carry_out
    commit: Any = leases.LeasedRecords.commit

    def keep(self: Any, claim: Any, status: Any, facts: Any) -> Any:
        swap(leases, "decision_to_carry_out", lambda _: decided)
        try:
            return commit(self, claim, status, facts)
        finally:
            swap(leases, "decision_to_carry_out", lambda _: real)

    swap(leases.LeasedRecords, "commit", lambda _: keep)


@mutation
def what_was_deleted_outlives_its_release() -> None:
    def release(self: Any, attempt: Any) -> Ending:
        ending = self._as_before(attempt)
        self._publishing.release(attempt, attempt.record, status=ending.status)
        return Ending(ending.status, ending.facts)

    swap(Decisions, "_release", lambda _: release)


@mutation
def what_is_held_waits_for_anybody() -> None:
    def escalate(self: Any, attempt: Any) -> Ending:
        ending = real(self, attempt)
        facts = {name: value for name, value in ending.facts.items() if name != "attention"}
        return Ending(ending.status, facts)

    real: Any = Decisions._escalate
    swap(Decisions, "_escalate", lambda _: escalate)


@mutation
def who_stood_still_leaves_its_tags() -> None:
    swap(holds.Holds, "tag_after", lambda _: lambda self, attempt, error: None)


@mutation
def what_was_tagged_before_a_kill_stays_tagged() -> None:
    def tag(self: Any, record: Record) -> None:
        if inspect.stack()[1].function == "tag_after":
            real(self, record)

    real = holds.Holds.tag_as_recorded
    swap(holds.Holds, "tag_as_recorded", lambda _: tag)


@mutation
def a_delete_above_what_is_held_expires() -> None:
    def mark_followed(self: Any, older: Record, by: Record, *, stays: bool) -> None:
        real(self, older, by, stays=False)

    real = Succession._mark_followed
    swap(Succession, "_mark_followed", lambda _: mark_followed)
