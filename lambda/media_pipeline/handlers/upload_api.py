"""Entry point of the upload API's function, behind API Gateway: answers one request."""

import os
import time
from functools import partial

from media_pipeline.bootstrap import clients
from media_pipeline.bootstrap.api import api
from media_pipeline.bootstrap.lazy import Worker, built_on_first_call
from media_pipeline.observability import Observability
from media_pipeline.settings.api import ApiSettings


def _build(timeout: float) -> Worker:
    settings = ApiSettings.from_environment(os.environ)
    observability = Observability(tracing=settings.tracing)
    s3, dynamodb = clients.signing_s3(timeout), clients.dynamodb(timeout)
    without_retries = partial(clients.signing_s3, timeout, attempts=1)
    return api(settings, s3, dynamodb, observability, time.time, s3_without_retries=without_retries)


handler = built_on_first_call(_build)
