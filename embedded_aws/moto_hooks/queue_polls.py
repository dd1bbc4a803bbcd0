"""A long poll gives the lock around moto up while it waits, so that others are served meanwhile."""

import time
from typing import Any

from embedded_aws.moto_lock import MOTO_LOCK
from embedded_aws.moto_replacement import replace

_POLL_INTERVAL = 0.02  # seconds between two looks of a long poll


def apply() -> None:
    """Wait here rather than in moto."""
    from moto.sqs.models import SQSBackend

    def receive_message(
        self: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> Any:
        deadline = time.monotonic() + (wait_seconds_timeout or 0)
        while True:
            found = original(self, queue_name, count, 0, visibility_timeout, message_attribute_names)
            if found or time.monotonic() >= deadline:
                return found
            with MOTO_LOCK.released():
                time.sleep(_POLL_INTERVAL)

    original = replace(SQSBackend, "receive_message", receive_message)
