"""Lambda functions that remember their log group, and what an update makes of tracing and architecture."""

from typing import Any

from local.moto_patches.replacing import replace


def apply() -> None:
    """Keep `LoggingConfig`, which moto drops, and an update's `TracingConfig` and `Architectures`, which it ignores.

    Without the log group, the runtime would write to `/aws/lambda/<name>`, where the role may not.
    """
    from moto.awslambda.models import LambdaFunction

    def init(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        create(self, account_id, spec, *args, **kwargs)
        self.logging_config = _logging(self.function_name, spec.get("LoggingConfig"))

    def configuration(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**describe(self, *args, **kwargs), "LoggingConfig": self.logging_config}

    def update_configuration(self: Any, changes: dict[str, Any]) -> dict[str, Any]:
        if "LoggingConfig" in changes:
            self.logging_config = _logging(self.function_name, changes["LoggingConfig"])
        if "TracingConfig" in changes:
            self.tracing_config = changes["TracingConfig"]
        answer: dict[str, Any] = update(self, changes)
        return answer

    def update_code(self: Any, changes: dict[str, Any]) -> dict[str, Any]:
        if changes.get("Architectures"):
            self.architectures = changes["Architectures"]
        answer: dict[str, Any] = update_bytes(self, changes)
        return answer

    create = replace(LambdaFunction, "__init__", init)
    describe = replace(LambdaFunction, "get_configuration", configuration)
    update = replace(LambdaFunction, "update_configuration", update_configuration)
    update_bytes = replace(LambdaFunction, "update_function_code", update_code)


def _logging(function_name: str, given: dict[str, Any] | None) -> dict[str, Any]:
    """The configuration with AWS's defaults filled in."""
    return {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function_name}", **(given or {})}
