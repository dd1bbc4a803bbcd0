"""MediaAlerting: the topics of outcomes and alarms, their e-mail subscribers, and the alarms on outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components import iam
from components.alarms import AlarmArgs, AlarmTopic, Metric, alarm
from components.environment import METRICS_NAMESPACE
from components.monthly_budget import monthly_budget
from components.naming import Account, component_type

ALERT_STATUSES = ("BLOCKED", "REVIEW", "FAILED")  # the `status` attribute that announcements carry
SHA256_SIGNATURES = 2  # SNS's signature version; without one it signs with SHA1
LEAST_COUNT = 20  # with fewer objects in five minutes a percentage means nothing
REJECTED_PERCENT = 20
HANDED_BACK_PERCENT = 5  # an import at the quota of Rekognition hands 1 to 2 % back
OLD_SECONDS = 1200  # longer than the longest time-out, so that one attempt that is cut off does not ring
_OUTCOMES = {
    "published": "Published",
    "blocked": "Blocked",
    "review": "Review",
    "rejected": "Rejected",
    "failed": "Failed",
}
_ALL_OUTCOMES = "(" + " + ".join(f"FILL({outcome}, 0)" for outcome in _OUTCOMES) + ")"


@dataclass(frozen=True, kw_only=True)
class MediaAlertingArgs:
    """`service` is the metrics' dimension.

    `key_arn` is the KMS key of both topics; None: keys of AWS's own. The addresses in `alerts` get outcomes that need a
    person, and alarms; those in `results` get every outcome.
    """

    account: Account
    service: str
    alerts: Sequence[str]
    stack: str
    """The stack's name, which is the tag that the budget of AWS counts by."""
    results: Sequence[str] = field(default=())
    monthly_dollars: int = 0
    """What the stack may cost in a month before somebody gets an e-mail; 0 for no budget of AWS."""
    judged_per_day: int = 0
    """The budget of judged pictures; 0 for none, which needs no alarm."""
    key_arn: str | None = None
    signs_for_webhooks: bool = False
    """Whether somebody verifies the signatures of announcements."""
    counts_expiring_reviews: bool = False
    """Whether a function counts, once a day, what waits for a person and expires soon."""


