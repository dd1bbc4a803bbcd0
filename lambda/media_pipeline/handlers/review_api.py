"""Entry point of the console's function, behind API Gateway: answers one request of a signed-in person."""

import os
import time

from media_pipeline.bootstrap import clients
from media_pipeline.bootstrap.reviews import console
from media_pipeline.observability import Observability
from media_pipeline.reviews.hosted import HostedConsole
from media_pipeline.settings.reviews import ReviewSettings
from media_pipeline.settings.variables import Variables


def _build() -> HostedConsole:
    timeout = Variables(os.environ).seconds("TIMEOUT")
    settings = ReviewSettings.from_environment(os.environ)
    observability = Observability(tracing=settings.tracing)
    s3, dynamodb, sqs = clients.signing_s3(timeout), clients.dynamodb(timeout), clients.sqs(timeout)
    return console(settings, s3, dynamodb, sqs, observability, time.time)


handler = _build()  # while Lambda initialises the environment, with a full vCPU whatever the memory
