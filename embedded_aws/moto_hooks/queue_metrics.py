"""Counts the messages that are sent to each queue and deleted from it, which CloudWatch shows."""

from collections import Counter
from typing import Any, Final

from embedded_aws.moto_replacement import replace

SENT: Final[Counter[tuple[str, str, str]]] = Counter()
DELETED: Final[Counter[tuple[str, str, str]]] = Counter()
"""By account, region and name of the queue, since they were looked at; whoever looks takes them."""


def apply() -> None:
    """Count what moto carries out."""
    from moto.sqs.models import SQSBackend

    def send_message(self: Any, queue_name: str, *details: Any, **named: Any) -> Any:
        sent = send(self, queue_name, *details, **named)
        SENT[self.account_id, self.region_name, queue_name] += 1
        return sent

    def delete_message(self: Any, queue_name: str, receipt_handle: str) -> None:
        delete(self, queue_name, receipt_handle)
        DELETED[self.account_id, self.region_name, queue_name] += 1

    send = replace(SQSBackend, "send_message", send_message)
    delete = replace(SQSBackend, "delete_message", delete_message)
