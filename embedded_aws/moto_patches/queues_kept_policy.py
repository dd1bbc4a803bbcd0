"""A queue keeps its policy when another attribute is set.

AWS: SetQueueAttributes "sets the value of one or more queue attributes"; the others stay, and an empty `Policy`
removes it. (SQS API Reference, "SetQueueAttributes".)
moto: forgets the policy with every call that does not repeat it.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Hand the present policy over where none is given."""
    from moto.sqs.models import Queue

    def set_attributes(self: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        policy = attributes["Policy"] if "Policy" in attributes else getattr(self, "policy", None)
        original(self, {**attributes, "Policy": policy or None}, now)

    original = replace(Queue, "_set_attributes", set_attributes)
