"""Brings what was published before to the configuration of now: finds it, counts it, and asks the functions for it.

Nobody but the stack's functions puts or removes a rendition, so this sends messages, each about one version at one
attempt of its record: a message that comes twice, or a command that is started again, does it once.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from media_pipeline.events import BACKFILL_NAME, BACKFILL_SOURCE, ReworkMode, notification_entry
from media_pipeline.moderation.cached import comparable
from media_pipeline.moderation.verdicts import Mode as PolicyMode
from media_pipeline.records.answer_cache import MODEL, SORT_KEY
from media_pipeline.records.record import Record, Stage
from operations.deciding_again import Outcome, Unknown, decide_again
from operations.prices import Prices
from operations.retention import Retention
from operations.scanning import scan
from operations.sending import Work
from operations.stack import StackOutputs
from operations.today import Today

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = Mapping[str, Any]
"""A record in plain values."""
_READ: Final = (
    "object_key",
    "sequencer",
    "status",
    "attempt",
    "version_id",
    "etag",
    "created_at",
    "finished_at",
    "renditions",
    "width",
    "height",
    "pipeline_version",
    "moderation",
    "decision",
    "carried_out",
    "original",
    "rework",
    "undone",
    "milliseconds",
    "stage",
)
_HIDING: Final = frozenset({"PROCESSING", "BLOCKED", "REVIEW", "DELETED"})
_WITHHELD: Final = frozenset({"BLOCKED", "REVIEW"})
_NOT_JUDGED: Final = "not_judged"
_PASSING: Final = frozenset({"other_policy", "decided", "replaced", "unchanged", "unknown"})
"""Why a backfill changed nothing, where the next one may."""
_ASSUMED: Final = 1000.0  # milliseconds, where a record does not say what it took
_WRITE_UNITS, _READ_UNITS, _MESSAGE_REQUESTS = 8, 3, 5


class Mode(StrEnum):
    """What a run does; the value is what `--mode` takes."""

    MISSING = "missing"
    RENDER = "render"
    DECIDE = "decide"
    ASK = "ask"


class Skipped(StrEnum):
    """Why a version that the mode is about is left as it is; the value is a sentence for people."""

    EXPIRED = "the retention of their originals is over"
    NOT_JUDGED = "the judged picture would be another one: --mode ask has it judged and rendered"
    APPROVED = "a person decided about them"
    RELEASE = "withheld, and today's policy would publish them: --release has them published"
    UNKNOWN = "the records do not say what today's policy would decide: --mode ask has them judged"
    TRIED = "an earlier backfill could not change them: --again tries once more"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A version that a message is sent about."""

    record: Item
    action: Mode
    requests: int = 0
    """To Rekognition, at most."""
    fresh: bool = False
    releases: bool = False
    """Whether it is withheld, and to be published by a person's decision."""

    @property
    def work(self) -> Work:
        """What it takes of the functions, by what its last processing took; no request is made where none is needed."""
        took = self.record.get("milliseconds") or {}
        total = float(took.get("total", _ASSUMED)) - (0 if self.requests else float(took.get("moderate", 0)))
        return Work(Stage(self.record.get("stage", Stage.IMAGE)), max(total, 0.0) / 1000)

    @property
    def position(self) -> tuple[str, str]:
        """Where a run goes on behind it: its key and sequencer."""
        return str(self.record["object_key"]), str(self.record["sequencer"])

    def is_as_seen(self, now: Record) -> bool:
        """Return whether nobody decided about the version, or opened it again, since the scan read its record."""
        is_same = now.status == self.record["status"] and now.attempt == int(self.record["attempt"])
        return is_same and now.decision is None

    def message(self, bucket: str, run: str, policy_version: str) -> str:
        """Return the message's body, as JSON.

        Shape: `{"Records": [{"eventSource", "eventName", "s3": {...}, "backfill": {"id", "mode", "attempt",
        "policy_version", "fresh"?}}]}`.
        """
        order: dict[str, Any] = {
            "id": run,
            "mode": ReworkMode(self.action.value).value,
            "attempt": int(self.record["attempt"]),
            "policy_version": policy_version,
        }
        if self.fresh:
            order["fresh"] = True
        entry = notification_entry(
            BACKFILL_SOURCE,
            BACKFILL_NAME,
            bucket=bucket,
            key=self.record["object_key"],
            version_id=self.record.get("version_id"),
            etag=self.record.get("etag"),
            sequencer=self.record["sequencer"],
            backfill=order,
        )
        return json.dumps({"Records": [entry]})


