"""SQS as Lambda's event source and as a long poll."""

import time
from typing import Any

from embedded_aws.moto_lock import MOTO_LOCK
from embedded_aws.moto_replacement import replace

_POLL_INTERVAL = 0.02  # seconds between two looks of a long poll


def apply() -> None:
    """Long polls that let others go on, policies that stay, and nothing consumed on Lambda's behalf."""
    from moto.sqs.models import Queue, SQSBackend

    def receive_message(
        self: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> Any:
        """As moto's, but without keeping everybody else waiting for a whole long poll."""
        deadline = time.monotonic() + (wait_seconds_timeout or 0)
        while True:
            found = receive_now(self, queue_name, count, 0, visibility_timeout, message_attribute_names)
            if found or time.monotonic() >= deadline:
                return found
            with MOTO_LOCK.released():
                time.sleep(_POLL_INTERVAL)

    def keep_policy(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        """moto forgets the policy whenever another attribute is set; an empty document removes one."""
        policy = attributes["Policy"] if "Policy" in attributes else getattr(self, "policy", None)
        set_attributes(self, {**attributes, "Policy": policy or None}, now)
        if "RedriveAllowPolicy" in attributes:
            self.redrive_allow_policy = attributes["RedriveAllowPolicy"] or None

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        self.redrive_allow_policy = None
        create(self, *args, **kwargs)
        self.lambda_event_source_mappings = _NoMappings()

    receive_now = replace(SQSBackend, "receive_message", receive_message)
    set_attributes = replace(Queue, "_set_attributes", keep_policy)
    create = replace(Queue, "__init__", init)
    # Kept by moto, but never shown.
    replace(Queue, "BASE_ATTRIBUTES", [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"])


class _NoMappings(dict[str, Any]):
    """moto invokes a function for each message at once and drops it; the poller of the world does that."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Keep nothing: the mapping itself is kept by moto's Lambda backend."""
