"""S3's events are built and sent by `embedded_aws.s3.events`."""

from embedded_aws.s3 import events


def apply() -> None:
    """Replace moto's sending; its deciding what is subscribed to stays."""
    events.apply()
