"""A queue shows its `RedriveAllowPolicy`.

AWS: GetQueueAttributes lists it among the attributes. (SQS API Reference, "GetQueueAttributes".)
moto: keeps it, and never shows it.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Add it to the attributes that are shown; an empty document removes it."""
    from moto.sqs.models import Queue

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        self.redrive_allow_policy = None
        create(self, *args, **kwargs)

    def set_attributes(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        original(self, attributes, now)
        if "RedriveAllowPolicy" in attributes:
            self.redrive_allow_policy = attributes["RedriveAllowPolicy"] or None

    create = replace(Queue, "__init__", init)
    original = replace(Queue, "_set_attributes", set_attributes)
    replace(Queue, "BASE_ATTRIBUTES", [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"])
