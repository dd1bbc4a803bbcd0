"""What the holder of a lease does to its record, from the claim to the commit."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from media_pipeline.errors import LeaseHeldError, LeaseLostError, TransientError
from media_pipeline.events import ObjectEvent
from media_pipeline.moderation.result import Answers
from media_pipeline.records.decisions import Action, Decision
from media_pipeline.records.item_size import fitted
from media_pipeline.records.items import ItemChangedError
from media_pipeline.records.record import (
    LOOKS,
    NEVER_SHOWN,
    Claim,
    ClaimResult,
    Finished,
    Record,
    Stage,
    Status,
    WaitsForStage,
    iso_time,
)
from media_pipeline.records.transitions import (
    CLAIM_ROUNDS,
    LEASE_OVER,
    OF_ONE_OUTCOME,
    OF_REWORK,
    RecordTable,
)

UNFINISHED_LIMIT = 4  # attempts; at the fourth the object is rejected, since three were killed while decoding

CARRIED_OUT_FROM: Mapping[Action, frozenset[Status]] = MappingProxyType(
    {
        Action.APPROVE: frozenset({Status.REVIEW, Status.BLOCKED}),
        Action.REJECT: frozenset({Status.REVIEW, Status.BLOCKED}),
        Action.WITHDRAW: frozenset({Status.PUBLISHED, Status.REVIEW, Status.SUPERSEDED, Status.REJECTED}),
        Action.RESTORE: frozenset({Status.BLOCKED, *NEVER_SHOWN}),
        Action.ESCALATE: frozenset({Status.REVIEW, Status.BLOCKED}),
        Action.RELEASE: frozenset({Status.REVIEW, Status.BLOCKED}),
    }
)
"""What the workers carry out, and from which statuses: BLOCKED where a person overrides the policy.

