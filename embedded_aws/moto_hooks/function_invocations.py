"""Published versions of functions: what they are frozen with stays, and an Invoke by qualifier runs them."""

import base64
import json
from collections.abc import Callable
from typing import Any

from embedded_aws.moto_lock import MOTO_LOCK
from embedded_aws.moto_replacement import replace

# (name or ARN with its qualifier, event) -> (the answer as JSON, the kind of error if it is one, the log)
Runner = Callable[[str, Any], tuple[bytes, str | None, str]]
_LOG_BYTES = 4096  # of the log's end that an answer carries
_runners: list[Runner] = []


def carry_out(runner: Runner) -> Callable[[], None]:
    """Let `runner` carry out Invoke from now on; returns how to end that."""
    _runners.append(runner)

    def end() -> None:
        if runner in _runners:
            _runners.remove(runner)

    return end


def apply() -> None:
    """Keep deleted layer versions for who has them, number versions as Lambda does, and really invoke."""
    from moto.awslambda.models import LambdaStorage, Layer
    from moto.awslambda.responses import LambdaResponse
    from moto.awslambda_simple.models import LambdaSimpleBackend

    def delete_version(self: Any, layer_version: str) -> None:
        """Lambda: "functions that use a deleted version go on working; no other can be given it"."""
        kept = self.layer_versions.get(str(layer_version))
        if kept is not None:
            self.__dict__.setdefault("deleted_versions", {})[str(layer_version)] = kept
        forget(self, layer_version)

    def publish_version(self: Any, name_or_arn: str, description: str = "") -> Any:
        """moto takes a function for changed after its first version, whatever happened since."""
        published = publish(self, name_or_arn, description)
        self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn).code_or_config_updated = False
        return published

    def invoke(self: Any) -> Any:
        """moto looks for the qualifier under a name that no SDK sends it with."""
        if "Qualifier" in self.querystring:
            self.querystring["qualifier"] = self.querystring["Qualifier"]
        return answer(self)

    answer = replace(LambdaResponse, "invoke", invoke)
    replace(LambdaSimpleBackend, "invoke", _invoke)
    forget = replace(Layer, "delete_version", delete_version)
    publish = replace(LambdaStorage, "publish_version", publish_version)


def layer_bytes(backend: Any, arn: str) -> bytes | None:
    """The zip of a layer version in moto's Lambda, also of a deleted one; None where there never was one."""
    found = backend.layers_versions_by_arn(arn)
    if found is None:
        name, version = arn.split(":")[6:8]
        layer = backend._layers._layers.get(name)
        found = getattr(layer, "deleted_versions", {}).get(version)
    return None if found is None else bytes(found.code_bytes)


def _invoke(
    self: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
) -> bytes:
    from moto.awslambda.exceptions import LambdaClientError

    function = self.get_function(function_name, qualifier)  # answers ResourceNotFoundException
    kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
    if kind == "DryRun":
        return b""
    if kind != "RequestResponse":
        message = f"InvocationType {kind} is not carried out by the embedded AWS"
        raise LambdaClientError("InvalidParameterValueException", message)
    try:
        event = json.loads(body or b"{}")
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise LambdaClientError("InvalidRequestContentException", message) from error
    if not _runners:
        raise LambdaClientError("ServiceException", "no functions run in this world")
    latest = str(function.version) == "$LATEST"
    name = function.function_name if latest else f"{function.function_name}:{function.version}"
    with MOTO_LOCK.released():  # the function's own calls must get through
        payload, failed, log = _runners[-1](name, event)
    response_headers["X-Amz-Executed-Version"] = str(function.version)
    if failed is not None:
        response_headers["X-Amz-Function-Error"] = failed
    if headers.get("X-Amz-Log-Type") == "Tail":
        response_headers["X-Amz-Log-Result"] = _tail(log)
    response_headers["Content-Length"] = str(len(payload))
    return payload


def _tail(log: str) -> str:
    return base64.b64encode(log.encode()[-_LOG_BYTES:]).decode()
