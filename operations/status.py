"""What a stack is doing, and what of it needs a person: queues, records, functions, e-mail subscriptions."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from media_pipeline.reviews.asking import DECIDED
from operations.evidence import Evidence
from operations.intake import Intake
from operations.retention import gone_after_days
from operations.stack import StackOutputs
from operations.waiting import EXPIRES_SOON_DAYS, WaitingRecords

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

_WEBHOOKS = ("http", "https")
PENDING = "PendingConfirmation"  # what SNS lists in place of an ARN
_OTHERS: Final = (
    ("APPEAL", "APPEAL", "decide about them: `python -m operations review`"),
    ("CHECK", "published, to be checked", None),
    ("SECOND", "decided, for a second look", None),
    ("ESCALATED", "held as evidence", None),
)
"""Further states of the index, with what they are called, and what a person should do about it."""
_URL, _FUNCTION = "_url", "_function"
_QUEUES: Final = ("_queue_url", "_dead_letters_url")
"""How the names of queues' outputs end: other addresses are those of the API, the console and the distribution."""
_WAITING: Final = "ApproximateNumberOfMessages"
_IN_FLIGHT: Final = "ApproximateNumberOfMessagesNotVisible"
_DELAYED: Final = "ApproximateNumberOfMessagesDelayed"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the status; `problem` is what a person should do about it, if anything."""

    subject: str
    state: str
    problem: str | None = None


class Status:
    """Looks at everything that the stack's outputs name; changes nothing."""

    def __init__(
        self,
        *,
        outputs: StackOutputs,
        awslambda: "LambdaClient",
        dynamodb: "DynamoDBClient",
        s3: "S3Client",
        sns: "SNSClient",
        sqs: "SQSClient",
        cloudtrail: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`cloudtrail` is boto3's client, for a stack with a locked log of accesses."""
        self._outputs = outputs
        self._cloudtrail = cloudtrail
        self._lambda = awslambda
        self._dynamodb = dynamodb
        self._s3 = s3
        self._sns = sns
        self._sqs = sqs
        self._clock = clock

    def lines(self) -> Iterator[Line]:
        """Look at queues, records, functions, the log of accesses, subscriptions. Raises what boto3 raises."""
        yield from self._queues()
        yield from self._records()
        yield from self._evidence()
        yield from self._functions()
        yield from self._intake()
        yield from self._trail()
        yield from self._subscriptions()

    def _queues(self) -> Iterator[Line]:
        for name, url in sorted(self._outputs.named.items()):
            if not name.endswith(_QUEUES):
                continue
            counts = self._sqs.get_queue_attributes(
                QueueUrl=url, AttributeNames=[_WAITING, _IN_FLIGHT, _DELAYED]
            )["Attributes"]
            waiting = int(counts[_WAITING]) + int(counts.get(_DELAYED, 0))
            in_flight = int(counts[_IN_FLIGHT])
            dead = "dead_letters" in name and waiting + in_flight > 0
            yield Line(
                subject=name.removesuffix(_URL),
                state=f"{waiting} waiting, {in_flight} being worked on or paused",
                problem="read the log of the function that should empty it" if dead else None,
            )

    def _records(self) -> Iterator[Line]:
        now = self._clock()
        records = WaitingRecords(
            dynamodb=self._dynamodb, table=self._outputs.records_table, clock=self._clock
        )
        failed = records.read("FAILED")
        yield Line(
            subject="FAILED",
            state=failed.words(now),
            problem="fix what `reason` and `detail` say, then `python -m operations redrive`"
            if failed.count
            else None,
        )
        quarantine = self._outputs.named.get("quarantine_bucket")
        days = gone_after_days(self._s3, quarantine) if quarantine else None
        review = records.read("REVIEW", expire_after_days=days)
        yield Line(
            subject="REVIEW",
            state=review.words(now),
            problem="decide about them: `python -m operations review`" if review.count else None,
        )
        if review.expiring:
            yield Line(
                subject="REVIEW, about to expire",
                state=f"{review.expiring:,} records, whose originals are kept for {days} days",
                problem=f"decide within {EXPIRES_SOON_DAYS} days: what has expired cannot be approved any more",
            )
        for state, subject, problem in _OTHERS:
            found = records.read(state)
            review.not_carried_out += found.not_carried_out
            if found.count:
                yield Line(subject=subject, state=found.words(now), problem=problem)
        review.not_carried_out += records.read(DECIDED).not_carried_out
        if review.not_carried_out:
            yield Line(
                subject="decided, not carried out",
                state=f"{review.not_carried_out:,} records",
                problem="`python -m operations redrive --status DECIDED` has the workers carry it out",
            )

    def _evidence(self) -> Iterator[Line]:
        logs = self._outputs.named.get("logs_bucket")
        if logs is None:
            return
        evidence = Evidence(
            dynamodb=self._dynamodb,
            s3=self._s3,
            table=self._outputs.records_table,
            logs=logs,
            clock=self._clock,
        )
        for each in evidence.without_effect():
            yield Line(
                subject="evidence without effect",
                state=f"{each.action} of {each.object_key!r} by {each.person} at {each.at}, {each.id}",
                problem="it was cut off, or somebody else was first: nothing happened; decide again if it is wanted",
            )

    def _functions(self) -> Iterator[Line]:
        for name, function in sorted(self._outputs.named.items()):
            if not name.endswith(_FUNCTION):
                continue
            shown = self._lambda.get_function_configuration(FunctionName=function)
            state, update = shown.get("State", "Active"), shown.get("LastUpdateStatus", "Successful")
            runs = state in ("Active", "Inactive") and update == "Successful"
            yield Line(
                subject=name.removesuffix(_FUNCTION),
                state=f"{state}, {shown['MemorySize']} MB, changed {shown['LastModified'][:19]}",
                problem=None
                if runs
                else f"its last update is {update}: {shown.get('StateReason', 'see AWS')}",
            )

    def _intake(self) -> Iterator[Line]:
        for mapping in Intake(awslambda=self._lambda, outputs=self._outputs).mappings():
            if not mapping.takes:
                yield Line(
                    subject="intake",
                    state=f"{mapping.function} takes no messages: {mapping.state}",
                    problem="`python -m operations resume` has it go on; messages are kept for 14 days",
                )

    def _trail(self) -> Iterator[Line]:
        """Hold the trail of a stack that has one: its bucket outlives it, and somebody may have stopped it."""
        bucket = self._outputs.named.get("trail_bucket")
        if bucket is None or self._cloudtrail is None:
            return
        found = [
            trail
            for trail in self._cloudtrail.describe_trails()["trailList"]
            if trail["S3BucketName"] == bucket
        ]
        logs = any(self._cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"] for trail in found)
        yield Line(
            subject="log of accesses",
            state="logging" if logs else "stopped" if found else "no trail",
            problem=None
            if logs
            else "somebody ended it: look for StopLogging and DeleteTrail in CloudTrail's event history, then"
            " `pulumi up --refresh`",
        )

    def _subscriptions(self) -> Iterator[Line]:
        """Hold the subscriptions of both topics against the addresses; SNS deletes unconfirmed ones after 48 h.

        Webhooks are listed as they are subscribed.
        """
        addresses = [each for each in self._outputs.named.get("notified_addresses", "").split(",") if each]
        found: dict[str, list[str]] = {}
        for output in ("events_topic_arn", "alarms_topic_arn"):
            if topic := self._outputs.named.get(output):
                pages = self._sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
                for each in (entry for page in pages for entry in page["Subscriptions"]):
                    if each["Protocol"] in ("email", *_WEBHOOKS):
                        found.setdefault(each["Endpoint"], []).append(each["SubscriptionArn"])
        for address in sorted({*addresses, *found}):
            subscriptions = found.get(address, [])
            pending = subscriptions.count(PENDING)
            if not subscriptions:
                state, problem = "not subscribed", "its owner did not confirm in time: `pulumi up --refresh`"
            elif pending:
                state = f"{pending} of {len(subscriptions)} subscriptions unconfirmed"
                is_address = not address.startswith(tuple(f"{protocol}://" for protocol in _WEBHOOKS))
                problem = (
                    "its owner must follow the link in the e-mail from AWS within 48 hours"
                    if is_address
                    else "it must visit the SubscribeURL that was posted to it within 48 hours"
                )
            else:
                state, problem = f"{len(subscriptions)} subscriptions", None
            yield Line(subject=address, state=state, problem=problem)
