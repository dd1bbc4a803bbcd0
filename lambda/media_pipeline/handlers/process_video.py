"""Entry point of the video function, fed by the videos queue."""

import os
import time
from typing import Any

from media_pipeline.bootstrap.clients import Clients, rekognition
from media_pipeline.bootstrap.video import calm, video_worker
from media_pipeline.invocation import LambdaContext
from media_pipeline.observability import Observability
from media_pipeline.processing.messages import MessageWorker
from media_pipeline.settings.functions import VideoSettings

_worker: MessageWorker | None = None


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Process a batch of S3 event notifications of videos; the answer names the messages that come back."""
    global _worker
    if _worker is None:
        settings = VideoSettings.from_environment(os.environ)
        timeout = calm(context.get_remaining_time_in_millis() / 1000)
        observability = Observability(tracing=settings.tracing)
        clients = Clients.create(timeout)
        _worker = video_worker(settings, clients, rekognition(timeout), observability, time.time, timeout)
    return _worker(event, context)
