"""A function keeps its `DeadLetterConfig`.

AWS: CreateFunction and UpdateFunctionConfiguration take it, GetFunctionConfiguration shows it. (Lambda API Reference,
"DeadLetterConfig".)
moto: drops it.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Keep and show it."""
    from moto.awslambda.models import LambdaFunction

    def init(self: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        create(self, account_id, spec, *args, **kwargs)
        self.dead_letter_config = spec.get("DeadLetterConfig") or {}

    def get_configuration(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        shown: dict[str, Any] = describe(self, *args, **kwargs)
        return {**shown, "DeadLetterConfig": self.dead_letter_config} if self.dead_letter_config else shown

    def update_configuration(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        if "DeadLetterConfig" in config_updates:
            self.dead_letter_config = config_updates["DeadLetterConfig"] or {}
        answer: dict[str, Any] = update(self, config_updates)
        return answer

    create = replace(LambdaFunction, "__init__", init)
    describe = replace(LambdaFunction, "get_configuration", get_configuration)
    update = replace(LambdaFunction, "update_configuration", update_configuration)
