"""Settings of a method are removed from a stage, and the stage's own apply again.

AWS: "op: remove, path: /{resourcePath}/{httpMethod}". (API Gateway API Reference, "Patch operations", Stage.)
moto: ignores the operation.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Take the settings back."""
    from moto.apigateway.models import Stage

    def apply_operations(self: Any, patch_operations: list[dict[str, Any]]) -> Any:
        kept = []
        for operation in patch_operations:
            path = operation["path"].removeprefix("/")
            if operation["op"] == "remove" and path in self.method_settings:
                del self.method_settings[path]
            else:
                kept.append(operation)
        return original(self, kept)

    original = replace(Stage, "apply_operations", apply_operations)
