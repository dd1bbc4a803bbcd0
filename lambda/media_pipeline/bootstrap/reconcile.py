"""Puts the scheduled reconcile together; everything it depends on is passed in."""

from collections.abc import Callable

from media_pipeline.bootstrap.clients import Clients, edge_of
from media_pipeline.observability import Observability
from media_pipeline.processing.lost_decisions import LostDecisions
from media_pipeline.processing.scheduled_reconcile import ScheduledReconcile
from media_pipeline.reconciliation import Reconcile
from media_pipeline.records.expiring import ExpiringReviews
from media_pipeline.records.resumption import Resumption
from media_pipeline.settings.reconcile import ReconcileSettings

RATE = 10.0
"""Repairs per second, as `python -m operations reconcile` does by default."""
LONGEST_CLIENT_TIMEOUT = 60.0
"""Seconds of time-out that the clients are made for: a run ends half of it before its own."""


def client_timeout(timeout: float) -> float:
    """Return the time-out that the clients of a function with `timeout` seconds are made for, in seconds."""
    return min(timeout, LONGEST_CLIENT_TIMEOUT)


def scheduled_reconcile(
    settings: ReconcileSettings,
    clients: Clients,
    observability: Observability,
    clock: Callable[[], float],
    timeout: float,
) -> ScheduledReconcile:
    """Assemble the function; `timeout` in seconds is what `clients` were made for."""
    expiring = ExpiringReviews(
        dynamodb=clients.dynamodb,
        table=settings.places.records_table,
        days=settings.quarantine_days,
        clock=clock,
    )
    return ScheduledReconcile(
        start=lambda: Reconcile(
            places=settings.places,
            s3=clients.s3,
            dynamodb=clients.dynamodb,
            sqs=clients.sqs,
            rate=RATE,
            clock=clock,
            edge=edge_of(clients, settings.cdn_distribution, settings.cdn_address),
        ),
        resumption=Resumption(dynamodb=clients.dynamodb, table=settings.places.records_table, clock=clock),
        lost_decisions=LostDecisions(
            dynamodb=clients.dynamodb,
            sqs=clients.sqs,
            table=settings.places.records_table,
            images_queue_url=settings.places.images_queue_url,
            uploads_bucket=settings.places.uploads_bucket,
            clock=clock,
        ),
        expiring=expiring if settings.quarantine_days else None,
        observability=observability,
        client_timeout=timeout,
    )
