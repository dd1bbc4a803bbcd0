"""Entry point of the function that drains the dead-letter queues of the images and the videos queue.

Ends every dead letter in a record, a delete or a log line; the answer names the messages that come back.
"""

import os
import time

from media_pipeline.bootstrap.clients import Clients
from media_pipeline.bootstrap.workers import dead_letters_worker
from media_pipeline.observability import Observability
from media_pipeline.processing.messages import MessageWorker
from media_pipeline.settings.functions import Settings
from media_pipeline.settings.variables import Variables


def _build() -> MessageWorker:
    timeout = Variables(os.environ).seconds("TIMEOUT")
    settings = Settings.from_environment(os.environ)
    observability = Observability(tracing=settings.tracing)
    return dead_letters_worker(settings, Clients.create(timeout), observability, time.time)


handler = _build()  # while Lambda initialises the environment, with a full vCPU whatever the memory
