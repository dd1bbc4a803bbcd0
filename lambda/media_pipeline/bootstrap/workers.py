"""Puts each function together; everything it depends on is passed in."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from media_pipeline.bootstrap.clients import Clients, edge_of
from media_pipeline.concurrency import Overlap, Threads
from media_pipeline.errors import UnknownMessageError
from media_pipeline.handover import VideosQueue
from media_pipeline.invocation import Invocation, LambdaContext
from media_pipeline.messaging.announcements import Announcements
from media_pipeline.messaging.emails import StackResources
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.observability import Observability
from media_pipeline.processing.dead_letters import DeadLetters
from media_pipeline.processing.dependencies import Dependencies
from media_pipeline.processing.image import ImageProcessor
from media_pipeline.processing.known_content import KnownContent
from media_pipeline.processing.messages import MessageWorker
from media_pipeline.processing.outcomes import Outcomes
from media_pipeline.processing.processor import ObjectProcessor
from media_pipeline.processing.single_uploads import SingleUploads
from media_pipeline.records.answer_cache import AnswerCache
from media_pipeline.records.budget import JudgingBudget
from media_pipeline.records.hash_list import HashListReader
from media_pipeline.records.table import Records
from media_pipeline.settings.functions import ImageSettings, Settings
from media_pipeline.storage import Storage

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient


class Services:
    """What every function that works on records uses. `clock` gives epoch seconds."""

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
            buckets=settings.buckets,
            large_copies=clients.large_copies,
            edge=edge_of(clients, settings.cdn_distribution, settings.cdn_address),
        )
        self.outcomes = Outcomes(
            records=self.records,
            storage=self.storage,
            announcements=Announcements(
                sns=clients.sns,
                topic_arn=settings.events_topic_arn,
                resources=StackResources(
                    stack=settings.stack,
                    buckets=settings.buckets,
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
    overlap: Callable[[], Overlap] | None = None,
) -> MessageWorker:
    """Assemble the image function; `overlap` makes what makes several calls at once, by default in threads."""
    dependencies = processor_dependencies(settings, clients, rekognition, observability, clock, overlap)
    url = settings.videos_queue_url
    media = ImageProcessor(settings, videos=VideosQueue(sqs=clients.sqs, url=url) if url else None)
    return processor_worker(
        ObjectProcessor(dependencies, media), settings, clients, observability, clock=clock
    )


def processor_dependencies(
    settings: ImageSettings,
    clients: Clients,
    rekognition: "RekognitionClient",
    observability: Observability,
    clock: Callable[[], float],
    overlap: Callable[[], Overlap] | None = None,
) -> Dependencies:
    """Assemble what an object processor works with."""
    services = Services(settings, clients, observability, clock)
    cache = None
    if settings.cache_days:
        cache = AnswerCache(
            dynamodb=clients.dynamodb,
            table=settings.records_table,
            clock=clock,
            days=settings.cache_days,
            on_error=observability.answer_cache_failed,
        )
    budget = None
    if settings.judged_per_day:
        budget = JudgingBudget(
            clients.dynamodb,
            settings.records_table,
            clock,
            settings.judged_per_day,
            unrepeated=clients.unrepeated_dynamodb,
        )
    lists = HashListReader(dynamodb=clients.dynamodb, table=settings.records_table, clock=clock)
    return Dependencies(
        settings=settings,
        records=services.records,
        storage=services.storage,
        moderator=Moderator(rekognition=rekognition, policy=settings.policy),
        answer_cache=cache,
        budget=budget,
        known=KnownContent(lists, like=settings.lists_like),
        outcomes=services.outcomes,
        observability=observability,
        clock=clock,
        overlap=overlap or partial(Threads, observability.carried),
    )


def processor_worker(
    processor: ObjectProcessor[Any],
    settings: Settings,
    clients: Clients,
    observability: Observability,
    describe: Callable[[LambdaContext], Invocation] = Invocation.of,
    *,
    clock: Callable[[], float],
) -> MessageWorker:
    """Assemble a function that processes each event of its queue."""

    def unknown(_: str, error: UnknownMessageError) -> None:
        raise error  # on to the dead letters, which keep its text

    return MessageWorker(
        handle=processor.handle,
        unknown=unknown,
        sqs=clients.sqs,
        queue_urls=[settings.queue_url],
        uploads_bucket=settings.buckets.uploads,
        observability=observability,
        describe=describe,
        clock=clock,
    )


def dead_letters_worker(
    settings: Settings, clients: Clients, observability: Observability, clock: Callable[[], float]
) -> MessageWorker:
    """Assemble the function that drains the dead letters of the images queue and of the videos queue."""
    services = Services(settings, clients, observability, clock)
    letters = DeadLetters(
        records=services.records,
        outcomes=services.outcomes,
        single_uploads=SingleUploads(
            prefix=settings.uploads_prefix, records=services.records, storage=services.storage
        ),
        observability=observability,
    )
    return MessageWorker(
        handle=letters.handle,
        unknown=letters.unknown,
        sqs=clients.sqs,
        queue_urls=[url for url in (settings.queue_url, settings.videos_dead_letters_url) if url],
        uploads_bucket=settings.buckets.uploads,
        observability=observability,
        clock=clock,
    )
