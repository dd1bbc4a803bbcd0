"""Lambda. (Developer Guide: "Lambda quotas", "Using Lambda with Amazon SQS", "Environment variables".)"""

import io
import json
import re
import zipfile
from typing import Any

from embedded_aws import profiles
from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.refusals.base import Parameters, refusal, refuse, within

ENVIRONMENT_BYTES = 4096
ZIP_BYTES = 50 * 1024 * 1024
UNZIPPED_BYTES = 262_144_000
MOST_LAYERS = 5
_LEAST_MEMORY = 128
_TIMEOUT = (1, 900)
_VARIABLE = re.compile(r"^[a-zA-Z][a-zA-Z0-9_]+$")
_RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)
_INVALID = "InvalidParameterValueException"
_BOTH = ("CreateFunction", "UpdateFunctionConfiguration")


@refusal("a function's environment has at most 4 KB", "lambda", *_BOTH)
def _environment_size(parameters: Parameters) -> None:
    text = json.dumps(_variables(parameters), separators=(",", ":"), ensure_ascii=False)
    if len(text.encode()) > ENVIRONMENT_BYTES:
        raise refuse(
            _INVALID,
            "Lambda was unable to configure your environment variables because the environment variables you "
            f"have provided exceeded the 4KB limit. String measured: {text[:200]}...",
        )


@refusal("environment variables have proper names, and none is Lambda's own", "lambda", *_BOTH)
def _environment_names(parameters: Parameters) -> None:
    names = _variables(parameters)
    reserved = sorted(names.keys() & _RESERVED)
    if reserved:
        raise refuse(
            _INVALID,
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}",
        )
    wrong = sorted(name for name in names if not _VARIABLE.match(name))
    if wrong:
        raise refuse(
            "ValidationException", f"Value at 'environment.variables' failed to satisfy constraint: {wrong}"
        )


@refusal("memory is 128 MB up to the account's quota, the time-out 1 to 900 s", "lambda", *_BOTH)
def _bounds(parameters: Parameters) -> None:
    memory = (_LEAST_MEMORY, profiles.active().lambda_memory)
    for name, (least, most) in (("MemorySize", memory), ("Timeout", _TIMEOUT)):
        if name in parameters and not within(parameters[name], least, most):
            raise refuse(
                "ValidationException",
                f"1 validation error detected: Value '{parameters[name]}' at '{name[0].lower()}{name[1:]}' failed to "
                f"satisfy constraint: Member must have value between {least} and {most}",
            )


@refusal("a function has at most five layers, and every one exists", "lambda", *_BOTH)
def _layers(parameters: Parameters) -> None:
    arns = parameters.get("Layers") or []
    if len(arns) > MOST_LAYERS:
        raise refuse(_INVALID, f"The number of layers {len(arns)} exceeds the maximum of {MOST_LAYERS}")
    for arn in arns:
        if _layer(arn) is None:
            raise refuse(_INVALID, f"Layer version {arn} does not exist.")


@refusal(
    "a zip has at most 50 MB, and with its layers at most 250 MB unzipped",
    "lambda",
    "CreateFunction",
    "UpdateFunctionCode",
    "PublishLayerVersion",
)
def _sizes(parameters: Parameters) -> None:
    code = _zip_bytes(parameters)
    if len(code) > ZIP_BYTES:
        raise refuse("RequestEntityTooLargeException", "Request must be smaller than 70167211 bytes", 413)
    layers = [_layer(arn) for arn in parameters.get("Layers") or []]
    total = _unzipped(code) + sum(_unzipped(layer.code_bytes) for layer in layers if layer is not None)
    if total > UNZIPPED_BYTES:
        raise refuse(
            _INVALID,
            "Function code combined with layers exceeds the maximum allowed size of "
            f"{UNZIPPED_BYTES} bytes. The actual size is {total} bytes.",
        )


@refusal("a function's role exists and trusts Lambda", "lambda", *_BOTH)
def _role(parameters: Parameters) -> None:
    from embedded_aws.access.policies import trusts_lambda

    if "Role" not in parameters:
        return
    role = _find_role(parameters["Role"])
    if role is None or not trusts_lambda(json.loads(role.assume_role_policy_document)):
        raise refuse(_INVALID, "The role defined for the function cannot be assumed by Lambda.")


@refusal(
    "a queue's visibility timeout is at least the function's time-out", "lambda", "CreateEventSourceMapping"
)
def _visibility(parameters: Parameters) -> None:
    queue, function = _queue(parameters), _function(parameters)
    if queue is None or function is None:
        return
    if int(queue.visibility_timeout) < int(function.timeout):
        raise refuse(
            _INVALID,
            f"Queue visibility timeout: {queue.visibility_timeout} seconds is less than "
            f"Function timeout: {function.timeout} seconds",
        )


