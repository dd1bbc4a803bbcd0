"""Invariants that hold at every moment of a run, checked without any code of the pipeline.

After every call that took effect the checker looks at the buckets and the table. It knows the design's transition table
and the expected outcome of every upload.
"""

from collections.abc import Callable
from typing import Any

from tests.faults.acknowledgement_checks import AcknowledgementChecker
from tests.faults.answer_checks import MODEL as ANSWERED_BY
from tests.faults.answer_checks import SORT_KEY as ANSWER
from tests.faults.answer_checks import AnswerChecker
from tests.faults.api_client import UPLOAD_API
from tests.faults.budget_checks import BudgetChecker
from tests.faults.edge_checks import EdgeChecker
from tests.faults.expiry_checks import MARKS, expiry_problems
from tests.faults.fault_injection import Call
from tests.faults.history import History, Upload
from tests.faults.operators import OPERATOR
from tests.faults.outcome_checks import OutcomeChecker
from tests.faults.published_content import ContentChecker
from tests.faults.record_items import (
    TERMINAL,
    WITHHELD,
    Item,
    changed_fields,
    is_undecided,
    is_withheld,
    listed,
    named,
    version_of,
)
from tests.faults.reviewers import REVIEWER
from tests.faults.sample_uploads import recognise
from tests.faults.simulated_queues import VISIBILITY_FACTOR
from tests.faults.simulated_stack import QUARANTINE, RENDITIONS, SimulatedStack
from tests.faults.virtual_time import START

REWORK = frozenset({"rework", "old_renditions", "answers", "moderation"})
"""Fields that a backfill changes while a version stays published."""
LIST_SECONDS = 60.0 + 5.0  # how old the hash list may be that an invocation goes by, and clocks that differ
CLOCKS_APART = 5.0  # seconds between two clocks that are off in opposite directions


