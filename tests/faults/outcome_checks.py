"""What a terminal record claims must be true: its status and reason against the uploads, buckets and verdicts."""

import hashlib
from collections.abc import Callable
from datetime import datetime

from tests.faults.configurations import BY_NAME
from tests.faults.expiry_checks import REPLACING
from tests.faults.history import History, Upload
from tests.faults.record_items import Item, is_withheld, listed, version_of
from tests.faults.sample_uploads import REASONS, WITHOUT_VIDEOS
from tests.faults.simulated_stack import API_PREFIX, QUARANTINE, RENDITIONS, SimulatedStack

_EXPECTED = {name: deployment.expected_statuses for name, deployment in BY_NAME.items()}
_AS_LISTED = {"block": "BLOCKED", "review": "REVIEW"}
LEAVING = frozenset(
    {"escalate", "release", "restore", "approve"}
)  # the last two where they cannot be carried out
KILLS_OF_POISON = 3
LONG_AGO = 1_800.0  # seconds: longer than any attempt


class OutcomeChecker:
    """Compares a terminal record with what is known of its version, without any code of the pipeline."""

    def __init__(self, stack: SimulatedStack, history: History) -> None:
        self._stack = stack
        self._history = history
        self._checks: dict[str, Callable[[Item, Upload], str | None]] = {
            "PUBLISHED": self._check_published,
            "BLOCKED": self._check_withheld,
            "REVIEW": self._check_withheld,
            "REJECTED": self._check_rejected,
            "FAILED": self._check_failed,
            "SUPERSEDED": self._check_superseded,
            "DELETED": self._check_deleted,
        }

    def problem(self, item: Item) -> str | None:
        """Return what is wrong with a terminal record, or None."""
        status, upload = item["status"], self.upload_of(item)
        if upload is None:
            is_delete = status == "DELETED" and self.is_marker(item)
            return None if is_delete else f"{status} for a version that nobody uploaded"
        if item.get("sha256") not in (None, hashlib.sha256(upload.data).hexdigest()):
            return f"{status} with another version's sha256 than {upload}"
        problem = self._checks[status](item, upload) or self._check_single_upload(item, upload)
        return f"{status} of {upload}, but {problem}" if problem else None

    def allowed(self, upload: Upload) -> bool:
        names = self._history.judged.get(upload.number, set())
        return any(_EXPECTED[name].get(upload.kind) == "PUBLISHED" for name in names)

    def _check_published(self, item: Item, upload: Upload) -> str | None:
        if not self.allowed(upload) and not self._history.is_approved(item, upload):
            return "no verdict allows it"
        persons = min(BY_NAME[name].persons for name in self._history.deployed)
        if not self.allowed(upload) and len(self._history.approvers(upload)) < persons:
            return f"fewer than {persons} persons approved it"
        if not self.allowed(upload) and (newer := self._replaced_long_ago(item)):
            return f"{newer} had taken its place long before"
        missing = [key for key in listed(item) if self._stack.read(RENDITIONS, key) is None]
        if (missing and not self._is_hidden(item)) or not listed(item):
            return f"its renditions {missing} do not exist"
        return None

    def _replaced_long_ago(self, item: Item) -> str | None:
        """Return an outcome that took a record's place before any attempt that just ended can have begun."""
        for other in self._stack.items(str(item["object_key"])):
            is_newer = str(other["sequencer"]) > str(item["sequencer"]) and not other.get("undone")
            ended = datetime.fromisoformat(str(other.get("finished_at") or item["finished_at"]))
            age = datetime.fromisoformat(str(item["finished_at"])) - ended
            if is_newer and other["status"] in REPLACING and age.total_seconds() > LONG_AGO:
                return f"{other['sequencer']}, {other['status']},"
        return None

    def _is_hidden(self, item: Item) -> bool:
        """Return whether a delete marker follows: it may remove renditions before the older version's commit."""
        items = self._stack.items(str(item["object_key"]))
        return any(
            self.is_marker(other)
            and other["status"] == "DELETED"
            and str(other["sequencer"]) > str(item["sequencer"])
            for other in items
        )

    def _check_withheld(self, item: Item, upload: Upload) -> str | None:
        names = self._history.judged.get(upload.number, ())
        # A verdict that was only observed counts once the policy is enforced.
        truths = {status for name in names for status in BY_NAME[name].withholds_as(upload.kind)}
        is_rejected = item.get("reason") == "person_block"
        if is_rejected:
            truths = {"BLOCKED"} if self._was_carried_out(item, "reject") else set()
        is_taken_down = item.get("reason") == "taken_down"
        if is_taken_down:
            truths = {"BLOCKED"} if self._was_carried_out(item, "withdraw") else set()
        is_known = item.get("reason") in ("known_block", "known_review")
        if is_known:
            truths = {_AS_LISTED[entry.action] for entry in self._history.entries_about(upload)}
        if item["status"] not in truths:
            return f"its verdicts are {truths}"
        if upload.withdrawn:  # what was published first may end so, and become DELETED by the delete's event
            return "a user deleted it before it was moved" if item.get("original") else None
        if upload.overwritten and not item.get("original"):  # by another null version, after it was published
            return None
        is_given_up = item.get("reason") == "original_expired"
        if is_given_up and not (upload.expired and self._was_carried_out(item, "approve")):
            return "nobody approved it, or quarantine still held it"
        left = [key for key in self._stack.objects(RENDITIONS) if key.startswith(upload.prefix)]
        if left and (is_rejected or is_given_up or is_taken_down) and not self._history.has_lapsed_at_work():
            return f"its renditions {left} are there"
        if upload.expired:
            return None
        if self._stack.read(QUARANTINE, f"{upload.key}/{upload.version}") != upload.data:
            return "quarantine does not hold its bytes"
        if self._stack.read_version(upload.key, upload.version) is not None:
            return "it is still in uploads"
        return None

    def _was_carried_out(self, item: Item, action: str) -> bool:
        """Return whether a decision led to an outcome: the last one, or one before those that leave it as it is."""
        asked = self._history.decision_of(item)
        if asked is None or item.get("carried_out") != asked.id:
            return False
        earlier = {str(decision["action"]) for decision in item.get("decisions") or ()}
        return asked.action == action or (asked.action in LEAVING and action in earlier)

    def _check_rejected(self, item: Item, upload: Upload) -> str | None:
        if item.get("reason") == "taken_down":
            return None if self._was_carried_out(item, "withdraw") else "nobody took it down"
        if item.get("reason") == "resource_exhausted":
            name = upload.key, upload.version
            unreleased = len(self._history.unreleased.get(name, ()))  # for the next one they look killed
            kills = self._history.kills_while_decoding.get(name, 0)
            is_wrong = kills + unreleased < KILLS_OF_POISON
            return f"only {kills} attempts were killed, and {unreleased} not released" if is_wrong else None
        if item.get("reason") == "already_uploaded":
            earlier = [other for other in self._history.uploads.values() if other.key == upload.key]
            is_second = upload.key.startswith(API_PREFIX) and earlier[0] is not upload
            return None if is_second else "it is the first upload of its key"
        expected = {REASONS.get(upload.kind)}
        if upload.kind.is_video and not all(BY_NAME[name].videos for name in self._history.deployed):
            expected.add(WITHOUT_VIDEOS)
        reason = item.get("reason")
        return None if reason is not None and reason in expected else f"the reason is {reason}"

    def _check_failed(self, item: Item, upload: Upload) -> str | None:
        reason = item.get("reason")
        if item.get("attention") != "FAILED":
            return "no alarm will show it to an operator"
        if reason == "retries_exhausted":
            # The version's own message, or that of an undelete which names only the delete marker.
            undeletes = {marker for marker in self._history.removed_markers if marker[0] == upload.key}
            gave_up = bool(self._history.dead_lettered & {(upload.key, upload.version), *undeletes})
            return None if gave_up else "its message never reached the dead letters"
        if reason == "proxy_refused":
            return None if upload.refused else "Rekognition took all of its pictures"
        if reason == "original_gone":
            # After its record expired, an event finds nothing of what was moved to quarantine.
            is_known = (upload.key, upload.version) not in self._history.expired
            was_replaced = self._history.was_replaced_by_marker(upload)  # whose event may be late
            # By one that is gone as well, or without a sequencer, so that its order was assumed.
            is_unknown = upload.lacks_sequencer or not self._is_null_version_there(upload.key)
            was_replaced = was_replaced or (upload.overwritten and is_unknown)
            may_be_gone = upload.deleted or upload.outlived or was_replaced or not is_known
            return None if may_be_gone else "nobody deleted the original, and no later one replaced it"
        return f"the reason is {reason}"

    def _is_null_version_there(self, key: str) -> bool:
        return any(
            upload.is_null and self._stack.read_version(key, upload.version) is not None
            for upload in self._history.uploads.values()
            if upload.key == key
        )

    def _check_superseded(self, item: Item, upload: Upload) -> str | None:
        if item.get("reason") == "taken_down" and not self._was_carried_out(item, "withdraw"):
            return "nobody took it down"
        if upload.lacks_sequencer and (upload.deleted or upload.overwritten):
            return None  # its order was assumed, and it is gone either way
        is_single = upload.key.startswith(API_PREFIX)
        newer = [version for (key, version) in self._history.markers if key == upload.key]
        if not is_single:
            newer += [other.version for other in self._history.uploads.values() if other.key == upload.key]
        if any(self._is_newer(upload.key, version, than=item) for version in newer):
            return None
        return (
            "only a delete marker supersedes an upload of the API" if is_single else "nothing newer is known"
        )

    def _is_newer(self, key: str, version: str, *, than: Item) -> bool:
        """Return whether a version or a marker came after a record's version; without a sequencer it may have."""
        upload = self._history.uploads.get((key, version))
        sequencer = upload.sequencer if upload else self._history.markers[key, version]
        if version == version_of(than):
            return False
        compared = self.upload_of(than)
        # Its own, whatever its record has: an undelete may have given that a made-up one.
        seen = compared.sequencer if compared else str(than["sequencer"])
        return not sequencer or sequencer.upper().ljust(32, "0") > (seen or "").upper().ljust(32, "0")

    def _check_single_upload(self, item: Item, upload: Upload) -> str | None:
        """Check that a later upload of a key of the API is refused, and the first one is not."""
        if not upload.key.startswith(API_PREFIX) or item["status"] in ("SUPERSEDED", "DELETED"):
            return None
        first = next(other for other in self._history.uploads.values() if other.key == upload.key)
        if upload is first or item.get("reason") in ("already_uploaded", "retries_exhausted"):
            return None
        return f"{first} was uploaded under this key before"

    def _check_deleted(self, item: Item, upload: Upload) -> str | None:
        if item.get("hold"):
            return "a person holds it as evidence"
        # What is withheld is not kept under a delete marker, since its bytes left the uploads.
        asked = self._history.decision_of(item)
        is_taken_down = asked is not None and asked.action in ("withdraw", "restore")
        is_taken_down = is_taken_down or item.get("original") == "quarantine"
        is_withdrawn = (is_withheld(item) or is_taken_down) and self._history.was_marked(upload)
        return None if upload.deleted or upload.overwritten or is_withdrawn else "nobody deleted it"

    def is_marker(self, item: Item) -> bool:
        return (item["object_key"], version_of(item)) in self._history.markers

    def upload_of(self, item: Item) -> Upload | None:
        return self._history.uploads.get((str(item["object_key"]), version_of(item)))