@refusal("a function's role may receive from the queue that feeds it", "lambda", "CreateEventSourceMapping")
def _may_receive(parameters: Parameters) -> None:
    queue, function = _queue(parameters), _function(parameters)
    role = _find_role(function.role) if function is not None else None
    if queue is None or role is None:
        return
    for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        if not _may(role, f"sqs:{action}", parameters["EventSourceArn"]):
            raise refuse(
                _INVALID, f"The provided execution role does not have permissions to call {action} on SQS"
            )


@refusal(
    "a mapping's batches fit its window",
    "lambda",
    "CreateEventSourceMapping",
    "UpdateEventSourceMapping",
)
def _mapping(parameters: Parameters) -> None:
    batch, window = parameters.get("BatchSize") or 10, parameters.get("MaximumBatchingWindowInSeconds") or 0
    if batch > 10 and window < 1:
        raise refuse(
            _INVALID,
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        )


@refusal("a queue feeds a function once", "lambda", "CreateEventSourceMapping")
def _mapped_twice(parameters: Parameters) -> None:
    function = _function(parameters)
    arn = parameters["EventSourceArn"]
    for mapping in [
        entry for backend in _backends() for entry in backend.list_event_source_mappings(arn, "")
    ]:
        if function is not None and mapping.function_arn.startswith(function.function_arn):
            raise refuse(
                "ResourceConflictException",
                f'An event source mapping with SQS arn ("{arn}") and function '
                f'("{function.function_name}") already exists. Please update or delete the existing mapping with '
                f"UUID {mapping.uuid}",
                409,
            )


@refusal("a function's role may send to its dead-letter queue or topic", "lambda", *_BOTH)
def _dead_letters(parameters: Parameters) -> None:
    target = (parameters.get("DeadLetterConfig") or {}).get("TargetArn")
    function = _function(parameters)
    role = _find_role(parameters.get("Role") or (function.role if function is not None else ""))
    if target and role is not None:
        _require_sending(role, target)


@refusal(
    "a function's role may send to the destination for failures", "lambda", "PutFunctionEventInvokeConfig"
)
def _destination(parameters: Parameters) -> None:
    destinations = parameters.get("DestinationConfig") or {}
    function = _function(parameters)
    role = _find_role(function.role) if function is not None else None
    for entry in destinations.values():
        if entry.get("Destination") and role is not None:
            _require_sending(role, entry["Destination"])


def _require_sending(role: Any, target: str) -> None:
    service = target.split(":")[2]
    action, name = ("SendMessage", "SQS") if service == "sqs" else ("Publish", service.upper())
    if not _may(role, f"{service}:{action}", target):
        message = f"The provided execution role does not have permissions to call {action} on {name}"
        raise refuse(_INVALID, message)


def _may(role: Any, action: str, resource: str) -> bool:
    """Return whether a role's own policies allow something."""
    from embedded_aws.access.policies import AccessRequest, Principal, Verdict, evaluate

    documents = [*role.policies.values(), *(policy.document for policy in role.managed_policies.values())]
    request = AccessRequest(
        action=action,
        resource=resource,
        principal=Principal(kind="AWS", value=role.arn, account=ACCOUNT_ID),
        context={"aws:SecureTransport": "true"},
    )
    return evaluate(documents, request) is Verdict.ALLOW


def _variables(parameters: Parameters) -> dict[str, str]:
    return (parameters.get("Environment") or {}).get("Variables") or {}


def _zip_bytes(parameters: Parameters) -> bytes:
    content = parameters.get("Code") or parameters.get("Content") or parameters
    data = content.get("ZipFile") or b""
    return data if isinstance(data, bytes) else bytes(data)


def _unzipped(data: bytes) -> int:
    if not data:
        return 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise refuse(
            _INVALID, "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from error


def _backends() -> list[Any]:
    """Return moto's Lambda in every region in use: a world has one."""
    from moto.awslambda_simple.models import lambda_simple_backends

    return list(lambda_simple_backends[ACCOUNT_ID].values())


def _layer(arn: str) -> Any | None:
    found = (backend.layers_versions_by_arn(arn) for backend in _backends())
    return next((layer for layer in found if layer is not None), None)


def _find_role(arn: str) -> Any | None:
    from moto.iam.models import iam_backends

    roles = iam_backends[ACCOUNT_ID]["aws"].roles.values()
    return next((role for role in roles if role.arn == arn), None)


def _queue(parameters: Parameters) -> Any | None:
    from moto.sqs.models import sqs_backends

    arn = parameters["EventSourceArn"].split(":")
    return sqs_backends[ACCOUNT_ID][arn[3]].queues.get(arn[5]) if arn[2] == "sqs" else None


def _function(parameters: Parameters) -> Any | None:
    name = parameters["FunctionName"].split(":function:")[-1].split(":")[0]
    functions = (function for backend in _backends() for function in backend.list_functions())
    return next((function for function in functions if function.function_name == name), None)
