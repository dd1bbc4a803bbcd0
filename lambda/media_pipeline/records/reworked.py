"""What the holder of a rework does to its record: the version stays published from the claim to the commit."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from media_pipeline.errors import LeaseHeldError, LeaseLostError, NothingChangedError, TransientError
from media_pipeline.events import ObjectEvent, ReworkOrder
from media_pipeline.records.item_size import fitted
from media_pipeline.records.items import ItemChangedError
from media_pipeline.records.leases import LeasedRecords, decision_to_carry_out
from media_pipeline.records.record import Claim, Finished, Record, Stage, Status, WaitsForStage
from media_pipeline.records.rework import WITHHELD, Rework
from media_pipeline.records.transitions import CLAIM_ROUNDS, LEASE_OVER, OF_ONE_OUTCOME


class ReworkedRecords(LeasedRecords):
    """Claims published versions for a rework, and changes them during it."""

    def claim_rework(
        self,
        event: ObjectEvent,
        order: ReworkOrder,
        *,
        owner: str,
        lease_seconds: float,
        stage: Stage = Stage.IMAGE,
        takes_over: bool = False,
    ) -> Claim | Finished | WaitsForStage | None:
        """Take the right to rework a published version, or say why there is nothing to do here.

        Where this rework is done and files that it replaced are left, the right to remove them. `Finished` also for an
        open record, which somebody else works on. None where the record is gone. Stages as in `claim`.
        Raises LeaseHeldError while another invocation holds it.
        """
        until = self._clock() + lease_seconds
        known = self.get(event.key, self.sequencer_of(event))
        for _ in range(CLAIM_ROUNDS):
            if known is None or known.version != event.version:
                return None
            seen = known.rework or Rework(id=order.id, mode=order.mode, attempt=0)
            if known.status is Status.PUBLISHED and seen.owner == owner:
                return Claim(record=known, owner=owner, unfinished_before=0)  # the answer was lost
            is_wanted = known.attempt == order.attempt and not (seen.ended and seen.id == order.id)
            if known.status is not Status.PUBLISHED or not (is_wanted or known.replaced_keys):
                return Finished(known)
            if known.stage is not stage and not takes_over:
                return WaitsForStage(known)
            if (left := known.lease_left(self._clock())) > 0:
                raise LeaseHeldError(left)
            # Answers to a rework that ended may be old by now.
            gone = ("answers",) if is_wanted and order.fresh and seen.ended else ()
            try:
                record = self._change_reworked(known, seen.held(order, owner, until), remove=gone)
            except ItemChangedError as changed:
                known = changed.found
            else:
                return Claim(record=record, owner=owner, unfinished_before=0)
        raise TransientError("other invocations changed the record each time this one tried to rework it")

    def extend_rework(self, record: Record, *, lease_seconds: float) -> Record:
        """Extend the lease to `lease_seconds` from now. Raises LeaseLostError."""
        return self._change_held(record, _rework(record).extended(self._clock() + lease_seconds))

    def note_renditions(self, record: Record, keys: tuple[str, ...], facts: Mapping[str, Any]) -> Record:
        """Note what is about to be put, so that whoever takes over can remove it, and a new verdict that allows it.

        Raises LeaseLostError, NothingChangedError where a person decided about the version meanwhile.
        """
        rework = replace(_rework(record), renditions=keys)
        return self._change_held(record, rework, fitted(facts), remove=("answers",), is_decidable=False)

    def commit_rework(self, record: Record, facts: Mapping[str, Any]) -> Record:
        """Swap the renditions that readers are shown; what they replace is noted, and removed later.

        The attempt counts one more, so that the same message finds it done, and the outcome is announced anew.
        Raises LeaseLostError.
        """
        new = {rendition["key"] for rendition in facts["renditions"]}
        replaced = sorted((record.listed_keys | record.replaced_keys) - new)
        values = self._terminal(record, Status.PUBLISHED, record.attempt + 1, facts)
        del values["lease_until"]
        values.pop("expires_at", None)  # as it is: something newer may have followed meanwhile
        if replaced:
            values["old_renditions"] = replaced
        gone = ("rework", "announced_at", *(() if replaced else ("old_renditions",)))
        try:
            return self._change_reworked(record, None, values, remove=gone)
        except ItemChangedError as changed:
            found = changed.found
            if found is not None and found.alert_id == values["alert_id"]:
                return found
            raise LeaseLostError("the record changed before the new renditions were committed") from None

    def withhold(self, record: Record, facts: Mapping[str, Any]) -> Record:
        """Open a published record with a verdict that withholds it: from here on readers are not shown it.

        Any message about the version then moves its original to quarantine and removes what was published.
        Raises LeaseLostError, NothingChangedError where a person decided about the version meanwhile.
        """
        values = {
            **fitted(facts),
            "status": Status.PROCESSING,
            "attempt": record.attempt + 1,
            "unfinished": 0,
            "lease_until": LEASE_OVER,
            "old_renditions": sorted(record.rendition_keys),
        }
        ended = _rework(record).ended_as(WITHHELD)
        gone = (*OF_ONE_OUTCOME, "owner", "decoding", "answers")
        try:
            return self._change_reworked(record, ended, values, remove=gone, is_decidable=False)
        except ItemChangedError as changed:
            found = changed.found
            if found is not None and found.rework == ended and found.status is not Status.PUBLISHED:
                return found
            _require_undecided(record, found)
            raise LeaseLostError("the record changed before the verdict was stored") from None

    def end_rework(self, record: Record, why: str, facts: Mapping[str, Any]) -> None:
        """Note that a rework changed nothing, and why; `facts` has answers of Rekognition that are to be kept.

        Those of earlier attempts stay as well: what is judged again need not pay for them twice. Raises LeaseLostError.
        """
        self._change_held(record, _rework(record).ended_as(why), fitted(facts))

    def release_rework(
        self, record: Record, *, counted: bool, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Release a rework, so that the next message can take it at once; one that was lost stays lost.

        An attempt is `counted` that may have ended for a reason which lies in the object.
        """
        self._change_held(record, _rework(record).released(counted=counted), fitted(facts or {}))

    def forget_replaced(self, record: Record) -> None:
        """Note that the files which a rework replaced are removed, and release it. Raises LeaseLostError.

        What a later rework put, and was cut off, stays noted.
        """
        held = _rework(record)
        kept = replace(held, owner=None, lease_until=0) if held.renditions else None
        self._change_held(record, kept, remove=("old_renditions",))

    def fence_rework(self, record: Record) -> None:
        """Take a rework from an owner whose lease is over and who may only stand still.

        What it put has to be removed before. Raises TransientError where it changed meanwhile.
        """
        try:
            self._change_reworked(record, _rework(record).ended_as("deleted"))
        except ItemChangedError:
            raise TransientError("the record changed while its rework was taken from its owner") from None

    # ---- how

    def _change_held(
        self,
        record: Record,
        rework: Rework | None,
        values: Mapping[str, Any] | None = None,
        remove: tuple[str, ...] = (),
        *,
        is_decidable: bool = True,
    ) -> Record:
        try:
            return self._change_reworked(record, rework, values or {}, remove, is_decidable=is_decidable)
        except ItemChangedError as changed:
            found = changed.found
            is_written = found is not None and found.attempt == record.attempt and found.rework == rework
            # One that leaves the rework as it was, since nothing new is to be put, never fails for having been made.
            is_written = is_written and rework != record.rework
            if found is not None and is_written and found.status is Status.PUBLISHED:
                return found  # our own write, whose answer was lost
            if not is_decidable:
                _require_undecided(record, found)
            raise LeaseLostError("the published record changed while it was reworked") from None

    def _change_reworked(
        self,
        seen: Record,
        rework: Rework | None,
        values: Mapping[str, Any] | None = None,
        remove: tuple[str, ...] = (),
        *,
        is_decidable: bool = True,
    ) -> Record:
        """`is_decidable`: whether a person may have decided about the version since it was seen."""
        condition = {
            "status": Status.PUBLISHED,
            "attempt": seen.attempt,
            "rework": seen.attributes.get("rework"),
        }
        if not is_decidable:
            if decision_to_carry_out(seen) is not None:  # seen when the lease was last extended
                raise NothingChangedError("decided")
            condition["decision"] = seen.attributes.get("decision")
        written = dict(values or {})
        if rework is not None:
            written["rework"] = rework.to_document()
        elif "rework" not in remove:
            remove = (*remove, "rework")
        return self._items.update(
            (seen.object_key, seen.sequencer), written, condition=condition, remove=remove
        )


def _rework(record: Record) -> Rework:
    if record.rework is None:
        raise AssertionError("only a claimed rework is changed")
    return record.rework


def _require_undecided(seen: Record, found: Record | None) -> None:
    """Raise NothingChangedError where all that changed is what a person decided: that has the last word."""
    if found is None or found.rework != seen.rework or found.decision == seen.decision:
        return
    raise NothingChangedError("decided") from None
