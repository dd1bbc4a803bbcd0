"""Entry point of the function that logs every announced outcome, subscribed to the events topic.

Raises for a message that announces no outcome, which then goes to the function's dead-letter queue.
"""

import os

from media_pipeline.messaging.notifications import NotificationLog
from media_pipeline.observability import Observability
from media_pipeline.settings.variables import Variables

# While Lambda initialises the environment, with a full vCPU whatever the memory.
handler = NotificationLog(Observability(tracing=Variables(os.environ).boolean("TRACING")))
