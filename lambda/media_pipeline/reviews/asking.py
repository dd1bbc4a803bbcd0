"""Asking for a decision: evidence, then one conditional write, then a message to the workers.

Nobody but the workers puts or removes a rendition, so whoever asks needs no right to do so. Killed between two steps:
evidence without a decision in the record changed nothing; a decision whose message was lost is found by `redrive`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import DecidedError, DecisionError, ExpiredError, ReplacedError
from media_pipeline.events import DECISION_NAME, DECISION_SOURCE, notification_entry
from media_pipeline.records.appeals import open_appeal
from media_pipeline.records.approvals import approval, approvals_given, approvals_needed
from media_pipeline.records.attention import Attention, attention_of
from media_pipeline.records.decisions import Action, Decision, asked_values, decision_id
from media_pipeline.records.items import ItemChangedError, ItemTable
from media_pipeline.records.looks import looked
from media_pipeline.records.record import NEVER_SHOWN, Record, Status, iso_time
from media_pipeline.records.succession import HIDING
from media_pipeline.reviews.evidence import put_evidence
from media_pipeline.reviews.pictures import Pictures
from media_pipeline.reviews.places import Places

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

ASKED_ATTRIBUTES = (
    *("object_key", "sequencer", "updated_at"),
    *("decision", "decisions", "approvals", "checked", "second", "hold", "attention"),
    "alert_id",
)
"""All that asking names of a record, to write it or in a condition: a reviewer's rights end there."""
DECIDABLE: Mapping[Action, frozenset[Status]] = MappingProxyType(
    {
        Action.APPROVE: frozenset({Status.REVIEW}),
        Action.REJECT: frozenset({Status.REVIEW}),
        Action.WITHDRAW: frozenset({Status.PUBLISHED, Status.REVIEW, Status.SUPERSEDED, Status.REJECTED}),
        Action.RESTORE: frozenset({Status.BLOCKED, *NEVER_SHOWN}),
        Action.ESCALATE: frozenset({Status.REVIEW, Status.BLOCKED}),
        Action.RELEASE: frozenset({Status.REVIEW, Status.BLOCKED}),
    }
)
"""The statuses from which a decision can be asked for."""
OVERRIDABLE: Mapping[Action, frozenset[Status]] = MappingProxyType(
    {Action.APPROVE: frozenset({Status.BLOCKED})}
)
"""The further ones, where the person says that the policy's own block is to be overridden."""
APPEALED = frozenset({Action.APPROVE, Action.REJECT})
"""What can be decided about BLOCKED where its uploader appealed: publish it after all, or leave it as it is."""
DECIDED = "DECIDED"
"""The `attention` of what waits for no person, while the workers have not begun to carry its decision out."""
LOOKS: Mapping[Attention | None, frozenset[Action]] = MappingProxyType(
    {
        Attention.SECOND: frozenset({Action.APPROVE, Action.REJECT}),
        Attention.CHECK: frozenset({Action.APPROVE}),
    }
)
"""What a person can say without any effect, by what it waits for."""
REPLACING = HIDING | {Status.PROCESSING}
"""What a newer record of the key is where an approved older version would never be published."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A decision that is recorded; `sent` is False where the workers have no message about one that takes effect."""

    decision: Decision
    sent: bool
    missing: int = 0
    """How many further persons must approve before the decision takes effect."""


