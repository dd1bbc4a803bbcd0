"""Entry point of the image function, fed by the images queue.

Processes a batch of S3 event notifications; the answer names the messages that come back.
"""

import os
import time

from media_pipeline.bootstrap.clients import Clients, rekognition
from media_pipeline.bootstrap.lazy import Worker, built_on_first_call
from media_pipeline.bootstrap.workers import image_worker
from media_pipeline.observability import Observability
from media_pipeline.settings.functions import ImageSettings


def _build(timeout: float) -> Worker:
    settings = ImageSettings.from_environment(os.environ)
    observability = Observability(tracing=settings.tracing)
    return image_worker(settings, Clients.create(timeout), rekognition(timeout), observability, time.time)


handler = built_on_first_call(_build)
