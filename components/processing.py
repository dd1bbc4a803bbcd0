"""MediaProcessing: from an S3 event to a terminal record - layers, queues, functions and what feeds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import environment, permissions
from components.alerting import MediaAlerting
from components.config import StackConfig
from components.function import PythonFunction, PythonFunctionArgs
from components.iam import Statement
from components.naming import Account, component_type
from components.packaging import StackPackages
from components.queue import WorkQueue, WorkQueueArgs
from components.storage import MediaStorage

UPLOAD_EVENTS = (
    "s3:ObjectCreated:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
)  # not lifecycle expiry: results outlive originals
BATCH_SIZE = 1  # a kill ends the whole batch: no neighbour may suffer for a poisonous object


@dataclass(frozen=True, kw_only=True)
class MediaProcessingArgs:
    """What the functions work on and tell, and the packages that they run."""

    account: Account
    config: StackConfig
    storage: MediaStorage
    alerting: MediaAlerting
    packages: StackPackages


class MediaProcessing(pulumi.ComponentResource):
    """process-image, fed by the uploads bucket's events, and dead-letters, fed by what it gave up on."""

    DEAD_LETTERS_MEMORY: ClassVar[int] = 256  # writes records, decodes nothing
    DEAD_LETTERS_TIMEOUT: ClassVar[int] = 60
    DEAD_LETTERS_CONCURRENCY: ClassVar[int] = 2  # the least that a mapping takes

    images: WorkQueue
    image_layer: aws.lambda_.LayerVersion
    process_image: PythonFunction
    dead_letters: PythonFunction

    def __init__(
        self, name: str, args: MediaProcessingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("MediaProcessing"), name, {}, opts)
        self._args = args
        config = args.config

        self.images = WorkQueue(
            f"{name}-images",
            WorkQueueArgs(
                source=args.storage.uploads.bucket,
                account=args.account,
                timeout=config.timeout.image,
                dead_letters_timeout=self.DEAD_LETTERS_TIMEOUT,
                alarms_topic_arn=args.alerting.alarms.arn,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.image_layer = aws.lambda_.LayerVersion(
            f"{name}-image-layer",
            layer_name=f"{name}-image",
            code=pulumi.FileArchive(str(args.packages.image_layer.path)),
            compatible_runtimes=[config.runtime],
            compatible_architectures=[config.architecture],
            # Deleted with its successor in place: functions that use a version keep it (Lambda Developer
            # Guide, "Deleting a layer version"), and so `destroy` leaves nothing behind.
            skip_destroy=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        grants = permissions.Resources(
            uploads=args.storage.uploads,
            quarantine=args.storage.quarantine,
            renditions=args.storage.renditions,
            records=args.storage.records,
            events=args.alerting.events,
        )
        self.process_image = self._function(
            f"{name}-process-image",
            handler="media_pipeline.handlers.process_image.handler",
            queue=self.images.queue,
            memory=config.memory.image,
            timeout=config.timeout.image,
            settings=environment.image_settings(config),
            statements=permissions.process_image(grants, self.images.queue),
        )
        self.dead_letters = self._function(
            f"{name}-dead-letters",
            handler="media_pipeline.handlers.dead_letters.handler",
            queue=self.images.dead_letters,
            memory=self.DEAD_LETTERS_MEMORY,
            timeout=self.DEAD_LETTERS_TIMEOUT,
            settings={},
            statements=permissions.dead_letters(grants, self.images.dead_letters),
        )
        self._feed(f"{name}-process-image", self.images.queue, self.process_image, config.concurrency.image)
        self._feed(
            f"{name}-dead-letters",
            self.images.dead_letters,
            self.dead_letters,
            self.DEAD_LETTERS_CONCURRENCY,
        )
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

    def _function(
        self,
        name: str,
        *,
        handler: str,
        queue: aws.sqs.Queue,
        memory: int,
        timeout: int,
        settings: Mapping[str, str],
        statements: Sequence[Statement],
    ) -> PythonFunction:
        """One of this component's functions: they share packages, runtime and the names of what they use."""
        args, config = self._args, self._args.config
        names: dict[str, pulumi.Input[str]] = {
            "UPLOADS_BUCKET": args.storage.uploads.bucket.bucket,
            "QUARANTINE_BUCKET": args.storage.quarantine.bucket.bucket,
            "RENDITIONS_BUCKET": args.storage.renditions.bucket.bucket,
            "RECORDS_TABLE": args.storage.records.name,
            "EVENTS_TOPIC_ARN": args.alerting.events.arn,
            "QUEUE_URL": queue.url,
        }
        return PythonFunction(
            name,
            PythonFunctionArgs(
                handler=handler,
                code=pulumi.FileArchive(str(args.packages.code.path)),
                layers=[self.image_layer.arn],
                runtime=config.runtime,
                architecture=config.architecture,
                memory=memory,
                timeout=timeout,
                environment={**environment.common_settings(config), **settings, **names},
                permissions=statements,
                tracing=config.tracing,
                log_retention=config.retention.logs,
                alarms_topic_arn=args.alerting.alarms.arn,
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