From PROCESSING and FAILED too, where an attempt to carry it out was cut off.
"""
_CUT_OFF = frozenset({Status.PROCESSING, Status.FAILED})
_NEEDS_ORIGINAL = frozenset({Action.APPROVE, Action.RESTORE})


class LeasedRecords(RecordTable):
    """Claims records and changes them during the lease."""

    def claim(
        self,
        event: ObjectEvent,
        *,
        owner: str,
        lease_seconds: float,
        stage: Stage = Stage.IMAGE,
        takes_over: bool = False,
    ) -> ClaimResult:
        """Take the right to work on a version, or say why there is nothing to do here.

        A version that waits for another stage than `stage` is claimed only by a function that `takes_over`: the
        other stage is no longer deployed.
        Raises LeaseHeldError while another invocation holds it.
        """
        sequencer = self.sequencer_of(event)
        known: Record | None = None
        for _ in range(CLAIM_ROUNDS):
            redriven = known is not None and known.status.terminal
            before = known.killed_in_decoding if known and not redriven else 0
            uploaded_at = None if known else event.happened_at
            comes_back = event.comes_back or (known is not None and known.comes_back)
            try:
                record = self._change(
                    (event.key, sequencer),
                    known,
                    {
                        "status": Status.PROCESSING,
                        "owner": owner,
                        "attempt": (known.attempt if known else 0) + 1,
                        "unfinished": before + 1,
                        "lease_until": self._lease_until(lease_seconds),
                        "stage": stage,
                        "version_id": event.version_id,
                        "etag": event.etag,
                        **({} if uploaded_at is None else {"uploaded_at": iso_time(uploaded_at)}),
                        **({"comes_back": True} if comes_back else {}),
                    },
                    # Opened again, it is looked up anew whether something newer follows.
                    remove=(*_of_last_end(known), "followed_by", *(() if comes_back else ("comes_back",))),
                )
            except ItemChangedError as changed:
                known = changed.found
                if known is None:  # expired between two writes: start over without a record
                    continue
                self._require_same_version(known, event)
                if known.status is Status.PROCESSING and known.owner == owner:
                    # Our own write, whose response was lost.
                    return Claim(record=known, owner=owner, unfinished_before=max(known.unfinished - 1, 0))
                if not known.is_open(event.redrive_attempt, restores=event.restores):
                    return Finished(known)
                if known.stage is not stage and not takes_over:
                    return WaitsForStage(known)
                if (left := known.lease_left(self._clock())) > 0:
                    raise LeaseHeldError(left) from None
            else:
                return Claim(record=record, owner=owner, unfinished_before=before)
        raise TransientError("other invocations changed the record each time this one tried to claim it")

    def claim_decided(
        self,
        event: ObjectEvent,
        *,
        owner: str,
        lease_seconds: float,
        stage: Stage = Stage.IMAGE,
        takes_over: bool = False,
    ) -> ClaimResult | None:
        """Take the right to carry out the decision that `event` names, or say why there is nothing to do here.

        None where the record is gone, or is being worked on for another reason. Stages as in `claim`.
        Raises LeaseHeldError while another invocation holds it.
        """
        sequencer = self.sequencer_of(event)
        known = self.get(event.key, sequencer)
        for _ in range(CLAIM_ROUNDS):
            if known is None or known.version != event.version:
                return None
            if known.status is Status.PROCESSING and known.owner == owner:
                # Our own write, whose response was lost.
                return Claim(record=known, owner=owner, unfinished_before=max(known.unfinished - 1, 0))
            decision = decision_to_carry_out(known)
            if decision is None or decision.id != event.decision_id:
                return Finished(known) if known.status.terminal else None
            needs_original = decision.action in _NEEDS_ORIGINAL
            if needs_original and known.stage is not stage and not takes_over:
                return WaitsForStage(known)
            if (left := known.lease_left(self._clock())) > 0:
                raise LeaseHeldError(left)
            before = 0 if known.status.terminal else known.killed_in_decoding
            values = {
                "status": Status.PROCESSING,
                "owner": owner,
                "attempt": known.attempt + 1,
                "unfinished": before + 1,
                "lease_until": self._lease_until(lease_seconds),
                "stage": stage if needs_original else known.stage,
            }
            if known.status not in _CUT_OFF:
                values["decided_from"] = {
                    "status": known.status,
                    "reason": known.attributes.get("reason"),
                    "detail": known.attributes.get("detail"),
                }
            # What is published is looked up anew whether something newer follows; what is not stays hidden.
            remove = (*_of_last_end(known), *(("followed_by",) if needs_original else ()))
            try:
                record = self._change((event.key, sequencer), known, values, remove)
            except ItemChangedError as changed:
                known = changed.found
            else:
                return Claim(record=record, owner=owner, unfinished_before=before)
        raise TransientError("other invocations changed the record each time this one tried to claim it")

    def take_answers(self, claim: Claim, answers: Mapping[str, Any]) -> Claim:
        """Write down those of Rekognition's answers of the version's other record that this one lacks.

        Return the claim. Raises LeaseLostError where another invocation took it over.
        """
        own = claim.record.attributes.get("answers")
        both = answers if own is None else Answers.joined(own, answers)
        if claim.record.moderation is not None or both is own:
            return claim
        try:
            return claim._replace(record=self._change_mine(claim, fitted({"answers": both})))
        except ItemChangedError:
            raise LeaseLostError(
                "the lease was taken over before it had the other record's answers"
            ) from None

    def begin_decoding(self, claim: Claim) -> None:
        """Note that decoding begins; only from here on can the object be the reason why the function is killed.

        A claim that ended without this note, killed in a call or cut off by an outage, does not count as unfinished
        for the next one.
        """
        try:
            self._change_mine(claim, {"decoding": True})
        except ItemChangedError:
            raise LeaseLostError("the lease was taken over before decoding began") from None

    def release(self, claim: Claim, *, unfinished: int, facts: Mapping[str, Any] | None = None) -> None:
        """Release a claim, so that the next message can take it at once; a claim that was lost stays lost.

        `facts` are what the next attempt can use: answers of Rekognition that were paid for.
        """
        self._give_up(claim, {**fitted(facts or {}), "unfinished": unfinished})

    def discard(self, claim: Claim) -> None:
        """Delete the record of a claim without a verdict, since its version has another one.

        Raises LeaseLostError where another invocation took it over.
        """
        record = claim.record
        condition = {"owner": claim.owner, "status": Status.PROCESSING, "attempt": record.attempt}
        try:
            self._items.delete((record.object_key, record.sequencer), condition=condition)
        except ItemChangedError:
            raise LeaseLostError("the lease was taken over before the second record was deleted") from None

    def move(self, claim: Claim, sequencer: str) -> Claim:
        """Give the record of a claim another place in the order of its key, with all it says; return the claim on it.

        Raises TransientError where the record changed meanwhile, or another version took that place.
        """
        record = claim.record
        seen = ("status", "owner", "attempt", "updated_at")
        condition = {name: record.attributes[name] for name in seen}
        try:
            return claim._replace(record=self._items.move(record, sequencer, condition=condition))
        except ItemChangedError:
            raise TransientError(
                "the record changed while it got its place in the order of its key"
            ) from None

    def discard_abandoned(self, record: Record) -> None:
        """Delete an open record whose lease is over, since its version has another one; a later claim finds that one.

        Raises TransientError where it changed meanwhile.
        """
        condition = {"status": record.status, "attempt": record.attempt, "lease_until": record.lease_until}
        try:
            self._items.delete((record.object_key, record.sequencer), condition=condition)
        except ItemChangedError:
            raise TransientError("the second record changed while it was deleted") from None

    def hand_over(self, claim: Claim, stage: Stage) -> None:
        """Release a claim and note that the version waits for another function; the caller then notifies that function.

        The note does not prove that it was notified: any other function that finds the note notifies it again.
        """
        self._give_up(claim, {"unfinished": claim.unfinished_before, "stage": stage})

    def extend(self, claim: Claim, *, lease_seconds: float) -> None:
        """Extend a claim's lease to `lease_seconds` from now.

        Raises LeaseLostError where another invocation took it over.
        """
        try:
            self._change_mine(claim, {"lease_until": self._lease_until(lease_seconds)})
        except ItemChangedError:
            raise LeaseLostError("the lease was taken over before it could be extended") from None

    def store_verdict(self, claim: Claim, facts: Mapping[str, Any]) -> Record:
        """Store the verdict with all facts of the terminal record, before anything is written to a bucket.

        Decoding came to its end, so the count of unfinished attempts begins again.
        """
        try:
            return self._change_mine(
                claim, {**fitted(facts), "unfinished": 0}, remove=("decoding", "answers", *OF_REWORK)
            )
        except ItemChangedError:
            raise LeaseLostError("the lease was taken over before the verdict was stored") from None

    def commit(self, claim: Claim, status: Status, facts: Mapping[str, Any]) -> Record:
        """Write the terminal status: the commit point that readers follow.

        Answers of Rekognition stay where no verdict was reached: what is opened again need not pay for them twice.
        """
        record = claim.record
        values = self._terminal(record, status, record.attempt, facts)
        decision = decision_to_carry_out(record)
        released = ("hold",) if decision is not None and decision.action is Action.RELEASE else ()
        # But for FAILED, whoever commits has removed what a rework left behind, and nothing comes back any more.
        left = () if status is Status.FAILED else (*OF_REWORK, "comes_back")
        try:
            return self._change_mine(claim, values, remove=("decoding", "decided_from", *released, *left))
        except ItemChangedError as changed:
            found = changed.found
            if found and found.alert_id == values["alert_id"] and found.owner == claim.owner:
                return found
            raise LeaseLostError(f"the lease was taken over before {status} was committed") from None

    # ---- how

    def _lease_until(self, lease_seconds: float) -> Decimal:
        return Decimal(f"{self._clock() + lease_seconds:.3f}")

    def _give_up(self, claim: Claim, values: Mapping[str, Any]) -> None:
        try:
            values = {**values, "lease_until": LEASE_OVER}
            self._change_mine(claim, values, remove=("owner", "decoding"))
        except ItemChangedError as changed:
            found = changed.found
            if found is None or found.attempt != claim.record.attempt or found.owner is not None:
                raise LeaseLostError("the lease was taken over before it could be released") from None


def _of_last_end(record: Record | None) -> tuple[str, ...]:
    """Return the attributes that go when a record is opened again; None: it is written for the first time."""
    # Readers are shown nothing any more of what is withdrawn.
    looks = LOOKS if record is not None and record.is_withdrawn else ()
    return (*OF_ONE_OUTCOME, "decoding", *looks)


def decision_to_carry_out(record: Record) -> Decision | None:
    """Return the decision that the workers have to carry out in a record, None where there is none."""
    decision = record.pending_decision
    if decision is None or decision.action not in CARRIED_OUT_FROM:
        return None
    may_be = CARRIED_OUT_FROM[decision.action] | _CUT_OFF
    return decision if record.status in may_be else None