@dataclass
class Counts:
    """What a look at the records found."""

    records: int = 0
    same: int = 0
    """Published versions that are as the mode would make them."""
    to_send: Counter[str] = field(default_factory=Counter)
    """By what would become of them."""
    skipped: Counter[Skipped] = field(default_factory=Counter)
    unknown: Counter[Unknown] = field(default_factory=Counter)
    requests: int = 0
    dollars: float = 0.0
    seconds: dict[Stage, float] = field(default_factory=lambda: dict.fromkeys(Stage, 0.0))
    """Of each function's work."""

    @property
    def total(self) -> int:
        """How many messages a run would send."""
        return self.to_send.total()


class Backfill:
    """Finds what differs from the configuration of now, and sends messages about it."""

    def __init__(
        self,
        *,
        outputs: StackOutputs,
        today: Today,
        retention: Retention,
        dynamodb: "DynamoDBClient",
        mode: Mode,
        prefix: str = "",
        releases: bool = False,
        again: bool = False,
        everything: bool = False,
    ) -> None:
        """`prefix` is of object keys; `again` also takes what an earlier backfill could not change.

        `everything` renders also what lists the renditions of now: after a change of quality, for instance.
        """
        self._outputs = outputs
        self._today = today
        self._retention = retention
        self._dynamodb = dynamodb
        self._mode = mode
        self._prefix = prefix
        self._releases = releases
        self._again = again
        self._everything = everything
        self._model = self._noted_model()

    def count(self, *, after: tuple[str, str] | None = None) -> Counts:
        """Look at all records, or those behind a position; send nothing."""
        counts = Counts()
        for record in self._newest(after, counts):
            found = self._judge(record, counts)
            if found is None:
                continue
            counts.requests += found.requests
            counts.dollars += self._cost(found)
            counts.seconds[found.work.stage] += found.work.seconds
            becomes = {Mode.RENDER: "rendered anew", Mode.ASK: "judged and rendered anew"}.get(
                found.action, "published" if found.releases else "withheld"
            )
            counts.to_send[becomes] += 1
        return counts

    def find(self, *, after: tuple[str, str] | None = None) -> Iterator[Candidate]:
        """Yield the versions to send a message about, in the table's own order."""
        counts = Counts()
        for record in self._newest(after, counts):
            found = self._judge(record, counts)
            if found is not None:
                yield found

    # ---- which

    def _newest(self, after: tuple[str, str] | None, counts: Counts) -> Iterator[Item]:
        """Yield of each key the record that readers are shown; of withheld ones too, where they are to be released."""
        records = scan(self._dynamodb, self._outputs.records_table, _READ, after=after)
        for key, of_key in groupby(records, itemgetter("object_key")):
            if not str(key).startswith(self._prefix):
                continue
            for record in reversed(list(of_key)):
                counts.records += 1
                if record.get("undone"):
                    continue
                is_shown = record["status"] == "PUBLISHED"
                if is_shown or (self._mode is Mode.DECIDE and record["status"] in _WITHHELD):
                    yield record
                if is_shown or record["status"] in _HIDING:
                    break

    def _judge(self, record: Item, counts: Counts) -> Candidate | None:
        """Return what is to be done about a record; count it where that is nothing."""
        if record["status"] in _WITHHELD:
            return self._released(record, counts)
        rework = record.get("rework") or {}
        ended = rework.get("ended")
        was_tried = ended and ended not in _PASSING and rework.get("mode") == self._mode
        if was_tried and not self._again:
            counts.skipped[Skipped.NOT_JUDGED if ended == _NOT_JUDGED else Skipped.TRIED] += 1
            return None
        match self._mode:
            case Mode.RENDER:
                return self._rendered(record, counts)
            case Mode.DECIDE:
                return self._decided(record, counts)
            case _:
                return self._asked(record, counts, is_not_judged=ended == _NOT_JUDGED)

    def _rendered(self, record: Item, counts: Counts) -> Candidate | None:
        is_judged = self._everything or self._today.is_judged_so(record) or _is_decided(record)
        if not self._everything and self._today.is_rendered_so(record):
            counts.same += 1
        elif self._retention.is_over(record):
            counts.skipped[Skipped.EXPIRED] += 1
        elif not is_judged:
            counts.skipped[Skipped.NOT_JUDGED] += 1
        else:
            return Candidate(record=record, action=Mode.RENDER)
        return None

    def _decided(self, record: Item, counts: Counts) -> Candidate | None:
        if _is_decided(record):
            counts.skipped[Skipped.APPROVED] += 1
            return None
        answer = self._answer(record)
        if isinstance(answer, Unknown):
            counts.skipped[Skipped.UNKNOWN] += 1
            counts.unknown[answer] += 1
        elif answer is Outcome.PUBLISHED:
            counts.same += 1
        elif answer is Outcome.REVIEW and self._retention.is_over(record):
            counts.skipped[Skipped.EXPIRED] += 1
        else:
            return Candidate(record=record, action=Mode.DECIDE)
        return None

    def _asked(self, record: Item, counts: Counts, *, is_not_judged: bool) -> Candidate | None:
        answer = self._answer(record)
        other_picture = is_not_judged or not self._today.is_judged_so(record)
        if _is_decided(record):
            counts.skipped[Skipped.APPROVED] += 1
        elif not isinstance(answer, Unknown) and not other_picture:
            counts.same += 1
        elif self._retention.is_over(record):
            counts.skipped[Skipped.EXPIRED] += 1
        else:
            if isinstance(answer, Unknown):
                counts.unknown[answer] += 1
            moderation = record.get("moderation") or {}
            requests = int(moderation.get("to_judge") or moderation.get("judged") or 1)
            return Candidate(
                record=record,
                action=Mode.ASK,
                requests=requests,
                fresh=answer is Unknown.OTHER_MODEL,
            )
        return None

    def _released(self, record: Item, counts: Counts) -> Candidate | None:
        is_by_policy = record.get("moderation") and not record.get("decision")
        if not is_by_policy or self._answer(record) is not Outcome.PUBLISHED:
            return None
        if self._retention.is_over(record):
            counts.skipped[Skipped.EXPIRED] += 1
        elif not self._releases:
            counts.skipped[Skipped.RELEASE] += 1
        else:
            return Candidate(record=record, action=Mode.DECIDE, releases=True)
        return None

    def _answer(self, record: Item) -> Outcome | Unknown:
        """Return what today's policy makes of a record, or why it does not say."""
        moderation = record.get("moderation")
        if not moderation:
            return Unknown.NOT_RECORDED
        model = moderation.get("model_version") or ""
        policy = self._today.policy.of(record["object_key"])
        is_enforced = policy.mode is PolicyMode.ENFORCE
        if is_enforced and model and (comparable(model) or "") < (comparable(self._model) or ""):
            return Unknown.OTHER_MODEL
        answer = decide_again(moderation, policy)
        return answer if isinstance(answer, Unknown) else answer.outcome

    def _noted_model(self) -> str:
        """Return the newest version of Rekognition's model that is noted beside the records; "" for none."""
        key = {"object_key": {"S": MODEL}, "sequencer": {"S": SORT_KEY}}
        note = self._dynamodb.get_item(TableName=self._outputs.records_table, Key=key).get("Item", {})
        return str(note.get("model_version", {}).get("S", ""))

    def _cost(self, found: Candidate) -> float:
        """Return the list price of one version in USD: what its last processing took, without what is not done."""
        memory, work = self._today.config.memory, found.work
        megabytes = memory.video if work.stage is Stage.VIDEO and memory.video else memory.image
        files = 0 if found.action is Mode.DECIDE and not found.releases else len(self._today.sizes)
        return Prices.read().cost(
            {
                "rekognition_request": found.requests,
                "s3_write": files * len(self._today.formats),
                "s3_read": 1,
                "lambda_gigabyte_second": megabytes / 1024 * work.seconds,
                "lambda_request": 2,
                "dynamodb_write_unit": _WRITE_UNITS,
                "dynamodb_read_unit": _READ_UNITS,
                "sns_request": 1,
                "sqs_request": _MESSAGE_REQUESTS,
            }
        )


def missing_message(bucket: str, key: str, version: str, etag: str | None) -> str:
    """Return the message about a version that has no record: like S3's own, without a sequencer."""
    entry = notification_entry(
        BACKFILL_SOURCE,
        BACKFILL_NAME,
        bucket=bucket,
        key=key,
        version_id=None if version == etag else version,
        etag=etag,
    )
    return json.dumps({"Records": [entry]})


def _is_decided(record: Item) -> bool:
    """Return whether it is published because a person said so."""
    decision = record.get("decision") or {}
    return bool(decision) and decision.get("action") in ("approve", "withdraw")
