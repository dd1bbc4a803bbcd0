"""Entry point of the video function, fed by the videos queue.

Processes a batch of S3 event notifications of videos; the answer names the messages that come back.
"""

import os
import time

from media_pipeline.bootstrap.clients import Clients, rekognition
from media_pipeline.bootstrap.video import client_timeout, video_worker
from media_pipeline.observability import Observability
from media_pipeline.processing.messages import MessageWorker
from media_pipeline.settings.functions import VideoSettings
from media_pipeline.settings.variables import Variables


def _build() -> MessageWorker:
    settings = VideoSettings.from_environment(os.environ)
    seconds = client_timeout(Variables(os.environ).seconds("TIMEOUT"))
    clients = Clients.create(seconds)
    observability = Observability(tracing=settings.tracing)
    judge = rekognition(seconds, observability.pictures_judged)
    return video_worker(settings, clients, judge, observability, time.time, seconds)


handler = _build()  # while Lambda initialises the environment, with a full vCPU whatever the memory
