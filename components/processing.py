"""MediaProcessing: from an S3 event to a terminal record - layers, queues, functions and what feeds them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import bounds, environment, permissions
from components.alarms import AlarmArgs, Metric, alarm
from components.alerting import MediaAlerting
from components.config_model import StackConfig
from components.function import Platform, PythonFunction, PythonFunctionArgs
from components.iam import Statement
from components.naming import Account, component_type
from components.packaging import Package, StackPackages
from components.queue import WorkQueue, WorkQueueArgs
from components.storage import MediaStorage

UPLOAD_EVENTS = (
    "s3:ObjectCreated:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
)  # not lifecycle expiry: results outlive originals
BATCH_SIZE = 1  # a kill ends the whole batch: no neighbour may suffer for a poisonous object
MEBIBYTE = 1024**2
LONG_PERCENT = 70  # of the time-out: from there on a slow minute of S3 or Rekognition ends in a kill
AFTER_ERROR = (
    "The message comes back by itself; after four unfinished attempts its object is rejected as "
    "resource_exhausted."
)


@dataclass(frozen=True, kw_only=True)
class MediaProcessingArgs:
    """What the functions work on and tell, and the packages that they run."""

    account: Account
    config: StackConfig
    storage: MediaStorage
    alerting: MediaAlerting
    packages: StackPackages


class MediaProcessing(pulumi.ComponentResource):
    """process-image, fed by the uploads bucket's events, process-video, which it hands videos to, and
    dead-letters, fed by what both gave up on.

    `videos`, `video_layer` and `process_video` are None where `video.enabled` is false.
    """

    DEAD_LETTERS_MEMORY: ClassVar[int] = 256  # writes records, decodes nothing
    DEAD_LETTERS_TIMEOUT: ClassVar[int] = 60
    DEAD_LETTERS_CONCURRENCY: ClassVar[int] = 2  # the least that a mapping takes

    platform: Platform
    images: WorkQueue
    image_layer: aws.lambda_.LayerVersion
    process_image: PythonFunction
    dead_letters: PythonFunction
    videos: WorkQueue | None = None
    video_layer: aws.lambda_.LayerVersion | None = None
    process_video: PythonFunction | None = None

    def __init__(
        self, name: str, args: MediaProcessingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("MediaProcessing"), name, {}, opts)
        self._args = args
        self._on = permissions.Resources(
            uploads=args.storage.uploads,
            quarantine=args.storage.quarantine,
            renditions=args.storage.renditions,
            records=args.storage.records,
            events=args.alerting.events,
        )
        config = args.config

        self.images = self._queue(f"{name}-images", config.timeout.image, source=args.storage.uploads.bucket)
        self.image_layer = self._layer(f"{name}-image", args.packages.image_layer)
        self.platform = Platform(
            code=pulumi.FileArchive(str(args.packages.code.path)),
            layer=self.image_layer.arn,
            runtime=config.runtime,
            architecture=config.architecture,
            settings=environment.common_settings(config),
            tracing=config.tracing,
            log_retention=config.retention.logs,
            alarms_topic_arn=args.alerting.alarms.arn,
        )
        if config.video.enabled:
            self._process_videos(name)
        self._process_images(name)
        self._drain_dead_letters(name)
        aws.s3.BucketNotification(
            f"{name}-uploads-events",
            bucket=args.storage.uploads.bucket.bucket,
            queues=[
                aws.s3.BucketNotificationQueueArgs(
                    id="images", queue_arn=self.images.queue.arn, events=list(UPLOAD_EVENTS)
                )
            ],
            # S3 tries the queue when it is told of it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.images.policy]),
        )
        self.register_outputs(
            {
                "process_image": self.process_image.function.name,
                "dead_letters": self.dead_letters.function.name,
                "images_queue_url": self.images.queue.url,
                "images_dead_letters_url": self.images.dead_letters.url,
            }
        )

    def _process_images(self, name: str) -> None:
        config, statements = self._args.config, permissions.process_media(self._on, self.images.queue)
        urls: dict[str, pulumi.Input[str]] = {}
        if self.videos:
            statements.append(permissions.hand_over(self.videos.queue))
            urls["VIDEOS_QUEUE_URL"] = self.videos.queue.url
        self.process_image = self._function(
            f"{name}-process-image",
            handler="media_pipeline.handlers.process_image.handler",
            queue=self.images.queue,
            memory=config.memory.image,
            timeout=config.timeout.image,
            settings={**environment.image_settings(config), **urls},
            statements=statements,
        )
        self._feed(f"{name}-process-image", self.images.queue, self.process_image, config.concurrency.image)

    def _process_videos(self, name: str) -> None:
        """Their own queue, layer and function: large, slow, and bounded apart from pictures."""
        config, package = self._args.config, self._args.packages.video_layer
        memory, timeout = config.memory.video, config.timeout.video
        concurrency, limit = config.concurrency.video, config.limits.video_bytes
        if package is None or memory is None or timeout is None or concurrency is None or limit is None:
            raise ValueError("video.enabled without what it needs: config_checks and build_stack prevent it")
        self.videos = self._queue(f"{name}-videos", timeout)
        self.video_layer = self._layer(f"{name}-video", package)
        self.process_video = self._function(
            f"{name}-process-video",
            handler="media_pipeline.handlers.process_video.handler",
            queue=self.videos.queue,
            memory=memory,
            timeout=timeout,
            settings=environment.video_settings(config),
            statements=permissions.process_media(self._on, self.videos.queue),
            more_layers=[self.video_layer.arn],
            ephemeral=ephemeral_megabytes(limit),
        )
        self._feed(f"{name}-process-video", self.videos.queue, self.process_video, concurrency)
        alarm(
            f"{name}-process-video-duration",
            AlarmArgs(
                meaning=f"process-video took more than {LONG_PERCENT} % of its time-out for one video in 20.",
                remedy="Raise `timeout.video` or `memory.video` (more memory is more processor), or lower "
                "`limits.videoSeconds` or `video.height`. What cannot be finished is rejected as too_long.",
                metrics={
                    "duration": Metric(
                        namespace="AWS/Lambda",
                        name="Duration",
                        dimensions={"FunctionName": self.process_video.function.name},
                        statistic="p95",
                    )
                },
                threshold=timeout * 1000 * LONG_PERCENT // 100,
                periods=3,
                topic_arn=self._args.alerting.alarms.arn,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _drain_dead_letters(self, name: str) -> None:
        """One function for all dead letters: a message says by its source which queue it is of."""
        urls: dict[str, pulumi.Input[str]] = {}
        queues = {"dead-letters": self.images.dead_letters}
        if self.videos:
            queues["dead-letters-videos"] = self.videos.dead_letters
            urls["VIDEOS_DEAD_LETTERS_URL"] = self.videos.dead_letters.url
        self.dead_letters = self._function(
            f"{name}-dead-letters",
            handler="media_pipeline.handlers.dead_letters.handler",
            queue=self.images.dead_letters,
            memory=self.DEAD_LETTERS_MEMORY,
            timeout=self.DEAD_LETTERS_TIMEOUT,
            settings=urls,
            statements=permissions.dead_letters(self._on, *queues.values()),
        )
        for what, queue in queues.items():
            self._feed(f"{name}-{what}", queue, self.dead_letters, self.DEAD_LETTERS_CONCURRENCY)

    def _queue(self, name: str, timeout: int, source: aws.s3.Bucket | None = None) -> WorkQueue:
        return WorkQueue(
            name,
            WorkQueueArgs(
                account=self._args.account,
                timeout=timeout,
                dead_letters_timeout=self.DEAD_LETTERS_TIMEOUT,
                alarms_topic_arn=self._args.alerting.alarms.arn,
                source=source,
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
            # Deleted with its successor in place: functions that use a version keep it (Lambda Developer
            # Guide, "Deleting a layer version"), and so `destroy` leaves nothing behind.
            skip_destroy=False,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _function(
        self,
        name: str,
        *,
        handler: str,
        queue: aws.sqs.Queue,
        memory: int,
        timeout: int,
        settings: Mapping[str, pulumi.Input[str]],
        statements: Sequence[Statement],
        more_layers: Sequence[pulumi.Input[str]] = (),
        ephemeral: int = bounds.LAMBDA_EPHEMERAL_MB[0],
    ) -> PythonFunction:
        """One of this component's functions: they share the names of what they use."""
        storage = self._args.storage
        names: dict[str, pulumi.Input[str]] = {
            "UPLOADS_BUCKET": storage.uploads.bucket.bucket,
            "QUARANTINE_BUCKET": storage.quarantine.bucket.bucket,
            "RENDITIONS_BUCKET": storage.renditions.bucket.bucket,
            "RECORDS_TABLE": storage.records.name,
            "EVENTS_TOPIC_ARN": self._args.alerting.events.arn,
            "QUEUE_URL": queue.url,
        }
        return PythonFunction(
            name,
            PythonFunctionArgs(
                platform=self.platform,
                handler=handler,
                memory=memory,
                timeout=timeout,
                environment={**settings, **names},
                permissions=statements,
                after_error=AFTER_ERROR,
                more_layers=more_layers,
                ephemeral=ephemeral,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _feed(self, name: str, queue: aws.sqs.Queue, consumer: PythonFunction, concurrency: int) -> None:
        """Poll `queue` for `consumer`; its concurrency is bounded here, since a throttled function burns
        receives until its messages are dead letters.
        """
        aws.lambda_.EventSourceMapping(
            f"{name}-mapping",
            event_source_arn=queue.arn,
            function_name=consumer.function.arn,
            batch_size=BATCH_SIZE,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=aws.lambda_.EventSourceMappingScalingConfigArgs(maximum_concurrency=concurrency),
            opts=pulumi.ResourceOptions(parent=self),
        )


def ephemeral_megabytes(video_bytes: int) -> int:
    """What /tmp must hold: the largest video, what is made of it, and what every function has."""
    return bounds.LAMBDA_EPHEMERAL_MB[0] + 2 * math.ceil(video_bytes / MEBIBYTE)
