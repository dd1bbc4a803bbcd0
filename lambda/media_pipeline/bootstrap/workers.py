"""How the parts of each function are put together: everything it depends on is passed in."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from media_pipeline.bootstrap.clients import Clients
from media_pipeline.errors import UnknownMessageError
from media_pipeline.handover import VideosQueue
from media_pipeline.invocation import Invocation, LambdaContext
from media_pipeline.messaging.announcements import Announcements
from media_pipeline.messaging.emails import Places
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.observability import Observability
from media_pipeline.processing.dead_letters import DeadLetters
from media_pipeline.processing.image import Pipeline
from media_pipeline.processing.messages import MessageWorker
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.processing.processor import Story, Tools
from media_pipeline.records.table import Records
from media_pipeline.settings.functions import ImageSettings, Settings
from media_pipeline.storage import Storage

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient


class Parts:
    """What every function of the stack is made of. `clock` gives epoch seconds."""

    def __init__(
        self, settings: Settings, clients: Clients, observability: Observability, clock: Callable[[], float]
    ) -> None:
        self.records = Records(
            dynamodb=clients.dynamodb,
            table=settings.records_table,
            clock=clock,
            retention_days=settings.records_retention_days,
        )
        self.storage = Storage(
            s3=clients.s3,
            uploads=settings.uploads_bucket,
            renditions=settings.renditions_bucket,
            quarantine=settings.quarantine_bucket,
        )
        self.outcomes = Outcomes(
            records=self.records,
            storage=self.storage,
            announcements=Announcements(
                sns=clients.sns,
                topic_arn=settings.events_topic_arn,
                places=Places(
                    stack=settings.stack,
                    quarantine_bucket=settings.quarantine_bucket,
                    renditions_bucket=settings.renditions_bucket,
                    records_table=settings.records_table,
                ),
            ),
            observability=observability,
            clock=clock,
        )


def image_worker(
    settings: ImageSettings,
    clients: Clients,
    rekognition: "RekognitionClient",
    observability: Observability,
    clock: Callable[[], float],
) -> MessageWorker:
    """Assemble the image function."""
    tools = story_tools(settings, clients, rekognition, observability, clock)
    url = settings.videos_queue_url
    pipeline = Pipeline(tools, videos=VideosQueue(sqs=clients.sqs, url=url) if url else None)
    return story_worker(pipeline, settings, clients, observability)


def story_tools(
    settings: ImageSettings,
    clients: Clients,
    rekognition: "RekognitionClient",
    observability: Observability,
    clock: Callable[[], float],
) -> Tools:
    """Assemble what a story is told with."""
    parts = Parts(settings, clients, observability, clock)
    return Tools(
        settings=settings,
        records=parts.records,
        storage=parts.storage,
        moderator=Moderator(rekognition=rekognition, policy=settings.policy),
        outcomes=parts.outcomes,
        observability=observability,
        clock=clock,
    )


def story_worker(
    story: Story,
    settings: Settings,
    clients: Clients,
    observability: Observability,
    describe: Callable[[LambdaContext], Invocation] = Invocation.of,
) -> MessageWorker:
    """Assemble a function that tells a story for each event of its queue."""

    def unknown(_: str, error: UnknownMessageError) -> None:
        raise error  # on to the dead letters, which keep its text

    return MessageWorker(
        handle=story.handle,
        unknown=unknown,
        sqs=clients.sqs,
        queue_urls=[settings.queue_url],
        uploads_bucket=settings.uploads_bucket,
        observability=observability,
        describe=describe,
    )


def dead_letters_worker(
    settings: Settings, clients: Clients, observability: Observability, clock: Callable[[], float]
) -> MessageWorker:
    """Assemble the function that drains the dead letters of the images queue and of the videos queue."""
    parts = Parts(settings, clients, observability, clock)
    letters = DeadLetters(records=parts.records, outcomes=parts.outcomes, observability=observability)
    return MessageWorker(
        handle=letters.handle,
        unknown=letters.unknown,
        sqs=clients.sqs,
        queue_urls=[url for url in (settings.queue_url, settings.videos_dead_letters_url) if url],
        uploads_bucket=settings.uploads_bucket,
        observability=observability,
    )
