"""Lambda's Invoke is carried out by the runner that is registered here, which runs functions in processes."""

import base64
import json
from collections.abc import Callable
from typing import Any

from embedded_aws.calls import ThrottledError
from embedded_aws.moto_lock import MOTO_LOCK
from embedded_aws.moto_replacement import replace

# (name or ARN with its qualifier, event) -> (the answer as JSON, the kind of error if it is one, the log)
Runner = Callable[[str, Any], tuple[bytes, str | None, str]]
_LOG_BYTES = 4096  # of the log's end that an answer carries
# Takes an event of a function, by its name, to run it later.
Acceptor = Callable[[str, Any], None]
_runners: list[tuple[Runner, Acceptor]] = []


def carry_out(runner: Runner, acceptor: Acceptor) -> Callable[[], None]:
    """Let `runner` carry out Invoke from now on, and `acceptor` take its asynchronous events.

    Returns what ends that.
    """
    both = (runner, acceptor)
    _runners.append(both)

    def end() -> None:
        if both in _runners:
            _runners.remove(both)

    return end


def apply() -> None:
    """Replace moto's own invoking, which does nothing."""
    from moto.awslambda_simple.models import LambdaSimpleBackend

    replace(LambdaSimpleBackend, "invoke", _invoke)


def _invoke(
    self: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
) -> bytes:
    from moto.awslambda.exceptions import LambdaClientError

    function = self.get_function(function_name, qualifier)  # answers ResourceNotFoundException
    kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
    if kind == "DryRun":
        return b""
    try:
        event = json.loads(body or b"{}")
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise LambdaClientError("InvalidRequestContentException", message) from error
    if not _runners:
        raise LambdaClientError("ServiceException", "nothing runs functions in this world")
    latest = str(function.version) == "$LATEST"
    name = function.function_name if latest else f"{function.function_name}:{function.version}"
    runner, accept = _runners[-1]
    if kind == "Event":
        accept(name, event)
        return b""
    try:
        with MOTO_LOCK.released():  # the function's own calls must get through
            payload, failed, log = runner(name, event)
    except ThrottledError as error:
        raise LambdaClientError("TooManyRequestsException", str(error)) from error
    response_headers["X-Amz-Executed-Version"] = str(function.version)
    if failed is not None:
        response_headers["X-Amz-Function-Error"] = failed
    if headers.get("X-Amz-Log-Type") == "Tail":
        response_headers["X-Amz-Log-Result"] = _tail(log)
    response_headers["Content-Length"] = str(len(payload))
    return payload


def _tail(log: str) -> str:
    return base64.b64encode(log.encode()[-_LOG_BYTES:]).decode()
