"""A function keeps its `LoggingConfig`.

AWS: CreateFunction and UpdateFunctionConfiguration take it, GetFunctionConfiguration shows it, by default
"/aws/lambda/<name>" as text. (Lambda API Reference, "LoggingConfig".)
moto: drops it.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Keep and show it."""
    from moto.awslambda.models import LambdaFunction

    def init(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        create(self, account_id, spec, *args, **kwargs)
        self.logging_config = _with_defaults(self.function_name, spec.get("LoggingConfig"))

    def get_configuration(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**describe(self, *args, **kwargs), "LoggingConfig": self.logging_config}

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        if "LoggingConfig" in config_updates:
            self.logging_config = _with_defaults(self.function_name, config_updates["LoggingConfig"])
        answer: dict[str, Any] = update(self, config_updates)
        return answer

    create = replace(LambdaFunction, "__init__", init)
    describe = replace(LambdaFunction, "get_configuration", get_configuration)
    update = replace(LambdaFunction, "update_configuration", update_configuration)


def _with_defaults(function_name: str, given: dict[str, Any] | None) -> dict[str, Any]:
    return {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function_name}", **(given or {})}
