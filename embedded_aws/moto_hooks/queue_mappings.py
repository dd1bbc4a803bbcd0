"""Functions get their messages from `embedded_aws.runtime.poller`.

moto would invoke a function for each message at once, and drop the message.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Keep event source mappings from the queues; moto's Lambda still has them."""
    from moto.sqs.models import Queue

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.lambda_event_source_mappings = _NoMappings()

    original = replace(Queue, "__init__", init)


class _NoMappings(dict[str, Any]):
    """Stays empty whatever moto puts in."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Keep nothing."""
