"""What a simulated function gets: the event with one SQS message, and the settings of its deployment."""

from typing import Any

from media_pipeline.images.inspection import Limits
from media_pipeline.images.renditions import Size, Specs
from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.moderation.policy import Policy
from media_pipeline.moderation.samples import Samples
from media_pipeline.settings.functions import ImageSettings, VideoSettings
from tests.faults.configurations import Deployment
from tests.faults.sample_uploads import SIDE
from tests.faults.simulated_queues import Delivery, Queue
from tests.faults.simulated_stack import API_PREFIX, TABLE
from tests.fixtures.storage import BUCKETS


def event_of(delivery: Delivery) -> dict[str, Any]:
    """Return the event that Lambda passes for an SQS queue, with one message."""
    return {
        "Records": [
            {
                "messageId": str(delivery.message.number),
                "receiptHandle": delivery.receipt,
                "body": delivery.message.body,
                "attributes": {
                    "ApproximateReceiveCount": str(delivery.receives),
                    "SentTimestamp": str(int(delivery.message.sent_at * 1000)),
                },
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:eu-west-1:123456789012:{delivery.queue}",
            }
        ]
    }


def settings_of(
    deployment: Deployment, retention_days: int, topic: str, queues: dict[str, Queue], function: str
) -> ImageSettings:
    """Return what a function of a deployment reads from its environment."""
    settings = ImageSettings(
        stack="faults",
        buckets=BUCKETS,
        records_table=TABLE,
        events_topic_arn=topic,
        queue_url=queues[function].url,
        uploads_prefix=API_PREFIX,
        videos_queue_url=queues["process-video"].url if deployment.videos else None,
        records_retention_days=max(deployment.retention_days, retention_days),
        tracing=False,
        cdn_distribution="E1" if deployment.cdn else None,
        cdn_address="https://d1.cloudfront.net" if deployment.cdn else None,
        specs=Specs(
            sizes=tuple(Size.parse(name, edge) for name, edge in deployment.sizes.items()),
            formats=deployment.formats,
            quality={"jpeg": 85, "webp": 80},
            grayscale=False,
            transparency="keep",  # one kind of sample shows a weapon over black only
        ),
        policy=Policy.parse(deployment.moderation),
        cache_days=deployment.cache_days,
        approvals=ApprovalRule.parse({"default": deployment.persons}),
        samples=Samples(allowed=deployment.checked, second_look=deployment.second_look),
        judged_per_day=deployment.judged_per_day,
        limits=Limits(bytes=deployment.bytes, pixels=deployment.pixels, frames=deployment.frames),
    )
    if function != "process-video":
        return settings
    return VideoSettings(
        **vars(settings),
        height=SIDE,
        moderation_frames=deployment.frames_of_videos,
        video_bytes=deployment.bytes,
        video_seconds=60,
        video_memory=900_000_000,
    )
