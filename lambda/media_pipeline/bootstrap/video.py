"""How the parts of the video function are put together: apart from the others, which have no PyAV."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from media_pipeline.bootstrap.clients import Clients
from media_pipeline.bootstrap.workers import story_tools, story_worker
from media_pipeline.invocation import Invocation, LambdaContext
from media_pipeline.observability import Observability
from media_pipeline.processing.messages import MessageWorker
from media_pipeline.processing.video import VideoPipeline
from media_pipeline.settings.functions import VideoSettings

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

CALM = 240.0
"""Seconds of time-out that the clients are made for, however long the function may run (`Invocation.calm`)."""


def calm(timeout: float) -> float:
    """For which time-out the clients are made, in a function that has `timeout` seconds."""
    return min(timeout, CALM)


def video_worker(
    settings: VideoSettings,
    clients: Clients,
    rekognition: "RekognitionClient",
    observability: Observability,
    clock: Callable[[], float],
    timeout: float,
) -> MessageWorker:
    """Assemble the video function; `timeout` in seconds is what `clients` were made for."""
    tools = story_tools(settings, clients, rekognition, observability, clock)
    describe: Callable[[LambdaContext], Invocation] = partial(Invocation.of, calm=timeout)
    return story_worker(VideoPipeline(tools, settings), settings, clients, observability, describe)
