"""SQS's ApproximateAgeOfOldestMessage, with the rule that makes it blind to messages that fail again and again."""

from typing import Any, Final

RECEIVES: Final = 3
"""A message received so many times and not deleted moves to the back, and the metric points at the next one. (SQS
Developer Guide, "Available CloudWatch metrics for Amazon SQS": also where the queue has a redrive policy.)"""


def oldest_message_age(messages: list[Any], now: float) -> float:
    """Return the age in seconds of the oldest message of a moto queue that the metric sees, 0 without one."""
    seen = [message for message in messages if message.approximate_receive_count < RECEIVES]
    return max((now - message.sent_timestamp / 1000 for message in seen), default=0.0)
