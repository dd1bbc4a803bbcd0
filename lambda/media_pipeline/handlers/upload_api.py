"""Entry point of the upload API's function, behind the gateway."""

import os
import time
from typing import Any

from media_pipeline.api.routes import Api
from media_pipeline.bootstrap import clients
from media_pipeline.bootstrap.api import api
from media_pipeline.invocation import LambdaContext
from media_pipeline.observability import Observability
from media_pipeline.settings.api import ApiSettings

_api: Api | None = None


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    global _api
    if _api is None:
        settings = ApiSettings.from_environment(os.environ)
        timeout = context.get_remaining_time_in_millis() / 1000
        observability = Observability(tracing=settings.tracing)
        s3, dynamodb = clients.signing_s3(timeout), clients.dynamodb(timeout)
        _api = api(settings, s3, dynamodb, observability, time.time)
    return _api(event, context)
