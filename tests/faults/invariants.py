"""The witness: holds a run to the promise, from outside the code under test.

After every call that took effect it looks at what is in the buckets and the table, at every acknowledgement at what
was acknowledged, and at the end at everything. It knows the design's transition table and the truth about every
picture; it shares no code with the pipeline.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from tests.faults.configurations import BY_NAME
from tests.faults.fault_injection import Call
from tests.faults.history import Ledger, Upload
from tests.faults.sample_uploads import REASONS, WITHOUT_VIDEOS, recognise
from tests.faults.simulated_queues import VISIBILITY
from tests.faults.simulated_stack import QUARANTINE, RENDITIONS, Cloud, Item
from tests.faults.virtual_time import START

TERMINAL = frozenset({"PUBLISHED", "BLOCKED", "REVIEW", "REJECTED", "FAILED", "SUPERSEDED", "DELETED"})
WITHHELD = frozenset({"BLOCKED", "REVIEW"})
_TRUTH = {name: deployment.truth for name, deployment in BY_NAME.items()}
MARKS = frozenset(
    {"announced_at", "updated_at"}
)  # all that may change in a terminal record that stays as it is
KILLS_OF_POISON = 3
CLOCKS_APART = 5.0  # seconds: two clocks that are both off, one each way


class Witness:
    """Collects violations; it never raises, since the code under test would catch that."""

    def __init__(self, cloud: Cloud, ledger: Ledger, when: Callable[[], float]) -> None:
        self._cloud = cloud
        self._ledger = ledger
        self._when = when
        self._known: dict[str, dict[str, Item]] = {}
        self._holders: dict[tuple[str, str], Any] = {}  # record -> the invocation whose claim holds it
        self.violations: list[str] = []
        self.waits_for_video: Callable[[str, str], bool] = lambda key, version: False  # noqa: ARG005
        self.exclusive = True  # whether two living invocations may never hold one record (clocks are sane)

    def accuse(self, what: str) -> None:
        """Note a violation."""
        self.violations.append(f"at {self._when():.1f} s: {what}")

    # ---- after every call

    def after(self, call: Call) -> None:
        """Look at what a call changed."""
        if call.operation == "Publish":
            self._heard()
        elif call.operation == "UpdateItem":
            self._table_changed(str(call.params["Key"]["object_key"]["S"]), call)
        elif call.params.get("Bucket") == RENDITIONS:
            if call.operation == "PutObject":
                self._rendition_put(str(call.params["Key"]))
            for entry in call.params.get("Delete", {}).get("Objects", ()):
                upload = self._ledger.of_rendition(entry["Key"])
                if upload is not None:
                    self._readers_find_what_they_are_told(upload.key)

    def asked(self, call: Call) -> None:
        """Look at a question to Rekognition: a verdict that stands is final, and billed once."""
        for (key, sequencer), holder in self._holders.items():
            item = self._known.get(key, {}).get(sequencer, {})
            if holder is call.invocation and item.get("moderation"):
                self.accuse(f"{key} {sequencer} was judged again although its verdict stands")

    def _heard(self) -> None:
        for told in self._cloud.read_outbox():
            self._ledger.tellings += 1
            known = self._ledger.announced.setdefault(told["alert_id"], told)
            about = [
                {name: said.get(name) for name in ("object_key", "sequencer", "status")}
                for said in (known, told)
            ]
            if about[0] != about[1]:
                self.accuse(f"one alert_id for two outcomes: {about}")

    def _rendition_put(self, key: str) -> None:
        data = self._cloud.read(RENDITIONS, key)
        if data is None:
            return
        upload = self._ledger.of_rendition(key)
        if b"Exif" in data or b"EXIF" in data:
            self.accuse(f"rendition {key} carries EXIF")
        seen = recognise(data)
        original = self._ledger.by_number.get(seen.number)
        if original is None or upload is not original:
            self.accuse(f"rendition {key} shows the bytes of {original}, not of {upload}")
            return
        if not self._allowed(upload):
            judged = sorted(self._ledger.judged.get(upload.number, ()))
            self.accuse(f"a rendition of {upload} was put; Rekognition judged it under: {judged}")
        item = next(
            (item for item in self._cloud.items(upload.key) if _version(item) == upload.version), None
        )
        moderation = item.get("moderation") if item else None
        if not moderation or (
            moderation["verdict"] not in ("allow", "off") and moderation["mode"] != "observe"
        ):
            self.accuse(f"a rendition of {upload} was put without an allowing verdict in its record")
        elif item and item["status"] == "PROCESSING" and key not in _listed(item):
            self.accuse(f"rendition {key} was put, and the record does not list it: nothing would remove it")

    def _allowed(self, upload: Upload) -> bool:
        names = self._ledger.judged.get(upload.number, set())
        return any(_TRUTH[name].get(upload.kind) == "PUBLISHED" for name in names)

    def _table_changed(self, key: str, call: Call) -> None:
        before = self._known.get(key, {})
        after = {str(item["sequencer"]): item for item in self._cloud.items(key)}
        self._known[key] = after
        for sequencer, item in after.items():
            old = before.get(sequencer)
            if old != item:
                self._changed(key, old, item, call)
        for sequencer in before.keys() - after.keys():
            self.accuse(f"the record {key} {sequencer} was removed")
        self._readers_find_what_they_are_told(key)

    def _changed(self, key: str, old: Item | None, new: Item, call: Call) -> None:
        name = f"{key} {new['sequencer']}"
        was, now = (old["status"] if old else None), new["status"]
        if old is not None and was in TERMINAL:
            if now == was:
                self._only_marked(name, old, new)
                return
            if old.get("alert_id") not in self._ledger.announced:
                self.accuse(f"{name}: the outcome {was} was overwritten by {now} before anybody heard of it")
            if not self._may_leave(old, new):
                self.accuse(f"{name}: {was} became {now}")
        self._only_by_its_holder(name, old, call)
        self._holder(name, old, new, call)
        if now in TERMINAL:
            if new.get("announced_at"):
                self.accuse(f"{name}: {now} was born announced")
            self._judge(name, new)

    def _only_marked(self, name: str, old: Item, new: Item) -> None:
        changed = sorted(field for field in old.keys() | new.keys() if old.get(field) != new.get(field))
        if not set(changed) <= MARKS:
            self.accuse(f"{name}: the terminal record changed in {changed}")
        if new.get("announced_at") and new.get("alert_id") not in self._ledger.announced:
            self.accuse(f"{name}: {new['status']} is marked as announced, and no subscriber heard of it")

    def _may_leave(self, old: Item, new: Item) -> bool:
        if old["status"] == "FAILED" and new["status"] == "PROCESSING":
            return (old["object_key"], old["sequencer"], int(old["attempt"])) in self._ledger.redriven
        upload = self._upload(new)
        return (
            old["status"] in ("FAILED", "PUBLISHED")
            and new["status"] == "DELETED"
            and upload is not None
            and upload.deleted
        )

    def _only_by_its_holder(self, name: str, old: Item | None, call: Call) -> None:
        """While a lease lives, its record is nobody else's; also a machine that slept through its own must find so."""
        if old is None or old["status"] != "PROCESSING" or not old.get("owner"):
            return
        holder = self._holders.get((str(old["object_key"]), str(old["sequencer"])))
        left = float(old["lease_until"]) - START - self._when()
        if holder is not None and holder is not call.invocation and left > CLOCKS_APART:
            self.accuse(f"{name}: {call.invocation} changed what {holder} holds for {left:.0f} s more")

    def _holder(self, name: str, old: Item | None, new: Item, call: Call) -> None:
        record = str(new["object_key"]), str(new["sequencer"])
        if new["status"] != "PROCESSING" or not new.get("owner"):
            self._holders.pop(record, None)
            return
        if old is not None and new.get("owner") == old.get("owner"):
            return
        holder = self._holders.get(record)
        # One that computes for long and does not come to extend its lease is given up on while it still runs.
        if holder is not None and holder.function_name == "process-video" and self._is_over(old):
            holder = None
        if self.exclusive and holder is not None and holder.alive and holder is not call.invocation:
            self.accuse(f"{name}: {call.invocation} claimed what {holder} was still working on")
        self._holders[record] = call.invocation
        if (lasts := float(new["lease_until"]) - START - self._when()) > min(VISIBILITY.values()):
            self.accuse(f"{name}: the lease lasts {lasts:.0f} s, longer than the message stays hidden")

    def _is_over(self, item: Item | None) -> bool:
        return item is not None and float(item.get("lease_until") or 0) <= START + self._when() + CLOCKS_APART

    # ---- what a terminal record says must be so

    def _judge(self, name: str, item: Item) -> None:
        status, upload = item["status"], self._upload(item)
        if upload is None:
            if status != "DELETED" or not self._is_marker(item):
                self.accuse(f"{name}: {status} for a version that nobody put")
            return
        if item.get("sha256") not in (None, hashlib.sha256(upload.data).hexdigest()):
            self.accuse(f"{name}: {status} with another version's sha256 than {upload}")
        problem = getattr(self, f"_judge_{status.lower()}")(item, upload)
        if problem:
            self.accuse(f"{name}: {status} of {upload}, but {problem}")

    def _judge_published(self, item: Item, upload: Upload) -> str | None:
        if not self._allowed(upload):
            return "no verdict allows it"
        missing = [key for key in _listed(item) if self._cloud.read(RENDITIONS, key) is None]
        if (missing and not self._is_hidden(item)) or not _listed(item):
            return f"its renditions {missing} are not there"
        return None

    def _is_hidden(self, item: Item) -> bool:
        """Whether a delete marker follows: what it removes may go before the older version's record is written."""
        items = self._cloud.items(str(item["object_key"]))
        return any(
            self._is_marker(other)
            and other["status"] == "DELETED"
            and str(other["sequencer"]) > str(item["sequencer"])
            for other in items
        )

    def _judge_withheld(self, item: Item, upload: Upload) -> str | None:
        truths = {_TRUTH[name].get(upload.kind) for name in self._ledger.judged.get(upload.number, ())}
        if item["status"] not in truths:
            return f"its verdicts are {truths}"
        if self._cloud.read(QUARANTINE, f"{upload.key}/{upload.version}") != upload.data:
            return "quarantine does not hold its bytes"
        if self._cloud.read_version(upload.key, upload.version) is not None:
            return "it is still in uploads"
        return None

    _judge_blocked = _judge_review = _judge_withheld

    def _judge_rejected(self, item: Item, upload: Upload) -> str | None:
        if item.get("reason") == "resource_exhausted":
            kills = self._ledger.decoding_ended.get((upload.key, upload.version), 0)
            return f"only {kills} attempts were killed" if kills < KILLS_OF_POISON else None
        expected = {REASONS.get(upload.kind)}
        if upload.kind.is_video and not all(BY_NAME[name].videos for name in self._ledger.deployed):
            expected.add(WITHOUT_VIDEOS)
        reason = item.get("reason")
        return None if reason is not None and reason in expected else f"the reason is {reason}"

    def _judge_failed(self, item: Item, upload: Upload) -> str | None:
        reason = item.get("reason")
        if item.get("attention") != "FAILED":
            return "no operator will see it"
        if reason == "retries_exhausted":
            gave_up = (upload.key, upload.version) in self._ledger.given_up
            return None if gave_up else "its message never reached the dead letters"
        if reason == "original_gone":
            return None if upload.deleted else "nobody deleted the original"
        return f"the reason is {reason}"

    def _judge_superseded(self, item: Item, _: Upload) -> str | None:
        items = self._cloud.items(str(item["object_key"]))
        newer = [other for other in items if str(other["sequencer"]) > str(item["sequencer"])]
        return None if newer else "nothing newer is known"

    def _judge_deleted(self, _: Item, upload: Upload) -> str | None:
        return None if upload.deleted else "nobody deleted it"

    def _is_marker(self, item: Item) -> bool:
        return (item["object_key"], _version(item)) in self._ledger.markers

    def _upload(self, item: Item) -> Upload | None:
        return self._ledger.uploads.get((str(item["object_key"]), _version(item)))

    # ---- what readers see

    def _readers_find_what_they_are_told(self, key: str) -> None:
        for item in reversed(self._cloud.items(key)):
            if item["status"] in (*WITHHELD, "DELETED"):
                return
            if item["status"] == "PUBLISHED":
                missing = [name for name in _listed(item) if self._cloud.read(RENDITIONS, name) is None]
                if missing:
                    self.accuse(f"readers of {key} are pointed at {missing}, which are not there")
                return

    # ---- acknowledgements

    def acknowledged(self, event: dict[str, Any]) -> None:
        """Look at what a message that will not come back leaves behind."""
        key, version, what = event["key"], event["version"], event["name"]
        items = [item for item in self._cloud.items(key) if _version(item) == version]
        if what == "ObjectRemoved:Delete":
            upload = self._ledger.uploads.get((key, version))
            for item in items:
                if item["status"] == "PUBLISHED" or (item["status"] == "FAILED" and not _is_withheld(item)):
                    self.accuse(
                        f"the deletion of {upload} was acknowledged, and it is still {item['status']}"
                    )
            return
        if len(items) != 1:
            self.accuse(f"{what} of {key}@{version[:8]} was acknowledged with {len(items)} records")
        for item in items:
            if not event.get("redrive") and self._was_opened_again(item):
                continue  # what becomes of it is the redrive's message's affair now
            if item.get("stage") == "video" and self.waits_for_video(key, version):
                continue  # handed over, and in the care of that message
            if item["status"] not in TERMINAL:
                self.accuse(f"{what} of {key}@{version[:8]} was acknowledged while {item['status']}")
            elif item["status"] == "DELETED" and what.startswith("ObjectCreated:"):
                continue  # a delete came between: telling that is its own message's affair, judged at the end
            elif item.get("alert_id") not in self._ledger.announced:
                self.accuse(
                    f"{what} of {key}@{version[:8]} was acknowledged, and {item['status']} not announced"
                )

    def _was_opened_again(self, item: Item) -> bool:
        name = str(item["object_key"]), str(item["sequencer"])
        attempt = int(item["attempt"])
        return any((*name, earlier) in self._ledger.redriven for earlier in range(attempt))


def _version(item: Item) -> str:
    return str(item.get("version_id") or item.get("etag") or "null")


def _listed(item: Item) -> set[str]:
    return {str(rendition["key"]) for rendition in item.get("renditions") or ()}


def _is_withheld(item: Item) -> bool:
    moderation = item.get("moderation") or {}
    return moderation.get("mode") == "enforce" and moderation.get("verdict") in ("block", "review")
