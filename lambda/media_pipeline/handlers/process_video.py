"""Entry point of the video function, fed by the videos queue.

Processes a batch of S3 event notifications of videos; the answer names the messages that come back.
"""

import os
import time

from media_pipeline.bootstrap.clients import Clients, rekognition
from media_pipeline.bootstrap.lazy import Worker, built_on_first_call
from media_pipeline.bootstrap.video import client_timeout, video_worker
from media_pipeline.observability import Observability
from media_pipeline.settings.functions import VideoSettings


def _build(timeout: float) -> Worker:
    settings = VideoSettings.from_environment(os.environ)
    seconds = client_timeout(timeout)
    clients = Clients.create(seconds)
    observability = Observability(tracing=settings.tracing)
    return video_worker(settings, clients, rekognition(seconds), observability, time.time, seconds)


handler = built_on_first_call(_build)
