"""The life cycle of one record against a model of the design's transition table, in any order of changes."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from media_pipeline.errors import LeaseHeldError, LeaseLostError, Reason
from media_pipeline.events import EventKind, ObjectEvent
from media_pipeline.records.record import Claim, Status
from media_pipeline.records.table import Records
from tests.faults.conftest import SimulationFactory
from tests.faults.simulated_stack import TABLE, UPLOADS, SimulatedStack
from tests.faults.virtual_time import VirtualClock

LEASE = 66.0
ENDS = (Status.PUBLISHED, Status.BLOCKED, Status.REVIEW, Status.REJECTED, Status.FAILED, Status.SUPERSEDED)
_owners = (f"owner-{number}" for number in itertools.count())


def _event(redrive: int | None = None) -> ObjectEvent:
    return ObjectEvent(
        kind=EventKind.CREATED, bucket=UPLOADS, key="k", version_id="v", etag="e", sequencer="A" * 32,
        redrive_attempt=redrive,
    )  # fmt: skip


class LifeCycle(RuleBasedStateMachine):
    """A model of one record. `claims` are all claims of the run: what paused or killed invocations may still write."""

    stack: ClassVar[SimulatedStack]

    @initialize()
    def begin(self) -> None:
        self.clock = VirtualClock()
        self.stack.reset(self.clock, 0)
        dynamodb = self.stack.dynamodb
        clock = lambda: self.clock.now  # noqa: E731
        self.records = Records(dynamodb=dynamodb, table=TABLE, clock=clock, retention_days=0)
        self.claims: list[Claim] = []
        self.holder: Claim | None = None
        self.status: Status | None = None
        self.lease = 0.0
        self.attempt = self.unfinished = 0
        self.verdict = self.announced = self.decoding = False

    def _take(self, redrive: int | None) -> None:
        held = self.status is Status.PROCESSING and self.lease > self.clock.now
        opens = self.status is Status.FAILED and redrive == self.attempt
        try:
            taken = self.records.claim(_event(redrive), owner=next(_owners), lease_seconds=LEASE)
        except LeaseHeldError as error:
            wait = error.seconds
        else:
            wait = 0.0
        assert wait == pytest.approx(self.lease - self.clock.now if held else 0.0, abs=0.01)
        if held:
            return
        if not isinstance(taken, Claim):
            assert self.status is not None
            assert self.status.terminal
            assert not opens
            return
        assert self.status in (None, Status.PROCESSING) or opens
        # The claim before this one counts if it was given back as counting, or if it began to decode.
        never_began = self.holder is not None and not self.decoding
        before = max(self.unfinished - never_began, 0)
        self.unfinished = (0 if opens else before) + 1
        self.decoding = False
        self.attempt += 1
        self.status, self.holder, self.announced = Status.PROCESSING, taken, False
        self.lease = self.clock.now + LEASE
        self.claims.append(taken)

    @rule()
    def claim(self) -> None:
        self._take(None)

    @rule(named=st.integers(0, 3))
    def claim_by_redrive(self, named: int) -> None:
        self._take(named)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def claim_again_after_a_lost_answer(self, data: Any) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        mine = self.holder is claim and self.status is Status.PROCESSING
        before = self.attempt
        if not mine:
            return
        again = self.records.claim(_event(), owner=claim.owner, lease_seconds=LEASE)
        assert isinstance(again, Claim)
        assert again.record.attempt == before

    def _written(self, data: Any, write: Callable[[Claim], object]) -> Claim | None:
        """Let any invocation that ever held a claim write; only the one that holds it now may. Return its claim."""
        claim: Claim = data.draw(st.sampled_from(self.claims))
        mine = self.holder is claim and self.status is Status.PROCESSING
        if mine:
            write(claim)
            return claim
        with suppress(LeaseLostError):
            # A write that changes nothing may succeed for anybody; the invariant verifies that nothing changed.
            write(claim)
        return None

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def begin_decoding(self, data: Any) -> None:
        if self._written(data, self.records.begin_decoding):
            self.decoding = True

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def store_verdict(self, data: Any) -> None:
        facts = {"moderation": {"verdict": "allow", "mode": "enforce"}}
        if self._written(data, lambda claim: self.records.store_verdict(claim, facts)):
            self.verdict, self.unfinished, self.decoding = True, 0, False

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), status=st.sampled_from(ENDS), twice=st.booleans())
    def commit(self, data: Any, status: Status, twice: bool) -> None:
        claim = self._written(data, lambda claim: self.records.commit(claim, status, {}))
        if claim is None:
            return
        self.status = status
        if twice:  # its answer was lost
            assert self.records.commit(claim, status, {}).status is status

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), unfinished=st.integers(0, 3))
    def release(self, data: Any, unfinished: int) -> None:
        if self._written(data, lambda claim: self.records.release(claim, unfinished=unfinished)):
            self.holder, self.lease, self.unfinished = None, 0.0, unfinished
            self.decoding = False

    @rule(seconds=st.sampled_from([1.0, 30.0, 65.0, 67.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def dead_letter(self) -> None:
        held = self.status is Status.PROCESSING and self.lease > self.clock.now
        try:
            record = self.records.fail(_event(), reason=Reason.RETRIES_EXHAUSTED, detail="d")
        except LeaseHeldError:
            assert held
            return
        assert not held
        if self.status in (None, Status.PROCESSING):
            self.status, self.announced = Status.FAILED, False
        assert record.status is self.status

    @rule()
    def version_deleted(self) -> None:
        record = self.records.get("k", "A" * 32)
        if record is None or record.status not in (Status.PUBLISHED, Status.FAILED, Status.PROCESSING):
            return
        held = self.status is Status.PROCESSING and self.lease > self.clock.now
        try:
            self.records.delete(record)
        except LeaseHeldError:
            assert held
            return
        assert not held
        self.status, self.announced = Status.DELETED, False

    @precondition(lambda self: self.status is not None and self.status.terminal)
    @rule()
    def announce(self) -> None:
        record = self.records.get("k", "A" * 32)
        assert record is not None
        self.records.mark_announced(record)
        self.announced = True

    @invariant()
    def the_record_is_what_the_table_of_transitions_says(self) -> None:
        if not hasattr(self, "records"):
            return
        record = self.records.get("k", "A" * 32)
        if self.status is None:
            assert record is None
            return
        assert record is not None
        assert record.status is self.status
        assert record.attempt == self.attempt
        assert record.announced == self.announced
        assert (record.moderation is not None) == self.verdict
        assert (record.alert_id is not None) == self.status.terminal
        assert (record.attributes.get("attention") == record.status) == record.status.needs_attention
        if self.status is Status.PROCESSING:
            assert record.unfinished == self.unfinished
            assert record.lease_left(self.clock.now) == pytest.approx(self.lease - self.clock.now, abs=0.01)


def test_every_order_of_changes_follows_the_table_of_transitions(
    simulations: SimulationFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LifeCycle, "stack", simulations.stack, raising=False)
    health = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        LifeCycle,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=health,
        ),
    )