class InvariantChecker:
    """Collects violations. It never raises, because the code under test would catch that."""

    def __init__(self, stack: SimulatedStack, history: History, when: Callable[[], float]) -> None:
        self._stack = stack
        self._history = history
        self._when = when
        self._known: dict[str, dict[str, Item]] = {}
        self._holders: dict[tuple[str, str], Any] = {}  # record -> the invocation whose claim holds it
        self.violations: list[str] = []
        self.content = ContentChecker(history, self.add_violation)
        self.answers = AnswerChecker(
            self.add_violation, lambda: stack.item(ANSWERED_BY, ANSWER), lambda: self._when()
        )
        self.budget = BudgetChecker(self.add_violation, lambda: START + self._when())
        self.edge = EdgeChecker(stack, history, self.add_violation)
        self.acknowledgements = AcknowledgementChecker(stack, history, self.add_violation)
        self._outcomes = OutcomeChecker(stack, history)
        self.exclusive = True  # whether two living invocations may never hold one record (clocks are sane)

    def add_violation(self, what: str) -> None:
        """Record a violation with the virtual time at which it happened."""
        self.violations.append(f"at {self._when():.1f} s: {what}")

    def decided(self, key: str) -> None:
        """Take note of a decision that was written into a record of a key without a simulated call."""
        self._known[key] = {str(item["sequencer"]): item for item in self._stack.items(key)}

    # ---- after every call

    def after_call(self, call: Call) -> None:
        """Check what a call changed."""
        if call.invocation.paused:
            self._history.lapsed.add(call.invocation)
        self.answers.after_call(call)
        self.edge.after_call(call)
        if call.operation == "Publish":
            self._read_announcements()
        elif call.operation == "UpdateItem":
            self._table_changed(str(call.params["Key"]["object_key"]["S"]), call)
        elif call.operation == "DeleteItem":
            self._discarded(call)
        elif call.operation == "TransactWriteItems":
            self._placed_anew(call)
        elif call.params.get("Bucket") == QUARANTINE:
            for key in _deleted(call):
                self._copies_removed(key)
        elif call.params.get("Bucket") == RENDITIONS:
            if call.operation == "PutObject":
                self._rendition_put(str(call.params["Key"]), call)
            for key in _deleted(call):
                upload = self._history.of_rendition(key)
                if upload is not None:
                    self._published_renditions_exist(upload.key)

    def _copies_removed(self, key: str) -> None:
        """Check that nothing is removed from quarantine while a record still says that it is there."""
        name, _, version = key.rpartition("/")
        for item in self._stack.items(name):
            if version_of(item) == version and item["status"] in WITHHELD:
                self.add_violation(f"{key} was removed from quarantine, and its record is {item['status']}")

    def expired(self, item: Item) -> None:
        """Forget an item that DynamoDB's TTL removed."""
        key, sequencer = str(item["object_key"]), str(item["sequencer"])
        self._known.get(key, {}).pop(sequencer, None)
        self.content.forget((key, sequencer))
        name = key, version_of(item)
        self._history.expired.add(name)
        if item.get("hold") and is_undecided(item):  # its message was lost, and nobody had it carried out
            self._history.expired_holds.add(name)
        elif item.get("hold"):
            self.add_violation(f"{name} expired, and a person holds it as evidence")

    def _discarded(self, call: Call) -> None:
        """Check that only an open record is deleted whose version keeps another one, or whose order was assumed."""
        key, sequencer = (str(call.params["Key"][name]["S"]) for name in ("object_key", "sequencer"))
        gone = self._known.get(key, {}).pop(sequencer, None)
        if gone is None:
            return
        holder = self._holders.pop((key, sequencer), None)
        left = version_of(gone) in map(version_of, self._known[key].values())
        # Its order was only assumed: it is drawn again, above what is older.
        left = left or (self._history.lacks_sequencer(key, version_of(gone)) and "moderation" not in gone)
        if (
            gone["status"] != "PROCESSING"
            or not (holder is call.invocation or self._is_over(gone))
            or not left
        ):
            self.add_violation(f"{call.invocation} deleted the record {key} {sequencer}, {gone['status']}")

    def _placed_anew(self, call: Call) -> None:
        """Check that an open record which gets another place in the order of its key keeps all it says, and its holder.

        Only one whose order was assumed may get one.
        """
        gone, there = (act["Key"] for item in call.params["TransactItems"] for act in item.values())
        key, sequencer = str(gone["object_key"]["S"]), str(there["sequencer"]["S"])
        old = self._known[key].pop(str(gone["sequencer"]["S"]))
        new = next(item for item in self._stack.items(key) if item["sequencer"] == sequencer)
        self._known[key][sequencer] = new
        holder = self._holders.pop((key, str(gone["sequencer"]["S"])), None)
        self._holders[key, sequencer] = holder
        is_kept = changed_fields(old, new) <= {"sequencer", "updated_at"} and new["status"] == "PROCESSING"
        if not is_kept or not self._history.lacks_sequencer(key, version_of(new)):
            self.add_violation(f"{call.invocation} moved a record, and changed it: {old} became {new}")
        if holder is not call.invocation:
            self.add_violation(f"{call.invocation} moved the record {key} {sequencer} of {holder}")

    def held_by(self, invocation: Any) -> list[tuple[tuple[str, str], Item]]:
        """Return key, sequencer and item of the records that an invocation holds."""
        held = [record for record, holder in self._holders.items() if holder is invocation]
        return [(record, self._known.get(record[0], {}).get(record[1], {})) for record in held]

    def _read_announcements(self) -> None:
        for announcement in self._stack.read_outbox():
            self._history.announcements_read += 1
            known = self._history.announced.setdefault(announcement["alert_id"], announcement)
            outcomes = [
                {name: each.get(name) for name in ("object_key", "sequencer", "status")}
                for each in (known, announcement)
            ]
            if outcomes[0] != outcomes[1]:
                self.add_violation(f"one alert_id for two outcomes: {outcomes}")
            self.edge.announced(announcement)
            if announcement["status"] in WITHHELD:
                self.content.no_looks(f"the announcement of {announcement['object_key']}", announcement)

    def _rendition_put(self, key: str, call: Call) -> None:
        data = self._stack.read(RENDITIONS, key)
        if data is None:
            return
        upload = self._history.of_rendition(key)
        if b"Exif" in data or b"EXIF" in data:
            self.add_violation(f"rendition {key} carries EXIF")
        seen = recognise(data)
        original = self._history.shown_by(seen.number, upload)
        if original is None or upload is not original:
            self.add_violation(f"rendition {key} shows the bytes of {original}, not of {upload}")
            return
        # Of two records of one version, from an event without a sequencer and from one with it, one has the verdict.
        items = [item for item in self._stack.items(upload.key) if version_of(item) == upload.version]
        item = max(items, key=lambda item: "moderation" in item, default=None)
        is_approved = item is not None and self._history.is_approved(item, upload)
        # Or it was approved until it was withdrawn, while the machine stood still, which then removes it.
        is_approved = is_approved or (call.invocation.paused and bool(self._history.approvers(upload)))
        if not is_approved:
            self.content.published(key, upload, call)
            self._not_on_the_list(key, upload, call)
        if not is_approved and not self._outcomes.allowed(upload):
            judged = sorted(self._history.judged.get(upload.number, ()))
            self.add_violation(f"a rendition of {upload} was put; Rekognition judged it under: {judged}")
        if call.invocation.paused:
            return  # it stood still between its look at the lease and this call; the final checks find what it leaves
        moderation = item.get("moderation") if item else None
        if not moderation or (
            moderation["verdict"] not in ("allow", "off")
            and moderation["mode"] != "observe"
            and not is_approved
        ):
            self.add_violation(
                f"a rendition of {upload} was put without an allowing verdict or an approval in its record"
            )
        elif item and item["status"] in ("PROCESSING", "PUBLISHED") and key not in named(item):
            self.add_violation(
                f"rendition {key} was put, and the record does not list it: nothing would remove it"
            )

    def _not_on_the_list(self, key: str, upload: Upload, call: Call) -> None:
        """Check that nothing is put that was on the hash list so long that the invocation had to know it."""
        began = call.invocation.began - START
        for entry in self._history.entries_about(upload):
            if entry.since + LIST_SECONDS < began and self._when() < entry.until:
                self.add_violation(f"rendition {key} was put, and its original is on the hash list: {entry}")

    def _table_changed(self, key: str, call: Call) -> None:
        before = self._known.get(key, {})
        after = {str(item["sequencer"]): item for item in self._stack.items(key)}
        self._known[key] = after
        for sequencer, item in after.items():
            if (old := before.get(sequencer)) != item:
                self._changed(key, old, item, call)
        for sequencer in before.keys() - after.keys():
            self.add_violation(f"the record {key} {sequencer} was removed")
        self._published_renditions_exist(key)

    def _changed(self, key: str, old: Item | None, new: Item, call: Call) -> None:
        name = f"{key} {new['sequencer']}"
        self.violations += [f"{name}: {problem}" for problem in expiry_problems(old, new)]
        self.content.record_changed(old, new, call)
        self.answers.record_changed(old, new, call)
        was, now = (old["status"] if old else None), new["status"]
        # What is restored may have to be judged anew: the configuration is another one by now.
        is_restored = old is not None and (old.get("decision") or {}).get("action") == "restore"
        is_judged_anew = old is not None and old.get("moderation") != new.get("moderation")
        if old and is_undecided(old) and is_judged_anew and not is_restored:
            self.add_violation(f"{name}: a person's decision changed the verdict of the policy")
        if old is not None and was in TERMINAL:
            if now == was and new.get("attempt") == old.get("attempt"):
                self._only_marked(name, old, new, call)
                return
            if old.get("alert_id") not in self._history.announced:
                self.add_violation(
                    f"{name}: the outcome {was} was overwritten by {now} before it was announced"
                )
            if now == was:
                self._rendered_anew(name, old, new)
                return
            if not self._may_leave(old, new):
                self.add_violation(f"{name}: {was} became {now}")
        if old is None or not changed_fields(old, new) <= MARKS:
            self._only_by_its_holder(name, old, new, call)
        self._holder(name, old, new, call)
        if now in TERMINAL:
            if new.get("announced_at"):
                self.add_violation(f"{name}: {now} was created as announced")
            if problem := self._outcomes.problem(new):
                self.add_violation(f"{name}: {problem}")

    def _rendered_anew(self, name: str, old: Item, new: Item) -> None:
        """Check the commit of a backfill, which swaps what a published version lists."""
        if new["status"] != "PUBLISHED" or not self._history.is_reworked(old):
            self.add_violation(f"{name}: {old['status']} was written anew, and no backfill asked for that")
        if int(new["attempt"]) != int(old["attempt"]) + 1 or new.get("announced_at"):
            self.add_violation(f"{name}: what was rendered anew would not be announced")
        if left := listed(old) - listed(new) - set(new.get("old_renditions") or ()):
            self.add_violation(f"{name}: nothing would remove {left}")
        if problem := self._outcomes.problem(new):
            self.add_violation(f"{name}: {problem}")

    def _only_marked(self, name: str, old: Item, new: Item, call: Call) -> None:
        changed = changed_fields(old, new)
        if call.invocation.function_name in (REVIEWER, OPERATOR):
            looks = [*(new.get("second") or ()), *([new["checked"]] if new.get("checked") else ())]
            is_look = any(each["id"] in self._history.decisions for each in looks)
            approved = {str(each["id"]) for each in new.get("approvals") or ()}
            is_written = self._history.decision_of(new) is not None or "decision" not in changed
            if not (is_written or is_look) or approved - self._history.decisions.keys():
                self.add_violation(f"{name}: a decision was recorded before its evidence")
            changed -= {"decision", "decisions", "approvals"}
            if (new.get("decision") or {}).get("action") == "escalate":
                changed -= {"hold"}
            if old.get("attention") is None and new.get("attention") == "DECIDED":
                changed -= {"attention"}
            if old.get("attention") in ("CHECK", "SECOND") and new.get("attention") in (None, "DECIDED"):
                # The final checks compare it with the evidence.
                changed -= {"attention", "checked" if old["attention"] == "CHECK" else "second"}
        if call.invocation.function_name == UPLOAD_API and new["status"] == "BLOCKED":
            changed -= {"appeal", "attention"}
        if new["status"] == "PUBLISHED" and self._was_named_by_a_backfill(new):
            changed -= REWORK
        if new.get("delete_marker"):
            changed -= {"unlisted"}  # that it removes what no record lists
        if not changed <= MARKS:
            self.add_violation(f"{name}: the terminal record changed in {sorted(changed)}")
        if new.get("announced_at") and new.get("alert_id") not in self._history.announced:
            self.add_violation(f"{name}: {new['status']} is marked as announced, and no subscriber got it")

    def _was_named_by_a_backfill(self, item: Item) -> bool:
        attempts = range(int(item["attempt"]) + 1)
        return any(self._history.is_reworked({**item, "attempt": attempt}) for attempt in attempts)

    def _may_leave(self, old: Item, new: Item) -> bool:
        upload, attempt = (
            self._outcomes.upload_of(new),
            (old["object_key"], old["sequencer"], int(old["attempt"])),
        )
        # FAILED with a verdict: the original was gone before quarantine had a copy, and its delete is told of later.
        is_withheld_now = is_withheld(old) and old["status"] != "FAILED"
        is_moved = old["status"] in WITHHELD or is_withheld_now or old.get("original") == "quarantine"
        if is_moved and new["status"] == "DELETED":
            # Or deleted for good, or replaced as "null", before it was moved, and after it had been published.
            is_gone = upload is not None and (upload.withdrawn or upload.overwritten)
            is_deleted = is_gone and not old.get("original")
            return upload is not None and (self._history.was_marked(upload) or bool(is_deleted))
        action = (old.get("decision") or {}).get("action")
        is_taken_down = action == "withdraw" and old["status"] in ("PUBLISHED", "REJECTED", "SUPERSEDED")
        is_taken_down = is_taken_down or (action == "restore" and old.get("reason") == "taken_down")
        may_be_decided = old["status"] in (*WITHHELD, "FAILED") or is_taken_down
        if old["status"] == "PUBLISHED" and new["status"] == "PROCESSING":
            if attempt in self._history.restored:
                return True
            if is_withheld(new) and not (is_taken_down and is_undecided(old)):
                return self._history.is_reworked(old)
        if new["status"] == "PROCESSING" and is_undecided(old) and may_be_decided:
            return self._history.decision_of(old) is not None
        if old["status"] == "FAILED" and new["status"] == "PROCESSING":
            is_gone = (
                old.get("reason") == "original_gone"
                and upload is not None
                and (upload.deleted or upload.outlived)
            )
            return attempt in self._history.redriven and not is_gone
        if old["status"] in ("PUBLISHED", "SUPERSEDED") and new["status"] in ("PROCESSING", "FAILED"):
            return self._history.is_undeleted(old)  # FAILED: its message became a dead letter
        return (
            old["status"] in ("FAILED", "PUBLISHED")
            and new["status"] == "DELETED"
            and upload is not None
            and (upload.deleted or upload.overwritten)
        )

    def _only_by_its_holder(self, name: str, old: Item | None, new: Item, call: Call) -> None:
        """Check that nobody but its holder changes a record during a lease, not even a machine whose lease is over."""
        if old is None or old["status"] != "PROCESSING" or not old.get("owner"):
            return
        is_taken_away = not new.get("owner") and not new["lease_until"]
        if call.invocation.paused and is_taken_away and self._history.is_undeleted(old):
            return  # a delete that stood still may have removed what the restore put, which is repeated then
        holder = self._holders.get((str(old["object_key"]), str(old["sequencer"])))
        left = float(old["lease_until"]) - START - self._when()
        if holder is not None and holder is not call.invocation and left > CLOCKS_APART:
            self.add_violation(f"{name}: {call.invocation} changed what {holder} holds for {left:.0f} s more")

    def _holder(self, name: str, old: Item | None, new: Item, call: Call) -> None:
        record = str(new["object_key"]), str(new["sequencer"])
        if new["status"] != "PROCESSING" or not new.get("owner"):
            self._holders.pop(record, None)
            return
        if old is not None and new.get("owner") == old.get("owner"):
            return
        holder = self._holders.get(record)
        # A video function that did not extend its lease in time loses it while it still runs.
        if holder is not None and holder.function_name == "process-video" and self._is_over(old):
            holder = None
        is_working = holder is not None and holder.alive and not holder.paused
        if self.exclusive and is_working and holder is not call.invocation:
            self.add_violation(f"{name}: {call.invocation} claimed what {holder} was still working on")
        self._holders[record] = call.invocation
        hidden = VISIBILITY_FACTOR * call.invocation.timeout
        if (lasts := float(new["lease_until"]) - START - self._when()) > hidden:
            self.add_violation(f"{name}: the lease lasts {lasts:.0f} s, longer than the message stays hidden")

    def _is_over(self, item: Item | None) -> bool:
        return item is not None and float(item.get("lease_until") or 0) <= START + self._when() + CLOCKS_APART

    # ---- what readers see

    def _published_renditions_exist(self, key: str) -> None:
        for item in reversed(self._stack.items(key)):
            if item["status"] in (*WITHHELD, "DELETED") or item.get("followed_by"):
                return  # readers are shown nothing older; what followed this one may have expired
            if item["status"] == "PUBLISHED":
                if is_undecided(item) and item["decision"]["action"] == "withdraw":
                    return  # the API shows it no more; whoever stood still may remove files before the takedown does
                missing = [name for name in listed(item) if self._stack.read(RENDITIONS, name) is None]
                if missing and not self._history.has_lapsed_at_work():  # the final checks look again
                    self.add_violation(f"the published record of {key} lists {missing}, which do not exist")
                return


def _deleted(call: Call) -> list[str]:
    """Return the keys that a call deletes."""
    deleted = [str(entry["Key"]) for entry in call.params.get("Delete", {}).get("Objects", ())]
    return [*deleted, str(call.params["Key"])] if call.operation == "DeleteObject" else deleted
