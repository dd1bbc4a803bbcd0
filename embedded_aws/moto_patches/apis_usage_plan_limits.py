"""A usage plan's limits are numbers, and its rate may be a fraction.

AWS: `rateLimit` is a double, `burstLimit`, `limit` and `offset` are integers, in every answer. (API Gateway API
Reference, "ThrottleSettings" and "QuotaSettings".)
moto: UpdateUsagePlan fails on a rate such as 0.5, and keeps the quota as text.
"""

from typing import Any

from embedded_aws.moto_replacement import replace

_NUMBERS = {
    "/throttle/rateLimit": float,
    "/throttle/burstLimit": int,
    "/quota/limit": int,
    "/quota/offset": int,
}


def apply() -> None:
    """Keep numbers as numbers."""
    from moto.apigateway.models import UsagePlan

    def apply_patch_operations(self: Any, patch_operations: list[dict[str, Any]]) -> None:
        for operation in patch_operations:
            path = operation["path"]
            if path in _NUMBERS and operation["op"] in ("add", "replace"):
                _, group, name = path.split("/")
                getattr(self, group)[name] = _NUMBERS[path](operation["value"])
            else:
                original(self, [operation])

    original = replace(UsagePlan, "apply_patch_operations", apply_patch_operations)
