"""Every Lambda function of the pipeline: one FunctionSpec each, from which all that belongs to it follows.

Its resources (PythonFunction), the queues that it polls (MediaProcessing), the measure of its environment
(config_checks), the stack's output with its name (outputs) and its row in docs/reference/functions.md.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import bounds, environment, permissions
from components.config_model import StackConfig
from components.iam import Statement
from components.resources import Resources

MEBIBYTE = 1024**2
API_GATEWAY_TIMEOUT = 29  # seconds; API Gateway waits no longer for an answer (API Gateway quotas)
LEAST_CONCURRENCY = bounds.MAPPING_CONCURRENCY[0]
BOUNDED_POLLERS = 5
_RETRIED = (
    "The message returns by itself; after four unfinished attempts its object is rejected as "
    "resource_exhausted."
)


@dataclass(frozen=True, kw_only=True)
class ResourceName:
    """An environment variable with a name that is known only once the resource exists.

    `longest` is the most characters that AWS allows it to have, for the measure of the environment.
    """

    longest: int
    value: Callable[[Resources], pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class Polling:
    """A queue that a function polls; the mapping is named `<service>-<mapping>-mapping`.

    Without a bound of `concurrency` AWS lets all but two of its pollers rest while the queue is empty; with one it
    keeps five. Each makes three requests a minute, which are billed (Lambda Developer Guide, "Configuring scaling
    behavior for SQS event source mappings").
    """

    mapping: str
    queue: Callable[[Resources], aws.sqs.Queue]
    concurrency: Callable[[StackConfig], int] | None = None

    def idle_pollers(self) -> int:
        """Return how many pollers ask an empty queue."""
        return LEAST_CONCURRENCY if self.concurrency is None else BOUNDED_POLLERS

    def most(self, config: StackConfig) -> int:
        """Return how many executions it can be counted on to have at once; without a bound, the least of one."""
        return LEAST_CONCURRENCY if self.concurrency is None else self.concurrency(config)


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """One function. Its handler is `media_pipeline.handlers.<name>.handler`, with underscores.

    `memory` and `ephemeral` (/tmp) are in MB, `timeout` in seconds. `settings` are the variables that follow from the
    configuration, `names` those that name resources; both come on top of those that all functions get.
    `permissions` are its own; those for logs and traces come with every function. `after_error` and `after_throttle`
    are sentences for its alarms: what becomes of the work in hand. A function that `subscribes` is invoked with each
    announcement of an outcome; one with a `schedule`, an expression of EventBridge Scheduler, when that says so. One
    that is not `is_watched` has no alarms, which are billed all the time: whoever uses it sees its errors.
    """

    name: str
    purpose: str
    memory: Callable[[StackConfig], int]
    timeout: Callable[[StackConfig], int]
    permissions: Callable[[Resources], list[Statement]]
    after_error: str
    after_throttle: str = "Nothing is lost: messages wait in their queues."
    settings: Callable[[StackConfig], Mapping[str, str]] = lambda _: {}
    names: Callable[[StackConfig], Mapping[str, ResourceName]] = lambda _: {}
    polls: Callable[[StackConfig], Sequence[Polling]] = lambda _: ()
    subscribes: bool = False
    schedule: str | None = None
    is_watched: bool = True
    layers: tuple[str, ...] = ("image",)
    ephemeral: Callable[[StackConfig], int] = lambda _: bounds.LAMBDA_EPHEMERAL_MB[0]
    is_deployed: Callable[[StackConfig], bool] = lambda _: True

    @property
    def handler(self) -> str:
        """The handler as Lambda's configuration names it."""
        return f"media_pipeline.handlers.{self._identifier}.handler"

    @property
    def output(self) -> str:
        """The stack output that holds the function's physical name."""
        return f"{self._identifier}_function"

    @property
    def dead_letters_output(self) -> str:
        """The stack output with the URL of the queue of what it failed with, if it subscribes to outcomes."""
        return f"{self._identifier}_dead_letters_url"

    @property
    def _identifier(self) -> str:
        return self.name.replace("-", "_")

    def variables(self, config: StackConfig) -> dict[str, str]:
        """Return the environment variables that follow from the configuration alone."""
        return {**environment.common_settings(config), **self.settings(config)}

    def environment(self, config: StackConfig, on: Resources) -> dict[str, pulumi.Input[str]]:
        """Return the whole environment: settings, and the names of the resources that it uses."""
        names = {variable: name.value(on) for variable, name in self.names(config).items()}
        # Clients are made before the first invocation, whose context would tell the time-out.
        return {**self.variables(config), "TIMEOUT": str(self.timeout(config)), **names}

    def most_environment_bytes(self, config: StackConfig) -> int:
        """Return the most bytes that its environment can take, counting each name at its longest."""
        names = {variable: "x" * name.longest for variable, name in self.names(config).items()}
        timeout = str(bounds.LAMBDA_TIMEOUT_SECONDS[1])  # a configuration may still lack its own
        return environment_bytes({**self.variables(config), "TIMEOUT": timeout, **names})


def environment_bytes(variables: Mapping[str, str]) -> int:
    """Return the length of an environment as Lambda measures it: as one JSON object, in UTF-8."""
    return len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())