class MediaAlerting(pulumi.ComponentResource):
    """The topic of every outcome, the topic of alarms, their subscribers, and the alarms on outcomes."""

    events: aws.sns.Topic
    alarms: aws.sns.Topic
    alarm_topic: AlarmTopic
    addresses: Sequence[str]
    """Every address that gets e-mails, each once."""

    def __init__(
        self, name: str, args: MediaAlertingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("MediaAlerting"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        # The AWS-managed key is enough: only roles of this account publish here.
        self.events = aws.sns.Topic(
            f"{name}-events",
            kms_master_key_id=args.key_arn or "alias/aws/sns",
            signature_version=SHA256_SIGNATURES if args.signs_for_webhooks else None,
            opts=child,
        )
        # Without a key of the operator's it has none: CloudWatch cannot use the AWS-managed one, and a customer managed
        # key costs every month. An alarm contains names of resources and numbers, nothing about any picture.
        self.alarms = aws.sns.Topic(f"{name}-alarms", kms_master_key_id=args.key_arn, opts=child)
        self.alarm_topic = AlarmTopic(arn=self.alarms.arn, is_read=bool(args.alerts))
        self.addresses = tuple({each.casefold(): each for each in (*args.alerts, *args.results)}.values())
        self._policies(name, args.account)
        self._subscribe(name, args)
        self._watch_outcomes(name, args.service)
        self._watch_messages(name, args.service)
        if args.judged_per_day:
            self._watch_budget(name, args.service)
        if args.counts_expiring_reviews:
            self._watch_reviews(name, args.service)
        if args.monthly_dollars:
            addresses = tuple({each.casefold(): each for each in args.alerts}.values())
            monthly_budget(
                name, dollars=args.monthly_dollars, stack=args.stack, addresses=addresses, opts=child
            )
        self.register_outputs({"events": self.events.arn, "alarms": self.alarms.arn})

    def _subscribe(self, name: str, args: MediaAlertingArgs) -> None:
        """Subscribe each address once per topic, as SNS allows no more: who gets every outcome gets the alerts, too.

        One resource per topic and address, so that moving an address between the lists changes its filter and
        nothing else.
        """
        everything = {address.casefold() for address in args.results}
        alerted = [address for address in args.alerts if address.casefold() not in everything]
        for address in args.results:
            self._subscribe_to_outcomes(name, address, None)
        for address in alerted:
            only = pulumi.Output.json_dumps({"status": list(ALERT_STATUSES)})
            self._subscribe_to_outcomes(name, address, only)
        for address in args.alerts:
            aws.sns.TopicSubscription(
                f"{name}-alarms-{address}",
                topic=self.alarms.arn,
                protocol="email",
                endpoint=address,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _subscribe_to_outcomes(self, name: str, address: str, only: pulumi.Input[str] | None) -> None:
        aws.sns.TopicSubscription(
            f"{name}-events-{address}",
            topic=self.events.arn,
            protocol="email",
            endpoint=address,
            filter_policy=only,
            filter_policy_scope="MessageAttributes" if only is not None else None,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Until 0.2 the list that an address was in was part of the name.
                aliases=[pulumi.Alias(name=f"{name}-{of}-{address}") for of in ("results", "alerts")],
            ),
        )

    def _policies(self, name: str, account: Account) -> None:
        child = pulumi.ResourceOptions(parent=self)
        aws.sns.TopicPolicy(
            f"{name}-events-policy",
            arn=self.events.arn,
            policy=iam.resource_policy(action="sns:Publish", resources=[self.events.arn]),
            opts=child,
        )
        # Any alarm of this account and region, so that new alarms need no change here.
        alarms = pulumi.Output.concat(
            "arn:", account.partition, ":cloudwatch:", account.region, ":", account.id, ":alarm:*"
        )
        aws.sns.TopicPolicy(
            f"{name}-alarms-policy",
            arn=self.alarms.arn,
            policy=iam.resource_policy(
                action="sns:Publish",
                resources=[self.alarms.arn],
                grants=[
                    iam.ServiceGrant(
                        sid="AlarmsOfThisAccount",
                        service="cloudwatch.amazonaws.com",
                        actions=["sns:Publish"],
                        account=account.id,
                        sources=[alarms],
                        resources=[self.alarms.arn],
                    )
                ],
            ),
            opts=child,
        )

    def _watch_outcomes(self, name: str, service: str) -> None:
        child = pulumi.ResourceOptions(parent=self)
        alarm(
            f"{name}-failed",
            AlarmArgs(
                meaning="Objects ended as FAILED: the system could not process them.",
                remedy="Look the items up in the records table's index `attention`; `reason` and `detail` "
                "say why. After correcting the cause, redrive them.",
                metrics={"failed": _metric(service, "Failed")},
                threshold=1,
                topic=self.alarm_topic,
                is_essential=True,
            ),
            child,
        )
        alarm(
            f"{name}-rejected-share",
            AlarmArgs(
                meaning=f"At least {REJECTED_PERCENT} % of the objects of five minutes were REJECTED.",
                remedy="Read the `reason` of recent records: a client sends files that cannot be processed, "
                "or `limits` are too low.",
                metrics=_outcomes(service),
                expression=f"IF({_ALL_OUTCOMES} >= {LEAST_COUNT}, "
                f"100 * FILL(rejected, 0) / {_ALL_OUTCOMES}, 0)",
                label="rejected, percent",
                threshold=REJECTED_PERCENT,
                topic=self.alarm_topic,
            ),
            child,
        )

    def _watch_reviews(self, name: str, service: str) -> None:
        alarm(
            f"{name}-reviews-expiring",
            AlarmArgs(
                meaning="Objects wait for a person, and quarantine deletes their originals within 14 days.",
                remedy="Decide about them, with `python -m operations review`, the oldest first: what has expired "
                "cannot be approved any more. Or raise `retention.quarantine`. It rings once a day.",
                metrics={"expiring": _metric(service, "ReviewsExpiring", "Maximum")},
                threshold=1,
                topic=self.alarm_topic,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _watch_messages(self, name: str, service: str) -> None:
        child = pulumi.ResourceOptions(parent=self)
        handled = f"(FILL(handed_back, 0) + {_ALL_OUTCOMES})"
        alarm(
            f"{name}-handed-back-share",
            AlarmArgs(
                meaning=f"For 15 minutes at least {HANDED_BACK_PERCENT} % of all messages went back to "
                "their queue.",
                remedy="Read process-image's log for the cause (throttling, a permission, an outage). Messages "
                "return by themselves; Lambda counts these invocations as successes.",
                metrics={**_outcomes(service), "handed_back": _metric(service, "BatchItemFailures")},
                expression=f"IF({handled} >= {LEAST_COUNT}, 100 * FILL(handed_back, 0) / {handled}, 0)",
                label="handed back, percent",
                threshold=HANDED_BACK_PERCENT,
                periods=3,
                topic=self.alarm_topic,
            ),
            child,
        )
        alarm(
            f"{name}-handed-back-age",
            AlarmArgs(
                meaning=f"A message went back to its queue {OLD_SECONDS // 60} minutes or more after it was sent, "
                "while few objects were published.",
                remedy="Search the worker's log for `message handed back`: a permission, an outage, throttling, or one "
                "object that fails again and again. Messages return by themselves until their 50th receive.",
                # Not SQS's age of the oldest message: it leaves out what was received three times or more.
                metrics={
                    "age": _metric(service, "AgeAtHandBack", "Maximum"),
                    "published": _metric(service, "Published"),
                },
                # With more published, the share judges: in a large import every message is old.
                expression=f"IF(FILL(published, 0) >= {LEAST_COUNT}, 0, FILL(age, 0))",
                label="seconds since it was sent",
                threshold=OLD_SECONDS,
                topic=self.alarm_topic,
                is_essential=True,
            ),
            child,
        )
        alarm(
            f"{name}-unknown-messages",
            AlarmArgs(
                meaning="Something that is not an S3 event was in a dead-letter queue.",
                remedy="Read dead-letters' log for its text and sender: only S3 and the pipeline should "
                "write to the queues.",
                metrics={"unknown": _metric(service, "UnknownMessages")},
                threshold=1,
                topic=self.alarm_topic,
            ),
            child,
        )

    def _watch_budget(self, name: str, service: str) -> None:
        alarm(
            f"{name}-budget-spent",
            AlarmArgs(
                meaning="Uploads wait for the next day (UTC): as many pictures were judged as "
                "`limits.judgedPerDay` allows.",
                remedy="Nothing is lost. `python -m operations budget` says how many were judged, and allows more "
                "today; `python -m operations cost --since 1d` says for which uploads.",
                metrics={"waiting": _metric(service, "BudgetSpent")},
                threshold=1,
                topic=self.alarm_topic,
                is_essential=True,
            ),
            pulumi.ResourceOptions(parent=self),
        )


def _metric(service: str, name: str, statistic: str = "Sum") -> Metric:
    return Metric(
        namespace=METRICS_NAMESPACE, name=name, dimensions={"service": service}, statistic=statistic
    )


def _outcomes(service: str) -> dict[str, Metric]:
    return {key: _metric(service, name) for key, name in _OUTCOMES.items()}
