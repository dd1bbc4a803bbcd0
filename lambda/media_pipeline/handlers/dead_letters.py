"""Entry point of the function that drains the dead letters of the images and the videos queue."""

import os
import time
from typing import Any

from media_pipeline.bootstrap.clients import Clients
from media_pipeline.bootstrap.workers import dead_letters_worker
from media_pipeline.invocation import LambdaContext
from media_pipeline.observability import Observability
from media_pipeline.processing.messages import MessageWorker
from media_pipeline.settings.functions import Settings

_worker: MessageWorker | None = None


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Give every dead letter its end; the answer names the messages that come back."""
    global _worker
    if _worker is None:
        settings = Settings.from_environment(os.environ)
        timeout = context.get_remaining_time_in_millis() / 1000
        observability = Observability(tracing=settings.tracing)
        _worker = dead_letters_worker(settings, Clients.create(timeout), observability, time.time)
    return _worker(event, context)
