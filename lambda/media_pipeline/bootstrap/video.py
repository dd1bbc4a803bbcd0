"""Puts the video function together; apart from the others, whose packages have no PyAV."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from media_pipeline.bootstrap.clients import Clients
from media_pipeline.bootstrap.workers import processor_dependencies, processor_worker
from media_pipeline.concurrency import Overlap
from media_pipeline.invocation import Invocation, LambdaContext
from media_pipeline.observability import Observability
from media_pipeline.processing.messages import MessageWorker
from media_pipeline.processing.processor import ObjectProcessor
from media_pipeline.processing.video import VideoProcessor
from media_pipeline.settings.functions import VideoSettings

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

LONGEST_CLIENT_TIMEOUT = 240.0
"""Seconds of time-out that the clients are made for, however long the function may run."""


def client_timeout(timeout: float) -> float:
    """Return the time-out that the clients of a function with `timeout` seconds are made for, in seconds."""
    return min(timeout, LONGEST_CLIENT_TIMEOUT)


def video_worker(
    settings: VideoSettings,
    clients: Clients,
    rekognition: "RekognitionClient",
    observability: Observability,
    clock: Callable[[], float],
    timeout: float,
    overlap: Callable[[], Overlap] | None = None,
) -> MessageWorker:
    """Assemble the video function; `timeout` in seconds is what `clients` were made for; `overlap` as of images."""
    dependencies = processor_dependencies(settings, clients, rekognition, observability, clock, overlap)
    describe: Callable[[LambdaContext], Invocation] = partial(Invocation.of, client_timeout=timeout)
    processor = ObjectProcessor(dependencies, VideoProcessor(settings))
    return processor_worker(processor, settings, clients, observability, describe, clock=clock)
