"""PutFunctionEventInvokeConfig replaces the configuration that is there.

AWS: "If a configuration already exists for a function, version, or alias, this operation overwrites it." (Lambda API
Reference, "PutFunctionEventInvokeConfig".)
moto: adds a second one and shows the first.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Forget the earlier one."""
    from moto.awslambda.models import LambdaBackend

    def put_function_event_invoke_config(
        self: Any, function_name: str, config: dict[str, Any]
    ) -> dict[str, Any]:
        self.get_function(function_name).event_invoke_config = []
        made: dict[str, Any] = original(self, function_name, config)
        return made

    original = replace(LambdaBackend, "put_function_event_invoke_config", put_function_event_invoke_config)
