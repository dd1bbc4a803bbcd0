"""Invoke runs the version that its `Qualifier` names.

AWS: the URI parameter is `Qualifier`, and the answer's `X-Amz-Executed-Version` is that version. (Lambda API
Reference, "Invoke".)
moto: reads `qualifier`, which no SDK sends, and runs $LATEST.
"""

from typing import Any

from embedded_aws.moto_replacement import replace


def apply() -> None:
    """Hand the parameter over under the name that moto looks for."""
    from moto.awslambda.responses import LambdaResponse

    def invoke(self: Any) -> Any:
        if "Qualifier" in self.querystring:
            self.querystring["qualifier"] = self.querystring["Qualifier"]
        return original(self)

    original = replace(LambdaResponse, "invoke", invoke)
