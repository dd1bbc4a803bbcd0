"""Lambda functions that remember their log group and dead letters, and what an update makes of other settings."""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Keep `LoggingConfig` and `DeadLetterConfig`, which moto drops, and what it ignores in an update.

    Without the log group, the runtime would write to `/aws/lambda/<name>`, where the role may not.
    """
    from moto.awslambda.models import LambdaBackend, LambdaFunction

    def init(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        create(self, account_id, spec, *args, **kwargs)
        self.logging_config = _logging(self.function_name, spec.get("LoggingConfig"))
        self.dead_letter_config = spec.get("DeadLetterConfig") or {}

    def configuration(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        shown = {**describe(self, *args, **kwargs), "LoggingConfig": self.logging_config}
        return {**shown, "DeadLetterConfig": self.dead_letter_config} if self.dead_letter_config else shown

    def update_configuration(self: Any, changes: dict[str, Any]) -> dict[str, Any]:
        if "LoggingConfig" in changes:
            self.logging_config = _logging(self.function_name, changes["LoggingConfig"])
        if "TracingConfig" in changes:
            self.tracing_config = changes["TracingConfig"]
        if "DeadLetterConfig" in changes:
            self.dead_letter_config = changes["DeadLetterConfig"] or {}
        if "EphemeralStorage" in changes:
            self.ephemeral_storage = changes["EphemeralStorage"]["Size"]
        answer: dict[str, Any] = update(self, changes)
        return answer

    def put_event_invoke_config(self: Any, function_name: str, config: dict[str, Any]) -> dict[str, Any]:
        """moto adds a second configuration and shows the first."""
        self.get_function(function_name).event_invoke_config = []
        made: dict[str, Any] = put(self, function_name, config)
        return made

    def update_code(self: Any, changes: dict[str, Any]) -> dict[str, Any]:
        if changes.get("Architectures"):
            self.architectures = changes["Architectures"]
        answer: dict[str, Any] = update_bytes(self, changes)
        return answer

    create = replace(LambdaFunction, "__init__", init)
    describe = replace(LambdaFunction, "get_configuration", configuration)
    update = replace(LambdaFunction, "update_configuration", update_configuration)
    put = replace(LambdaBackend, "put_function_event_invoke_config", put_event_invoke_config)
    update_bytes = replace(LambdaFunction, "update_function_code", update_code)


def _logging(function_name: str, given: dict[str, Any] | None) -> dict[str, Any]:
    """The configuration with AWS's defaults filled in."""
    return {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function_name}", **(given or {})}
