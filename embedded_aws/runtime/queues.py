"""The state of the world's queues in microseconds, so that a poller can ask often."""

from __future__ import annotations

from typing import Any

from embedded_aws.world import World


class Queues:
    """Reads moto's queues in this process; receiving and deleting goes through SQS's API all the same."""

    def __init__(self, world: World) -> None:
        self._world = world

    def has_visible(self, queue_arn: str) -> bool:
        """Tell whether a ReceiveMessage would find something, if only to move it to the dead-letter queue."""
        return any(message.visible and not message.delayed for message in self._messages(queue_arn))

    def count(self, queue_arn: str) -> int:
        """Return how many messages there are: visible, hidden and delayed."""
        return len(self._messages(queue_arn))

    def _messages(self, queue_arn: str) -> list[Any]:
        from moto.sqs.models import sqs_backends

        # Not Queue.messages: that list leaves out what is hidden. A deleted queue holds nothing.
        queue = sqs_backends[self._world.account_id][self._world.region].queues.get(
            queue_arn.rsplit(":", 1)[-1]
        )
        return list(queue._messages) if queue else []
