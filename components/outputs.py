"""The stack's outputs: what operators, applications and `python -m operations` find the stack's resources by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pulumi

from components.access_trail import AccessTrail
from components.alerting import MediaAlerting
from components.applications import ApplicationAccess
from components.function import PythonFunction
from components.function_specs import FUNCTIONS, FunctionSpec
from components.outcome_subscriber import OutcomeSubscriber
from components.outcome_webhooks import OutcomeWebhooks
from components.processing import MediaProcessing
from components.review_console import ReviewConsole
from components.scheduled_function import ScheduledFunction
from components.storage import BUCKETS, BucketSpec, MediaStorage
from components.upload_api import UploadApi

Value = pulumi.Input[str] | None


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The components of one stack; those of what is not enabled are None.

    `review_settings` is what the ask side of reviews must know of the configuration, by environment variable.
    `subscribers` has those of functions that subscribe to outcomes, `scheduled` those that run by a schedule, by the
    function's name.
    """

    storage: MediaStorage
    alerting: MediaAlerting
    processing: MediaProcessing
    subscribers: Mapping[str, OutcomeSubscriber]
    scheduled: Mapping[str, ScheduledFunction]
    webhooks: OutcomeWebhooks | None
    trail: AccessTrail | None
    access: ApplicationAccess
    upload_api: UploadApi | None
    console: ReviewConsole | None
    review_settings: Mapping[str, str]

    def function(self, spec: FunctionSpec) -> PythonFunction | None:
        """Return the function of a spec; None where the stack does not have it."""
        functions = {
            **self.processing.functions,
            **{name: subscriber.function for name, subscriber in self.subscribers.items()},
            **{name: scheduled.function for name, scheduled in self.scheduled.items()},
        }
        if self.upload_api:
            functions[self.upload_api.function.spec.name] = self.upload_api.function
        if self.console:
            functions[self.console.function.spec.name] = self.console.function
        return functions.get(spec.name)


@dataclass(frozen=True, kw_only=True)
class Output:
    """One output; `value` returns None in a stack without it."""

    meaning: str
    value: Callable[[Deployed], Value]


def _bucket(spec: BucketSpec) -> Output:
    return Output(
        meaning=f"Bucket: {spec.purpose}",
        value=lambda stack: stack.storage.buckets[spec.name].bucket.bucket,
    )


def _function(spec: FunctionSpec) -> Output:
    def name(stack: Deployed) -> Value:
        function = stack.function(spec)
        return function.function.name if function else None

    return Output(meaning=f"Function: {spec.purpose}", value=name)


def _dead_letters(spec: FunctionSpec) -> Output:
    return Output(
        meaning=f"Queue of announcements that {spec.name} failed with",
        value=lambda stack: stack.subscribers[spec.name].dead_letters.url,
    )


def _videos_queue_url(stack: Deployed) -> Value:
    videos = stack.processing.resources.videos
    return videos.queue.url if videos else None


def _videos_dead_letters_url(stack: Deployed) -> Value:
    videos = stack.processing.resources.videos
    return videos.dead_letters.url if videos else None


def _cdn_url(stack: Deployed) -> Value:
    delivery = stack.processing.resources.delivery
    return delivery.address if delivery else None


def _cdn_distribution(stack: Deployed) -> Value:
    delivery = stack.processing.resources.delivery
    return delivery.distribution.id if delivery else None


def _cdn_signers(stack: Deployed) -> Value:
    delivery = stack.processing.resources.delivery
    if delivery is None or not delivery.signers:
        return None
    first, *others = (signer.id for signer in delivery.signers)
    return pulumi.Output.concat(first, *(part for other in others for part in (",", other)))


def _approvals(stack: Deployed) -> Value:
    return stack.review_settings.get("REVIEW_APPROVALS")


def _notified(stack: Deployed) -> Value:
    return ",".join(stack.alerting.addresses) or None


OUTPUTS: Mapping[str, Output] = MappingProxyType(
    {
        **{spec.output: _bucket(spec) for spec in BUCKETS},
        "records_table": Output(
            meaning="DynamoDB table: one record for each object version",
            value=lambda stack: stack.storage.records.name,
        ),
        "events_topic_arn": Output(
            meaning="SNS topic: every outcome is announced here",
            value=lambda stack: stack.alerting.events.arn,
        ),
        "alarms_topic_arn": Output(
            meaning="SNS topic: every alarm is sent here", value=lambda stack: stack.alerting.alarms.arn
        ),
        "notified_addresses": Output(
            meaning="E-mail addresses of `notify`, separated by commas, in a stack that has some",
            value=_notified,
        ),
        "images_queue_url": Output(
            meaning="Queue of the uploads bucket's events",
            value=lambda stack: stack.processing.resources.images.queue.url,
        ),
        "images_dead_letters_url": Output(
            meaning="Queue of events that no attempt could finish",
            value=lambda stack: stack.processing.resources.images.dead_letters.url,
        ),
        "videos_queue_url": Output(meaning="Queue of videos for process-video", value=_videos_queue_url),
        "videos_dead_letters_url": Output(
            meaning="Queue of videos that no attempt could finish", value=_videos_dead_letters_url
        ),
        "review_approvals": Output(
            meaning="`review.approvals` as JSON, for `python -m operations review`, in a stack that has some",
            value=_approvals,
        ),
        **{spec.output: _function(spec) for spec in FUNCTIONS},
        **{spec.dead_letters_output: _dead_letters(spec) for spec in FUNCTIONS if spec.subscribes},
        "webhooks_dead_letters_url": Output(
            meaning="Queue of announcements that a webhook did not take, in a stack with `notify.webhooks`",
            value=lambda stack: stack.webhooks.dead_letters.url if stack.webhooks else None,
        ),
        "trail_bucket": Output(
            meaning="Bucket of the log of accesses that nobody can change, in a stack with `accessLogs.lockedDays`",
            value=lambda stack: stack.trail.bucket.bucket.bucket if stack.trail else None,
        ),
        "may_upload_policy_arn": Output(
            meaning="IAM policy for an application that uploads originals",
            value=lambda stack: stack.access.may_upload.arn,
        ),
        "may_read_renditions_policy_arn": Output(
            meaning="IAM policy for an application that reads records and renditions",
            value=lambda stack: stack.access.may_read_renditions.arn,
        ),
        "api_url": Output(
            meaning="The upload API's address, with its stage and without a trailing slash",
            value=lambda stack: stack.upload_api.url if stack.upload_api else None,
        ),
        "review_url": Output(
            meaning="The console's address for reviewers, where `review.console` is true",
            value=lambda stack: stack.console.url if stack.console else None,
        ),
        "review_user_pool_id": Output(
            meaning="User pool of the reviewers, for `python -m operations review invite`",
            value=lambda stack: stack.console.user_pool.id if stack.console else None,
        ),
        "cdn_url": Output(
            meaning="The address of the distribution that delivers renditions, where `delivery.cdn` is true",
            value=_cdn_url,
        ),
        "cdn_distribution": Output(
            meaning="The id of that distribution",
            value=_cdn_distribution,
        ),
        "cdn_signers": Output(
            meaning="The ids of the keys that its addresses are signed with, separated by commas, where there are some",
            value=_cdn_signers,
        ),
        "api_key": Output(
            meaning="The upload API's key",
            value=lambda stack: stack.upload_api.key if stack.upload_api else None,
        ),
    }
)
