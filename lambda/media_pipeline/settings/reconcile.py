"""The environment of the scheduled reconcile as typed settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from media_pipeline.reconciliation import Places
from media_pipeline.settings.variables import Variables


@dataclass(frozen=True, kw_only=True)
class ReconcileSettings:
    """What is compared, whether traces are sent, and when what waits for review expires."""

    places: Places
    tracing: bool
    quarantine_days: int
    """How long quarantine keeps what is put there; 0: for ever."""
    cdn_distribution: str | None = None
    """The id of the distribution in front of the renditions; None where there is none."""
    cdn_address: str | None = None
    """The address of that distribution's root, without a trailing slash."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ReconcileSettings":
        """Parse the function's variables.

        Raises SettingsError that names the variable.
        """
        variables = Variables(environment)
        return cls(
            places=Places(
                uploads_bucket=variables.text("UPLOADS_BUCKET"),
                renditions_bucket=variables.text("RENDITIONS_BUCKET"),
                quarantine_bucket=variables.text("QUARANTINE_BUCKET"),
                records_table=variables.text("RECORDS_TABLE"),
                images_queue_url=variables.text("IMAGES_QUEUE_URL"),
            ),
            tracing=variables.boolean("TRACING"),
            quarantine_days=variables.parsed("QUARANTINE_RETENTION_DAYS", int, "a whole number of days"),
            cdn_distribution=variables.optional("CDN_DISTRIBUTION"),
            cdn_address=variables.text("CDN_ADDRESS") if "CDN_DISTRIBUTION" in variables else None,
        )