def deployed(config: StackConfig) -> tuple[FunctionSpec, ...]:
    """Return the functions that a stack has."""
    return tuple(spec for spec in FUNCTIONS if spec.is_deployed(config))


def ephemeral_megabytes(video_bytes: int) -> int:
    """Return the /tmp that process-video needs: what every function has, the largest video, and its rendition."""
    return bounds.LAMBDA_EPHEMERAL_MB[0] + 2 * math.ceil(video_bytes / MEBIBYTE)


# The longest that AWS lets each kind of name be: a bucket's name has 63 characters; a table's, topic's or queue's
# are ours plus the random part that Pulumi appends, after a prefix.
_QUEUE_URL = 160
_API_KEY_VALUE = 128  # API Gateway: a key has 20 to 128 characters (those that it generates have 40)
_UPLOADS_BUCKET = ResourceName(longest=63, value=lambda on: on.storage.uploads.bucket.bucket)
_QUARANTINE_BUCKET = ResourceName(longest=63, value=lambda on: on.storage.quarantine.bucket.bucket)
_RENDITIONS_BUCKET = ResourceName(longest=63, value=lambda on: on.storage.renditions.bucket.bucket)
_RECORDS_TABLE = ResourceName(longest=80, value=lambda on: on.storage.records.name)
_EVENTS_TOPIC_ARN = ResourceName(longest=140, value=lambda on: on.events.arn)


def _worker_names(queue_url: Callable[[Resources], pulumi.Input[str]]) -> dict[str, ResourceName]:
    """Return the names that every function with a queue needs; `QUEUE_URL` is that of its own queue."""
    return {
        "UPLOADS_BUCKET": _UPLOADS_BUCKET,
        "QUARANTINE_BUCKET": _QUARANTINE_BUCKET,
        "RENDITIONS_BUCKET": _RENDITIONS_BUCKET,
        "RECORDS_TABLE": _RECORDS_TABLE,
        "EVENTS_TOPIC_ARN": _EVENTS_TOPIC_ARN,
        "QUEUE_URL": ResourceName(longest=_QUEUE_URL, value=queue_url),
    }


def _with_videos(
    config: StackConfig, variable: str, url: Callable[[Resources], pulumi.Input[str]]
) -> dict[str, ResourceName]:
    return {variable: ResourceName(longest=_QUEUE_URL, value=url)} if config.video.enabled else {}


def _with_cdn(config: StackConfig, *, removes: bool = True) -> dict[str, ResourceName]:
    """Return the address of the distribution, if there is one, and its id for a function that removes renditions."""
    if not config.delivery.cdn:
        return {}
    address = {"CDN_ADDRESS": ResourceName(longest=261, value=lambda on: on.distribution.address)}
    if not removes:
        return address
    return {
        **address,
        "CDN_DISTRIBUTION": ResourceName(longest=32, value=lambda on: on.distribution.distribution.id),
    }


def _required(value: int | None) -> int:
    """Return a key's value that only an enabled part has; config_checks asks for it there."""
    if value is None:
        raise ValueError("a part is enabled without the keys that it needs: config_checks prevents that")
    return value


def _dead_letter_queues(config: StackConfig) -> list[Polling]:
    """One function for all dead letters: a message says by its source which queue it came from.

    Not bounded: it is done with a letter in a moment, and its queues are empty as long as all is well.
    """
    images = Polling(
        mapping="dead-letters",
        queue=lambda on: on.images.dead_letters,
    )
    videos = Polling(
        mapping="dead-letters-videos",
        queue=lambda on: on.video_queue.dead_letters,
    )
    return [images, videos] if config.video.enabled else [images]


