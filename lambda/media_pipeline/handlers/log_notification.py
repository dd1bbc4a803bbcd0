"""Entry point of the function that logs every announced outcome, subscribed to the events topic."""

import os
from typing import Any

from media_pipeline.invocation import LambdaContext
from media_pipeline.messaging.notifications import NotificationLog
from media_pipeline.observability import Observability
from media_pipeline.settings.variables import Variables

_log: NotificationLog | None = None


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Log the announcements of one SNS event; what is none of ours goes to the function's dead letters."""
    global _log
    if _log is None:
        _log = NotificationLog(Observability(tracing=Variables(os.environ).boolean("TRACING")))
    _log(event, context)