class Decisions:
    """Asks for decisions about the versions of one stack. `clock` gives epoch seconds."""

    def __init__(
        self,
        *,
        places: Places,
        dynamodb: "DynamoDBClient",
        s3: "S3Client",
        sqs: "SQSClient",
        clock: Callable[[], float],
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._places = places
        self._items = ItemTable(dynamodb=dynamodb, table=places.records_table, clock=clock)
        self._pictures = Pictures(s3=s3, bucket=places.quarantine_bucket)
        self._s3 = s3
        self._sqs = sqs
        self._clock = clock
        self._random = random

    def ask(
        self,
        record: Record,
        action: Action,
        person: str,
        *,
        reason: str | None = None,
        note: str | None = None,
        seen: bool | None = None,
        seconds: float | None = None,
        override: bool = False,
        case: Mapping[str, str] | None = None,
    ) -> Asked:
        """Record what a person decided about a version as it was seen in `record`, and tell the workers.

        `override` allows to approve what the policy blocked, and to replace a decision that is not carried out yet.
        `case` is what else the evidence names, such as the number of a notice and when it was received.
        A second look, and the approval of a check, is only noted: no worker is told, and nothing changes by it. To
        reject a check is to withdraw what is published.
        Raises DecidedError where the record is in another state by now, ReplacedError and ExpiredError where an
        approval could not be carried out, DecisionError for a decision that no record may hold.
        """
        waits_for = attention_of(record)
        is_failed_check = waits_for is Attention.CHECK and action is Action.REJECT
        if is_failed_check:
            action = Action.WITHDRAW
        is_look = action in LOOKS.get(waits_for, ()) and not override
        if is_look:
            _require_another_person(record, person)
        else:
            self._require_decidable(record, action, override=override)
            if action is Action.APPROVE:
                self._require_publishable(record)
        decision = self._decision(
            record, action, person, reason=reason, note=note, seen=seen, seconds=seconds
        )
        if is_look:
            self._keep_evidence(record, decision, override=False, case={})
            self._note_look(record, decision)
            return Asked(decision=decision, sent=True)
        missing = self._missing_approvals(record, decision)
        self._keep_evidence(record, decision, override=override, case=case or {})
        more = {"checked": looked(decision)} if is_failed_check else {}
        self._write(record, decision, more, is_complete=not missing)
        if missing:
            return Asked(decision=decision, sent=True, missing=missing)
        return Asked(decision=decision, sent=self._send(record, decision))

    def _decision(self, record: Record, action: Action, person: str, **said: Any) -> Decision:
        """Return the decision that a person takes now. Raises DecisionError for one that no record may hold."""
        now = self._clock()
        try:
            return Decision(
                id=decision_id(now, self._random),
                action=action,
                person=person,
                at=iso_time(now),
                sha256=str(record.attributes.get("sha256", "")),
                policy_version=record.moderation.policy_version if record.moderation else "",
                # What is empty was not said; `seen` and `seconds` say something by False and 0.
                **{name: None if value == "" else value for name, value in said.items()},
            )
        except ValueError as error:
            raise DecisionError(str(error)) from error

    def approvals_needed(self, record: Record) -> int:
        """Return how many different persons must approve a version."""
        return approvals_needed(self._places.approvals, record)

    def _missing_approvals(self, record: Record, decision: Decision) -> int:
        """Return how many further persons must approve after this decision.

        Raises DecidedError where the same person approved before.
        """
        if decision.action is not Action.APPROVE:
            return 0
        needed = self.approvals_needed(record)
        given = {each["person"]: each["at"] for each in approvals_given(record)}
        if decision.person in given and len(given) < needed:
            raise DecidedError(
                f"you approved {record.object_key} before; {needed} different persons must",
                by=decision.person,
                at=given[decision.person],
                action=decision.action.value,
            )
        return max(needed - len({*given, decision.person}), 0)

    def _require_decidable(self, record: Record, action: Action, *, override: bool) -> None:
        allowed = DECIDABLE.get(action, frozenset())
        if action in APPEALED and open_appeal(record):
            allowed |= {Status.BLOCKED}
        if override:
            allowed |= OVERRIDABLE.get(action, frozenset())
        if action is not Action.RELEASE:
            require_free(record)
        elif not record.is_held:
            raise _decided(record, f"{record.object_key} is not held")
        if record.status not in allowed:
            raise _decided(
                record, f"{record.object_key} is {record.status}; {action} is possible for {_one_of(allowed)}"
            )
        if action is Action.RESTORE and record.status in NEVER_SHOWN and not record.was_taken_down:
            raise _decided(record, f"{record.object_key} is {record.status}; it was not taken down")
        if record.pending_decision and not override:
            raise _decided(
                record, f"{record.object_key} was decided, and the workers are about to carry it out"
            )

    def _require_publishable(self, record: Record) -> None:
        self._require_newest(record)
        if self._pictures.are_gone(record):
            raise ExpiredError(
                f"version {record.version} of {record.object_key} is not in quarantine any more"
            )

    def _require_newest(self, record: Record) -> None:
        newer = self._items.query(record.object_key, comparison=">", sequencer=record.sequencer)
        if any(other.status in REPLACING and not other.undone for other in newer):
            raise ReplacedError(
                f"a newer version of {record.object_key} was uploaded, or it was deleted: this one is not published"
                " any more"
            )

    def _keep_evidence(
        self, record: Record, decision: Decision, *, override: bool, case: Mapping[str, str]
    ) -> None:
        """Put the decision into the logs bucket, once, before it has any effect."""
        document = {
            **decision.to_document(),
            # Not the key itself: what is forgotten later must not be named here for ever.
            "object_key_sha256": hashlib.sha256(record.object_key.encode(errors="surrogatepass")).hexdigest(),
            "version": record.version,
            "stack": self._places.stack,
            "status_seen": record.status.value,
            "attempt_seen": record.attempt,
            "attention_seen": record.attributes.get("attention"),
            "decision_seen": record.decision.id if record.decision else None,
            "override": override,
            **({"case": dict(case)} if case else {}),
        }
        put_evidence(self._s3, self._places.logs_bucket, document)

    def _write(
        self, record: Record, decision: Decision, more: Mapping[str, Any], *, is_complete: bool
    ) -> None:
        """Write the decision into the record, and `more`, or only the approval where further ones must follow."""
        # The id of the announcement is that of one outcome, and goes when the record is opened again: so that whoever
        # asks needs no right to write `status` or `attempt`, from which IAM does not tell a condition.
        seen = "alert_id" if record.alert_id else "updated_at"
        condition = {
            seen: record.attributes.get(seen),
            "decision": record.attributes.get("decision"),
            "approvals": record.attributes.get("approvals"),
            "hold": record.attributes.get("hold"),
            "attention": record.attributes.get("attention"),
        }
        values = {**asked_values(record.attributes, decision), **more} if is_complete else {}
        if decision.action is Action.ESCALATE:
            values["hold"] = _hold(decision)
        if is_complete and record.attributes.get("attention") in (None, *LOOKS):
            # Until the workers begin: where the message is lost, it can be found.
            values["attention"] = DECIDED
        given = approvals_given(record) if decision.action is Action.APPROVE else []
        if given or not is_complete:
            values["approvals"] = [*given, approval(decision)]
        remove = ("approvals",) if "approvals" in record.attributes and "approvals" not in values else ()
        try:
            key = (record.object_key, record.sequencer)
            self._items.update(key, values, condition=condition, remove=remove)
        except ItemChangedError as changed:
            found = changed.found
            if found is not None and _holds(found, decision):
                return  # our own write, whose answer was lost
            raise changed_since(found or record) from None

    def _note_look(self, record: Record, decision: Decision) -> None:
        """Note what a person said about what is checked, or looked at again; it changes nothing else."""
        waits_for = attention_of(record)
        condition = {
            "attention": waits_for,
            "alert_id": record.alert_id,
            "decision": record.attributes.get("decision"),
        }
        values: dict[str, Any] = {"checked": looked(decision)}
        if waits_for is Attention.SECOND:
            values = {"second": [*record.attributes.get("second", ()), looked(decision)]}
        try:
            key = (record.object_key, record.sequencer)
            self._items.update(key, values, condition=condition, remove=("attention",))
        except ItemChangedError as changed:
            found = changed.found
            if found is not None and _holds(found, decision):
                return  # our own write, whose answer was lost
            raise changed_since(found or record) from None

    def _send(self, record: Record, decision: Decision) -> bool:
        """Send the workers a message about the decision; return False where that failed: the decision stands."""
        body = message(record, decision, self._places.uploads_bucket)
        try:
            self._sqs.send_message(QueueUrl=self._places.images_queue_url, MessageBody=body)
        except (ClientError, BotoCoreError):
            return False
        return True


def _require_another_person(record: Record, person: str) -> None:
    """Raise DecidedError where the person of a second look is the one of the first."""
    if not may_look(record, person):
        raise _decided(record, f"you decided about {record.object_key} first: another person looks again")


def may_look(record: Record, person: str) -> bool:
    """Return whether a person may decide about what waits: at a second look, nobody who took part in the first one."""
    if attention_of(record) is not Attention.SECOND:
        return True
    approved = {each["person"] for each in record.attributes.get("approvals", ())}
    return person not in approved | ({record.decision.person} if record.decision else set())


def message(record: Record, decision: Decision, uploads_bucket: str) -> str:
    """Return the message about a decision, as JSON: sent twice, it is carried out once.

    Shape: `{"Records": [{"eventSource", "eventName", "s3": {"bucket", "object"}, "decision": {"id"}}]}`.
    """
    event = notification_entry(
        DECISION_SOURCE,
        DECISION_NAME,
        bucket=uploads_bucket,
        key=record.object_key,
        version_id=record.version_id,
        etag=record.etag,
        sequencer=record.sequencer,
        decision={"id": decision.id},
    )
    return json.dumps({"Records": [event]})


def require_free(record: Record) -> None:
    """Refuse what is not possible while a version is held as evidence. Raises DecidedError."""
    if hold := record.attributes.get("hold"):
        raise DecidedError(
            f"{record.object_key} is held as evidence; it must be released before anything else",
            by=hold["person"],
            at=hold["at"],
            action=Action.ESCALATE.value,
        )


def _hold(decision: Decision) -> dict[str, str]:
    return {
        "person": decision.person,
        "at": decision.at,
        **({"reason": decision.reason} if decision.reason else {}),
    }


def _holds(found: Record, decision: Decision) -> bool:
    if found.decision is not None and found.decision.id == decision.id:
        return True
    looks = (*found.attributes.get("second", ()), found.attributes.get("checked") or {})
    return any(each.get("id") == decision.id for each in (*approvals_given(found), *looks))


def changed_since(found: Record) -> DecidedError:
    """Return the error of a record that is not any more as the person saw it."""
    return _decided(found, f"{found.object_key} is not as it was when you looked at it")


def _decided(found: Record, detail: str) -> DecidedError:
    decision = found.decision
    if decision is None:
        return DecidedError(detail, by=None, at=None, action=None)
    return DecidedError(detail, by=decision.person, at=decision.at, action=decision.action.value)


def _one_of(statuses: frozenset[Status]) -> str:
    return " or ".join(sorted(statuses)) or "nothing"
