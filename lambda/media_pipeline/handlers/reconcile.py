"""Entry point of the scheduled reconcile, invoked by EventBridge Scheduler where `reconcile` is `daily`.

Compares the buckets with the records table and repairs what differs, from where the run before ended.
"""

import os
import time

from media_pipeline.bootstrap.clients import Clients
from media_pipeline.bootstrap.reconcile import client_timeout, scheduled_reconcile
from media_pipeline.observability import Observability
from media_pipeline.processing.scheduled_reconcile import ScheduledReconcile
from media_pipeline.settings.reconcile import ReconcileSettings
from media_pipeline.settings.variables import Variables


def _build() -> ScheduledReconcile:
    seconds = client_timeout(Variables(os.environ).seconds("TIMEOUT"))
    settings = ReconcileSettings.from_environment(os.environ)
    observability = Observability(tracing=settings.tracing)
    return scheduled_reconcile(settings, Clients.create(seconds), observability, time.time, seconds)


handler = _build()  # while Lambda initialises the environment, with a full vCPU whatever the memory
