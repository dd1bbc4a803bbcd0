"""How events and messages travel in a run."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DeliveryProfile:
    """How S3's events and SQS's messages travel in a run. Shares are between 0 and 1, times in virtual seconds."""

    concurrency: int = 5
    skew: float = 1.0  # largest error of an environment's clock in either direction; a lease allows for 6 s
    duplicate_events: float = 0.0  # share of events that S3 sends twice
    late_events: float = 0.0  # share of events that take up to `longest_delay`
    usual_delay: float = 2.0  # at most, of the others
    longest_delay: float = 600.0
    duplicate_deliveries: float = 0.0  # share of deliveries that SQS repeats
    lost_deletes: float = 0.0  # share of acknowledgements that SQS loses