PROCESS_IMAGE = FunctionSpec(
    name="process-image",
    purpose="checks and renders pictures; hands videos over to process-video",
    memory=lambda config: config.memory.image,
    timeout=lambda config: config.timeout.image,
    settings=environment.image_settings,
    names=lambda config: {
        **_worker_names(lambda on: on.images.queue.url),
        **_with_videos(config, "VIDEOS_QUEUE_URL", lambda on: on.video_queue.queue.url),
        **_with_cdn(config),
    },
    permissions=permissions.process_image,
    polls=lambda _: [
        Polling(
            mapping="process-image",
            queue=lambda on: on.images.queue,
            concurrency=lambda config: config.concurrency.image,
        )
    ],
    after_error=_RETRIED,
)
PROCESS_VIDEO = FunctionSpec(
    name="process-video",
    purpose="checks and renders videos",
    is_deployed=lambda config: config.video.enabled,
    memory=lambda config: _required(config.memory.video),
    timeout=lambda config: _required(config.timeout.video),
    settings=environment.video_settings,
    names=lambda config: {
        **_worker_names(lambda on: on.video_queue.queue.url),
        **_with_cdn(config),
    },
    permissions=permissions.process_video,
    polls=lambda _: [
        Polling(
            mapping="process-video",
            queue=lambda on: on.video_queue.queue,
            concurrency=lambda config: _required(config.concurrency.video),
        )
    ],
    layers=("image", "video"),
    ephemeral=lambda config: ephemeral_megabytes(_required(config.limits.video_bytes)),
    after_error=_RETRIED,
)
DEAD_LETTERS = FunctionSpec(
    name="dead-letters",
    purpose="records as FAILED what no attempt could finish",
    memory=lambda _: 256,  # writes records, decodes nothing
    timeout=lambda _: 60,
    settings=environment.dead_letters_settings,
    names=lambda config: {
        **_worker_names(lambda on: on.images.dead_letters.url),
        **_with_videos(config, "VIDEOS_DEAD_LETTERS_URL", lambda on: on.video_queue.dead_letters.url),
        **_with_cdn(config),
    },
    permissions=permissions.dead_letters,
    polls=_dead_letter_queues,
    after_error=_RETRIED,
)
LOG_NOTIFICATION = FunctionSpec(
    name="log-notification",
    purpose="writes one log line for each outcome that is announced",
    memory=lambda _: 256,  # writes a line
    timeout=lambda _: 30,
    permissions=permissions.log_notification,
    subscribes=True,
    after_error="Lambda invokes it twice more; then the announcement is a dead letter. The outcome is in its "
    "record in any case.",
    after_throttle="Lambda tries again for six hours.",
)
UPLOAD_API = FunctionSpec(
    name="upload-api",
    purpose="answers the requests of the upload API",
    is_deployed=lambda config: config.api.enabled,
    memory=lambda _: 512,  # decodes nothing; more memory is more processor for a cold start
    timeout=lambda _: API_GATEWAY_TIMEOUT,
    settings=environment.api_settings,
    names=lambda config: {
        "UPLOADS_BUCKET": _UPLOADS_BUCKET,
        "RENDITIONS_BUCKET": _RENDITIONS_BUCKET,
        "RECORDS_TABLE": _RECORDS_TABLE,
        # Not a name, but known only once its resource exists, as names are (docs/adr/0031).
        "UPLOAD_ID_SECRET": ResourceName(longest=_API_KEY_VALUE, value=lambda on: on.id_secret),
        **_with_cdn(config, removes=False),
    },
    permissions=permissions.upload_api,
    after_error="The client got a 5xx; with an Idempotency-Key it can repeat its upload safely.",
    after_throttle="The client got an answer that asks it to try again later.",
)
RECONCILE = FunctionSpec(
    name="reconcile",
    purpose="compares buckets and records once a day, and repairs what differs",
    is_deployed=lambda config: config.reconcile == "daily",
    schedule="rate(1 day)",
    settings=environment.reconcile_settings,
    memory=lambda _: 1024,  # holds a window of a listing, and parses the table with more than half a vCPU
    timeout=lambda _: bounds.LAMBDA_TIMEOUT_SECONDS[
        1
    ],  # what it cannot look at in time, it does the next day
    names=lambda config: {
        "UPLOADS_BUCKET": _UPLOADS_BUCKET,
        "RENDITIONS_BUCKET": _RENDITIONS_BUCKET,
        "QUARANTINE_BUCKET": _QUARANTINE_BUCKET,
        "RECORDS_TABLE": _RECORDS_TABLE,
        "IMAGES_QUEUE_URL": ResourceName(longest=_QUEUE_URL, value=lambda on: on.images.queue.url),
        **_with_cdn(config),
    },
    permissions=permissions.reconcile,
    after_error="Lambda invokes it twice more, and the schedule the next day; it continues where it was.",
    after_throttle="Lambda tries again for six hours.",
)
REVIEW_API = FunctionSpec(
    name="review-api",
    purpose="serves the console to reviewers, and records what they decide",
    is_deployed=lambda config: config.review.console,
    memory=lambda _: 512,  # decodes nothing; more memory is more processor for a cold start
    timeout=lambda _: API_GATEWAY_TIMEOUT,
    settings=environment.console_settings,
    names=lambda _: {
        "UPLOADS_BUCKET": _UPLOADS_BUCKET,
        "QUARANTINE_BUCKET": _QUARANTINE_BUCKET,
        "LOGS_BUCKET": ResourceName(longest=63, value=lambda on: on.storage.buckets["logs"].bucket.bucket),
        "RECORDS_TABLE": _RECORDS_TABLE,
        "IMAGES_QUEUE_URL": ResourceName(longest=_QUEUE_URL, value=lambda on: on.images.queue.url),
    },
    permissions=permissions.review_api,
    is_watched=False,
    after_error="The reviewer got an error and can try again; a decision that was recorded is carried out.",
    after_throttle="The reviewer got an answer that asks them to try again.",
)
MEDIA_WORKERS = (PROCESS_IMAGE, PROCESS_VIDEO)
FUNCTIONS = (PROCESS_IMAGE, PROCESS_VIDEO, DEAD_LETTERS, LOG_NOTIFICATION, UPLOAD_API, RECONCILE, REVIEW_API)
