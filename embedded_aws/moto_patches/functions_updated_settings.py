"""An update of a function changes its tracing, its storage and its architecture.

AWS: UpdateFunctionConfiguration takes `TracingConfig` and `EphemeralStorage`, UpdateFunctionCode `Architectures`.
(Lambda API Reference.)
moto: ignores all three.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Take them over."""
    from moto.awslambda.models import LambdaFunction

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        if "TracingConfig" in config_updates:
            self.tracing_config = config_updates["TracingConfig"]
        if "EphemeralStorage" in config_updates:
            self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
        answer: dict[str, Any] = update(self, config_updates)
        return answer

    def update_function_code(self: Any, updated_spec: dict[str, Any]) -> dict[str, Any]:
        if updated_spec.get("Architectures"):
            self.architectures = updated_spec["Architectures"]
        answer: dict[str, Any] = update_code(self, updated_spec)
        return answer

    update = replace(LambdaFunction, "update_configuration", update_configuration)
    update_code = replace(LambdaFunction, "update_function_code", update_function_code)
