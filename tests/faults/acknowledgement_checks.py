"""Checks what a message leaves behind that is deleted from its queue, without any code of the pipeline."""

from collections.abc import Callable, Iterable

from tests.faults.history import History
from tests.faults.record_items import TERMINAL, WITHHELD, Item, is_undecided, is_withheld, version_of
from tests.faults.simulated_stack import SimulatedStack

Event = dict[str, str]
BACKFILL = "ObjectCreated:Backfill"


class AcknowledgementChecker:
    """Looks at the records of what was acknowledged."""

    def __init__(self, stack: SimulatedStack, history: History, add_violation: Callable[[str], None]) -> None:
        self._stack = stack
        self._history = history
        self._add_violation = add_violation
        self.pending: Callable[[str], Iterable[Event]] = lambda queue: ()  # noqa: ARG005
        """The events of all messages in a queue, those under way included."""

    def acknowledged(self, event: Event) -> None:
        """Check what a message that is deleted from its queue leaves behind."""
        key, version, what = event["key"], event["version"], event["name"]
        items = [item for item in self._stack.items(key) if version_of(item) == version]
        may_be_absent = (key, version) in self._history.expired | self._history.removed_markers
        if what == "ObjectRemoved:DeleteMarkerCreated" and self._history.looks_like_a_folder(key):
            may_be_absent = True  # what it hid was deleted for good, and never seen
        if what == "ObjectRemoved:Delete":
            for item in items:
                # What a person approved or restored was moved to quarantine before: the delete is our own move's.
                is_moved = is_withheld(item) or item.get("original") == "quarantine"
                if item["status"] in ("PUBLISHED", "FAILED") and not is_moved:
                    self._add_violation(
                        f"the deletion of {key}@{version[:8]} was acknowledged, and it is still {item['status']}"
                    )
            return
        if len(items) > 1 and self._history.lacks_sequencer(key, version):
            return  # the second record's own message is under way; the final checks find what is left
        if len(items) != 1 and (items or not may_be_absent):
            self._add_violation(f"{what} of {key}@{version[:8]} was acknowledged with {len(items)} records")
        for item in items:
            if not event["redrive"] and self._history.was_opened_again(item):
                continue  # the redrive's message is responsible for it now
            if item.get("stage") == "video" and self._waits_for_video(key, version):
                continue  # handed over
            earlier = {**item, "attempt": int(item["attempt"]) - 1}
            if item["status"] == "PUBLISHED" and what != BACKFILL and self._history.is_reworked(earlier):
                continue  # the backfill's message is responsible for its new outcome
            if item["status"] == "PROCESSING" and int(item["attempt"]) > 1 and self._waits_for_undelete(key):
                continue  # opened again once its outcome was written down; the undelete's message is responsible
            is_its_own = (item.get("decision") or {}).get("id") == event["decision"]
            # Given up before it was begun, it waits for a redrive; the final checks find it otherwise.
            is_given_up = (key, version) in self._history.dead_lettered and item.get("attention") == "DECIDED"
            if is_its_own and is_undecided(item) and item["status"] in WITHHELD and not is_given_up:
                self._add_violation(f"the decision about {key}@{version[:8]} was not carried out")
            decides_now = is_undecided(item) and item["status"] == "PROCESSING"
            if not is_its_own and (event["decision"] or decides_now or _is_decided_outcome(item)):
                continue  # another decision took this one's place, or that of an outcome; its message is responsible
            if item["status"] not in TERMINAL:
                self._add_violation(f"{what} of {key}@{version[:8]} was acknowledged while {item['status']}")
            elif item["status"] == "DELETED" and what.startswith("ObjectCreated:"):
                continue  # deleted meanwhile: the delete's own message announces that, and the final checks verify it
            elif item.get("alert_id") not in self._history.announced:
                self._add_violation(
                    f"{what} of {key}@{version[:8]} was acknowledged, and {item['status']} not announced"
                )

    def _waits_for_video(self, key: str, version: str) -> bool:
        """Return whether the video queue or the dead letters hold a message about this version."""
        return any(
            (each["key"], each["version"]) == (key, version) and each["name"].startswith("ObjectCreated:")
            for queue in ("videos", "dead")
            for each in self.pending(queue)
        )

    def _waits_for_undelete(self, key: str) -> bool:
        """Return whether a message about a delete marker of the key is still to be processed, or is a dead letter."""
        return any(of == key for of, _ in self._history.removed_markers) and any(
            each["key"] == key and each["name"].startswith("ObjectRemoved:")
            for queue in ("images", "dead")
            for each in self.pending(queue)
        )


def _is_decided_outcome(item: Item) -> bool:
    """Return whether what a person decided made a record's outcome."""
    decision = (item.get("decision") or {}).get("id")
    return decision is not None and decision == item.get("carried_out")
