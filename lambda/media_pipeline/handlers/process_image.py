"""Entry point of the image function, fed by the images queue.

Processes a batch of S3 event notifications; the answer names the messages that come back.
"""

import os
import time

from media_pipeline.bootstrap.clients import Clients, rekognition
from media_pipeline.bootstrap.workers import image_worker
from media_pipeline.observability import Observability
from media_pipeline.processing.messages import MessageWorker
from media_pipeline.settings.functions import ImageSettings
from media_pipeline.settings.variables import Variables


def _build() -> MessageWorker:
    timeout = Variables(os.environ).seconds("TIMEOUT")
    settings = ImageSettings.from_environment(os.environ)
    observability = Observability(tracing=settings.tracing)
    judge = rekognition(timeout, observability.pictures_judged)
    return image_worker(settings, Clients.create(timeout), judge, observability, time.time)


handler = _build()  # while Lambda initialises the environment, with a full vCPU whatever the memory
