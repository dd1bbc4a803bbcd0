"""The checks at the end of a run: what must hold once no message and no invocation is left."""

from collections import defaultdict
from collections.abc import Iterator

from tests.faults.appeal_checks import appeals
from tests.faults.configurations import NOT_ENFORCING, SAMPLING
from tests.faults.expiry_checks import ReaderChecks
from tests.faults.history import History, identity
from tests.faults.record_items import (
    TERMINAL,
    WITHHELD,
    Item,
    is_undecided,
    is_withheld,
    version_of,
)
from tests.faults.sample_checks import checks, second_looks
from tests.faults.sample_uploads import recognise
from tests.faults.simulated_stack import (
    API_PREFIX,
    QUARANTINE,
    RENDITIONS,
    UPLOADS,
    SimulatedStack,
)

REVIEW = ".review/"  # in the keys of pictures for reviewers


def run_final_checks(stack: SimulatedStack, history: History) -> list[str]:
    """Return a sentence for every way in which the final state breaks the pipeline's promise."""
    return list(_FinalChecks(stack, history).violations())


class _FinalChecks:
    def __init__(self, stack: SimulatedStack, history: History) -> None:
        self._stack = stack
        self._history = history
        self._items: dict[tuple[str, str], list[Item]] = defaultdict(list)
        self._of_key: dict[str, list[Item]] = defaultdict(list)
        for item in stack.all_items():
            self._items[item["object_key"], version_of(item)].append(item)
            self._of_key[item["object_key"]].append(item)
        for items in self._of_key.values():
            items.sort(key=lambda item: str(item["sequencer"]))

    def violations(self) -> Iterator[str]:
        yield from self._one_terminal_record_each()
        yield from self._announced()
        yield from self._renditions()
        yield from self._originals()
        yield from self._pictures_for_reviewers()
        yield from self._holds()
        yield from self._decisions()
        yield from self._newest()
        readers = ReaderChecks(self._history, self._stack.current)
        for key, items in sorted(self._of_key.items()):
            yield from readers.of_key(key, items, takes_one_upload=key.startswith(API_PREFIX))

    def _one_terminal_record_each(self) -> Iterator[str]:
        wanted = {*self._history.uploads, *self._history.markers}
        for key, version in sorted(wanted):
            items = self._items.get((key, version), [])
            may_be_absent = (key, version) in self._history.expired | self._history.removed_markers
            if len(items) != 1 and (items or not may_be_absent):
                yield f"{key}@{version[:8]} has {len(items)} records: {[item['status'] for item in items]}"
        for key, version in sorted(self._items.keys() - wanted):
            yield f"{key}@{version[:8]} has a record, and nobody put it"
        for (key, version), items in sorted(self._items.items()):
            for item in items:
                if item["status"] not in TERMINAL:
                    yield f"{key}@{version[:8]} is still {item['status']}"
                upload = self._history.uploads.get((key, version))
                # Deleted once quarantine had it, it looks moved; whoever approves it then publishes it.
                is_kept = upload and not upload.withdrawn and self._history.is_approved(item, upload)
                if upload and upload.deleted and item["status"] == "PUBLISHED" and not is_kept:
                    yield f"{upload} was deleted for good, and is still PUBLISHED"
                if upload and upload.withdrawn and item["status"] in WITHHELD and not item.get("hold"):
                    yield f"{upload} was deleted for good before it was moved, and is {item['status']}"
                is_gone = item["status"] == "FAILED" and item.get("reason") == "original_gone"
                if upload and upload.deleted and is_gone and not is_withheld(item):
                    yield f"{upload} was deleted by a user, and FAILED asks an operator to act"
                if (key, version) in self._history.markers and item["status"] != "DELETED":
                    yield f"the delete marker {key}@{version[:8]} is {item['status']}"
                expected = self._history.uploads.get((key, version))
                # An undelete restores a version whose own event has not come yet: its order is assumed.
                may_be_restored = any(of == key for of, _ in self._history.removed_markers)
                if (
                    expected
                    and expected.sequencer
                    and not may_be_restored
                    and not expected.lacks_sequencer
                    and not item["sequencer"].startswith(expected.sequencer.upper())
                ):
                    yield f"{expected} has a record with the sequencer {item['sequencer']}"

    def _announced(self) -> Iterator[str]:
        owners: dict[str, str] = {}
        for items in self._of_key.values():
            for item in items:
                name = f"{item['object_key']} {item['sequencer']} {item['status']}"
                if item["status"] not in TERMINAL:
                    continue
                if item.get("alert_id") not in self._history.announced:
                    yield f"{name} was never announced"
                elif self._history.announced[item["alert_id"]]["status"] != item["status"]:
                    yield f"{name} was announced as {self._history.announced[item['alert_id']]['status']}"
                if not item.get("announced_at"):
                    yield f"{name} is not marked as announced: it would be announced again and again"
                if owners.setdefault(str(item.get("alert_id")), name) != name:
                    yield f"{name} shares its alert_id with {owners[item['alert_id']]}"
        outcomes: dict[tuple[str, str, str, int], str] = {}
        for alert_id, announcement in self._history.announced.items():
            outcome = (
                announcement["object_key"],
                announcement["sequencer"],
                announcement["status"],
                int(announcement["attempt"]),
            )
            if outcomes.setdefault(outcome, alert_id) != alert_id:
                yield f"{outcome} was announced under two alert_ids"

    def _renditions(self) -> Iterator[str]:
        there = set(self._stack.objects(RENDITIONS))
        must, may = set(), set()
        for items in self._of_key.values():
            is_below_marker = False  # one that is there
            for item in reversed(items):
                listed = {str(rendition["key"]) for rendition in item.get("renditions") or ()}
                if item["status"] in WITHHELD and listed:
                    yield f"{item['object_key']} is {item['status']} and lists renditions, which do not exist"
                hidden = is_below_marker or self._is_under_an_expired_tombstone(item)
                if not hidden and item["status"] == "PUBLISHED" and not self._was_deleted(item):
                    must |= listed
                elif not hidden and item["status"] in ("FAILED", "PUBLISHED"):
                    may |= listed  # allowed and cut off: a redrive continues from there
                is_marker = item["status"] == "DELETED" and item.get("delete_marker")
                is_removed = (item["object_key"], version_of(item)) in self._history.removed_markers
                is_below_marker = is_below_marker or bool(is_marker and not is_removed)
        for key in sorted(must - there):
            yield f"rendition {key} is missing"
        for key in sorted(there - must - may):
            if not self._outlived_its_record(key):
                yield f"rendition {key} is there, and no record that is published lists it"

    def _was_deleted(self, item: Item) -> bool:
        """Return whether a delete marker above a record was removed, and another version is newer than the record.

        That restores only the version right below the marker. By what happened, not by records: some expired.
        """
        key, sequencer = str(item["object_key"]), str(item["sequencer"])
        return self._history.is_undeleted(item) and any(
            upload.key == key
            and upload.version != version_of(item)
            and (upload.sequencer or "").upper() > sequencer
            for upload in self._history.uploads.values()
        )

    def _is_under_an_expired_tombstone(self, item: Item) -> bool:
        """Return whether a delete marker hides a record, which is marked so, and whose own record expired first."""
        key, sequencer = item["object_key"], str(item["sequencer"])
        return bool(item.get("followed_by")) and any(
            of == key and above.upper() > sequencer and (of, marker) in self._history.expired
            for (of, marker), above in self._history.markers.items()
            if (of, marker) not in self._history.removed_markers
        )

    def _outlived_its_record(self, rendition: str) -> bool:
        """Return whether a rendition's record expired, and nothing deleted what it is of: then it may stay."""
        upload = self._history.of_rendition(rendition)
        if upload is None or (upload.key, upload.version) not in self._history.expired:
            return False
        if upload.is_null and upload.lacks_sequencer:
            return True  # its delete was taken for that of another null version
        # Deleted when quarantine had its copy, it was deleted too late: a person may have restored it since.
        was_deleted = upload.deleted and upload.withdrawn
        return not was_deleted and not self._history.is_marked(upload)

    def _originals(self) -> Iterator[str]:
        quarantined = {
            name: data for name, data in self._stack.objects(QUARANTINE).items() if REVIEW not in name
        }
        uploads = set(self._all_uploads())
        for (key, version), upload in sorted(self._history.uploads.items()):
            statuses = {item["status"] for item in self._items.get((key, version), ())}
            name = f"{key}/{version}"
            was_moved = any(item.get("original") for item in self._items.get((key, version), ()))
            is_held = any(item.get("hold") for item in self._items.get((key, version), ()))
            # Taken down when it was gone already; what a person escalated since keeps its record.
            was_gone = (upload.overwritten or (upload.withdrawn and is_held)) and not was_moved
            if statuses & WITHHELD and (upload.expired or was_gone):
                continue
            if statuses & WITHHELD:
                if quarantined.get(name) != upload.data:
                    yield f"{upload} is {statuses} and not in quarantine"
                if (key, version) in uploads:
                    yield f"{upload} is {statuses} and still in uploads"
            else:
                # Quarantine keeps what it has longer than the table does.
                is_kept = not statuses or (key, version) in self._history.expired
                may_be_there = upload.deleted or "FAILED" in statuses or is_kept or was_moved
                may_be_there = may_be_there and "DELETED" not in statuses
                if name in quarantined and not may_be_there:
                    yield f"{upload} is {statuses} and in quarantine"
                # SUPERSEDED: its approval found the delete marker first.
                ended = {"DELETED", "SUPERSEDED"} if was_moved else {"DELETED"}
                if any(item.get("reason") == "taken_down" for item in self._items.get((key, version), ())):
                    ended |= {"REJECTED", "SUPERSEDED"}  # as it was before
                is_withdrawn = not statuses - ended and self._history.was_marked(upload)
                is_gone = upload.deleted or upload.overwritten or upload.outlived or is_withdrawn
                is_gone = is_gone or upload.expired
                if not is_gone and (key, version) not in uploads and name not in quarantined:
                    yield f"{upload} is lost: neither in uploads nor in quarantine"
            has_order = not upload.lacks_sequencer and "FAILED" not in statuses
            is_held = is_held or (key, version) in self._history.expired_holds
            # Taken down when the delete's own record had expired, it stays there as evidence.
            is_deleted = self._history.is_marked(upload) and not self._history.is_mark_forgotten(upload)
            if name in quarantined and has_order and is_deleted and not is_held:
                yield f"{upload} is in quarantine, and its key was deleted"
            if name in quarantined and quarantined[name] != upload.data:
                yield f"{name} in quarantine holds other bytes than {upload}"
        known = {f"{key}/{version}" for key, version in self._history.uploads}
        for name in sorted(quarantined.keys() - known):
            yield f"{name} is in quarantine, and nobody uploaded it"

    def _pictures_for_reviewers(self) -> Iterator[str]:
        """Check that what reviewers are shown is there, is of the upload, and is of nothing that is not withheld."""
        there = {name: data for name, data in self._stack.objects(QUARANTINE).items() if REVIEW in name}
        listed: set[str] = set()
        for (key, version), items in sorted(self._items.items()):
            upload = self._history.uploads.get((key, version))
            if upload is None:
                continue
            for item in items:
                names = [str(picture["key"]) for picture in item.get("review") or ()]
                listed |= set(names)
                is_checked = item.get("attention") == "CHECK" and not self._history.is_marked(upload)
                is_shown = item["status"] in WITHHELD or is_checked
                if is_shown and not upload.expired and set(names) - there.keys():
                    yield f"{upload} is {item['status']}, and reviewers miss {set(names) - there.keys()}"
                # A verdict that was only observed at first was reached without looking for reviewers.
                is_enforced = self._history.deployed.isdisjoint(NOT_ENFORCING)
                was_replaced = upload.overwritten and item["status"] not in WITHHELD
                was_there = not (upload.withdrawn or was_replaced)
                if is_withheld(item) and not names and is_enforced and was_there:
                    yield f"{upload} is withheld, and there is nothing to review it by"
            shown = {name for name in there if name.startswith(f"{key}/{version}{REVIEW}")}
            numbers = {recognise(there[name]).number for name in shown}
            if any(self._history.shown_by(number, upload) is not upload for number in numbers):
                yield f"reviewers of {upload} are shown another picture"
            if shown and any(item.get("check") and item["status"] == "DELETED" for item in items):
                yield f"the pictures of {upload} are in quarantine, and it was deleted for good"
            is_marked = self._history.is_marked(upload) and not upload.lacks_sequencer
            is_marked = is_marked and not any(item.get("hold") for item in items)
            if shown and is_marked and all(item["status"] != "FAILED" for item in items):
                yield f"the pictures of {upload} are in quarantine, and its key was deleted"
            is_replaced = bool(items) and all(item["status"] == "SUPERSEDED" for item in items)
            if shown and is_replaced and not any("decision" in item for item in items):
                yield f"the pictures of {upload} are in quarantine, and it was replaced before its original"
        for name in sorted(there.keys() - listed):
            key, _, version = name.partition(REVIEW)[0].rpartition("/")
            attempts = [int(item["attempt"]) for item in self._items.get((key, version), ())]
            is_kept = (key, version) in self._history.expired  # of a record before this one
            if attempts and max(attempts) < 2 and not is_kept:
                yield f"{name} is in quarantine, and no attempt was cut off that may have put it"

    def _holds(self) -> Iterator[str]:
        """Check that the lifecycle reaches what is in quarantine, unless a person holds it."""
        there = self._stack.objects(QUARANTINE)
        for (key, version), items in sorted(self._items.items()):
            asked = [self._history.decision_of(item) for item in items]
            if not any(each and each.action in ("escalate", "release") for each in asked):
                continue
            is_held = any(item.get("hold") for item in items)
            for name in there:
                if name == f"{key}/{version}" or name.startswith(f"{key}/{version}{REVIEW}"):
                    status = self._stack.tags(QUARANTINE, name).get("status")
                    if (status == "HELD") is not is_held:
                        yield f"{name} has the status {status}, and its record's hold is {is_held}"
            for item in items:
                if (item.get("attention") == "ESCALATED") is not bool(item.get("hold")):
                    yield f"{key} waits as {item.get('attention')}, and its hold is {item.get('hold')}"

    def _decisions(self) -> Iterator[str]:
        for items in self._of_key.values():
            for item in items:
                takes_down = (item.get("decision") or {}).get("action") == "withdraw"
                is_open = item["status"] in WITHHELD or (takes_down and item["status"] == "PUBLISHED")
                if is_undecided(item) and is_open:
                    yield f"what a person decided about {item['object_key']} was never carried out"
                if not item.get("undone"):
                    yield from appeals(item, accepted=self._history.appealed)
                    wanted = self._history.deployed == {SAMPLING.name}
                    evidence = self._history.decisions
                    yield from second_looks(item, evidence=evidence, wanted=wanted)
                    yield from checks(item, evidence=evidence, wanted=wanted)

    def _all_uploads(self) -> Iterator[tuple[str, str]]:
        pages = self._stack.s3.get_paginator("list_object_versions").paginate(Bucket=UPLOADS)
        for page in pages:
            for version in page.get("Versions", ()):
                yield version["Key"], identity(version["VersionId"], version["ETag"].strip('"'))

    def _newest(self) -> Iterator[str]:
        newest: dict[str, tuple[str, str]] = {}
        happened: list[tuple[str, str, str]] = [
            *(
                (upload.key, upload.sequencer or "", upload.version)
                for upload in self._history.uploads.values()
            ),
            *(
                (key, sequencer, version)
                for (key, version), sequencer in self._history.markers.items()
                if (key, version) not in self._history.removed_markers
            ),
        ]
        # A record of an event without a sequencer has a made-up one, which may be above that of a newer version.
        unordered = {upload.key for upload in self._history.uploads.values() if upload.lacks_sequencer}
        for key, sequencer, version in happened:
            padded = sequencer.upper().ljust(32, "0")
            newest[key] = max(newest.get(key, ("", "")), (padded, version))
        for key, (sequencer, version) in sorted(newest.items()):
            items = [item for item in self._of_key.get(key, ()) if not item.get("undone")]
            if key in unordered or (key, version) in self._history.expired:
                continue  # what expired was deleted for good, which brings nothing back
            if items and sequencer.strip("0") and version_of(items[-1]) != version:
                yield f"readers of {key} see a version other than the newest, {version[:8]}"
            upload = self._history.uploads.get((key, version))
            is_gone = upload is not None and (upload.overwritten or upload.deleted)
            if items and items[-1]["status"] == "SUPERSEDED" and not is_gone:
                yield f"the newest version of {key} is SUPERSEDED"
