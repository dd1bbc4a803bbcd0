"""Entry point of the upload API's function, behind API Gateway: answers one request."""

import os
import time

from media_pipeline.api.routes import Api
from media_pipeline.bootstrap import clients
from media_pipeline.bootstrap.api import api
from media_pipeline.observability import Observability
from media_pipeline.settings.api import ApiSettings
from media_pipeline.settings.variables import Variables


def _build() -> Api:
    timeout = Variables(os.environ).seconds("TIMEOUT")
    settings = ApiSettings.from_environment(os.environ)
    observability = Observability(tracing=settings.tracing)
    s3, dynamodb = clients.signing_s3(timeout), clients.dynamodb(timeout)
    without_retries = clients.signing_s3(timeout, attempts=1)
    return api(settings, s3, dynamodb, observability, time.time, s3_without_retries=without_retries)


handler = _build()  # while Lambda initialises the environment, with a full vCPU whatever the memory
