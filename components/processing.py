"""MediaProcessing: from an S3 event to a terminal record - layers, queues, and the functions that poll them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import function_specs
from components.alarms import AlarmArgs, Metric, alarm
from components.alerting import MediaAlerting
from components.config_model import StackConfig
from components.delivery import MediaDelivery
from components.function import Platform, PythonFunction, PythonFunctionArgs
from components.function_specs import DEAD_LETTERS, PROCESS_IMAGE, PROCESS_VIDEO, FunctionSpec, Polling
from components.naming import Account, component_type
from components.packaging import Package, StackPackages
from components.queue import WorkQueue, WorkQueueArgs
from components.resources import Resources
from components.storage import MediaStorage

UPLOAD_EVENTS = (
    "s3:ObjectCreated:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
)  # not lifecycle expiry: results outlive originals
BATCH_SIZE = 1  # a function that is killed ends its whole batch: no other object may suffer for a hostile one
LONG_PERCENT = 70  # of the time-out; beyond it, one slow minute of S3 or Rekognition ends in a time-out


@dataclass(frozen=True, kw_only=True)
class MediaProcessingArgs:
    """What the functions work on and announce to, and the packages that they run."""

    account: Account
    config: StackConfig
    storage: MediaStorage
    alerting: MediaAlerting
    packages: StackPackages
    delivery: MediaDelivery | None = None


class MediaProcessing(pulumi.ComponentResource):
    """The uploads bucket's events in queues, and every function of `function_specs` that polls a queue.

    process-image takes the images queue and hands videos over to process-video; dead-letters records what both gave
    up on. Where `video.enabled` is false there is nothing for videos.
    """

    platform: Platform
    resources: Resources
    functions: Mapping[str, PythonFunction]
    """By the name of its spec."""

    def __init__(
        self, name: str, args: MediaProcessingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("MediaProcessing"), name, {}, opts)
        self._args = args
        self.resources = self._queues(name)
        self.platform = self._platform(name)
        self.functions = {
            spec.name: self._polling_function(name, spec, polls)
            for spec in function_specs.deployed(args.config)
            if (polls := spec.polls(args.config))
        }
        if args.config.video.enabled:
            self._watch_duration(name, PROCESS_VIDEO)
        images = self.resources.images
        aws.s3.BucketNotification(
            f"{name}-uploads-events",
            bucket=args.storage.uploads.bucket.bucket,
            queues=[
                aws.s3.BucketNotificationQueueArgs(
                    id="images", queue_arn=images.queue.arn, events=list(UPLOAD_EVENTS)
                )
            ],
            # S3 sends a test message when the notification is set up, so the queue must accept it by then. Before
            # versioning is enabled an event would have no version.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[images.policy, *args.storage.uploads.versioning]
            ),
        )
        self.register_outputs(
            {
                "process_image": self.functions[PROCESS_IMAGE.name].function.name,
                "dead_letters": self.functions[DEAD_LETTERS.name].function.name,
                "images_queue_url": images.queue.url,
                "images_dead_letters_url": images.dead_letters.url,
            }
        )

    def _queues(self, name: str) -> Resources:
        args, config = self._args, self._args.config
        uploads = args.storage.uploads.bucket
        return Resources(
            storage=args.storage,
            events=args.alerting.events,
            images=self._queue(f"{name}-images", PROCESS_IMAGE, source=uploads),
            # Videos have a queue of their own: large and slow, they must not hold up pictures.
            videos=self._queue(f"{name}-videos", PROCESS_VIDEO) if config.video.enabled else None,
            delivery=args.delivery,
        )

    def _platform(self, name: str) -> Platform:
        packages = self._args.packages
        layers = {"image": self._layer(f"{name}-image", packages.image_layer).arn}
        if self._args.config.video.enabled:
            if packages.video_layer is None:
                raise ValueError("video.enabled, but build_stack was not asked for the video layer")
            layers["video"] = self._layer(f"{name}-video", packages.video_layer).arn
        return Platform(
            config=self._args.config,
            code=pulumi.FileArchive(str(packages.code.path)),
            layers=layers,
            alarm_topic=self._args.alerting.alarm_topic,
        )

    def _polling_function(self, name: str, spec: FunctionSpec, polls: Sequence[Polling]) -> PythonFunction:
        function = PythonFunction(
            f"{name}-{spec.name}",
            PythonFunctionArgs(spec=spec, platform=self.platform, resources=self.resources),
            pulumi.ResourceOptions(parent=self),
        )
        for poll in polls:
            aws.lambda_.EventSourceMapping(
                f"{name}-{poll.mapping}-mapping",
                event_source_arn=poll.queue(self.resources).arn,
                function_name=function.function.arn,
                batch_size=BATCH_SIZE,
                function_response_types=["ReportBatchItemFailures"],
                # Bounded here, not by reserved concurrency: each throttled invocation would count as a receive,
                # until its message is a dead letter.
                scaling_config=(
                    aws.lambda_.EventSourceMappingScalingConfigArgs(
                        maximum_concurrency=poll.concurrency(self._args.config)
                    )
                    if poll.concurrency
                    else None
                ),
                # Lambda takes one mapping for a queue and a function: while there is none, messages wait.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        return function

    def _watch_duration(self, name: str, spec: FunctionSpec) -> None:
        alarm(
            f"{name}-{spec.name}-duration",
            AlarmArgs(
                meaning=f"{spec.name} took more than {LONG_PERCENT} % of its time-out for one video in 20.",
                remedy="Raise `timeout.video` or `memory.video` (more memory is more processor), or lower "
                "`limits.videoSeconds` or `video.height`. What cannot be finished is rejected as too_long.",
                metrics={
                    "duration": Metric(
                        namespace="AWS/Lambda",
                        name="Duration",
                        dimensions={"FunctionName": self.functions[spec.name].function.name},
                        statistic="p95",
                    )
                },
                threshold=spec.timeout(self._args.config) * 1000 * LONG_PERCENT // 100,
                periods=3,
                topic=self._args.alerting.alarm_topic,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _queue(self, name: str, consumer: FunctionSpec, source: aws.s3.Bucket | None = None) -> WorkQueue:
        config = self._args.config
        return WorkQueue(
            name,
            WorkQueueArgs(
                account=self._args.account,
                timeout=consumer.timeout(config),
                dead_letters_timeout=DEAD_LETTERS.timeout(config),
                alarm_topic=self._args.alerting.alarm_topic,
                source=source,
                key_arn=config.encryption.key_arn,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _layer(self, name: str, package: Package) -> aws.lambda_.LayerVersion:
        config = self._args.config
        return aws.lambda_.LayerVersion(
            f"{name}-layer",
            layer_name=name,
            code=pulumi.FileArchive(str(package.path)),
            compatible_runtimes=[config.runtime],
            compatible_architectures=[config.architecture],
            # A replaced version is deleted; functions that use it keep it (Lambda Developer Guide, "Deleting a
            # layer version"). So `destroy` leaves nothing behind.
            skip_destroy=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
