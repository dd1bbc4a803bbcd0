"""A request as the call of AWS's API that it makes.

moto's own routers and parsers are used, so a call is seen with its parameters exactly as boto3's user wrote them.
"""

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

_SIGNING_NAMES = {
    "monitoring": "cloudwatch",
    "logs": "logs",
    "servicequotas": "service-quotas",
}  # signing name -> boto3's name, where they differ


SIGNATURE_VERIFIED = "embedded_aws.signature_verified"
"""The environ key of a request whose signature has been verified before it was read as a call."""


class ThrottledError(RuntimeError):
    """As many functions run as the account may run at once: Lambda's TooManyRequestsException."""


class RefusedError(Exception):
    """AWS answers this call with an error; `code` and `message` are AWS's, `status` the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request: what is asked of which service, with which keys."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    access_key_id: str | None
    session_token: str | None
    region: str
    body: bytes = field(repr=False)
    request: Any = field(repr=False)
    operation_model: Any = field(repr=False)


def read_call(environ: dict[str, Any], body: bytes) -> Call | None:
    """Return the call that a request makes; None for what no AWS model describes."""
    from moto.core.model import OperationModel  # noqa: F401 - loads the models' module before its users
    from moto.core.parse import PROTOCOL_PARSERS
    from moto.core.request import determine_request_protocol
    from moto.core.routing import get_service_router
    from moto.core.utils import get_service_model
    from moto.moto_server.werkzeug_app import BackendRequest
    from werkzeug.exceptions import NotFound

    request = BackendRequest({**environ, "wsgi.input": io.BytesIO(body)})
    key_id, region, signing_name, token = _credentials(request)
    service = _SIGNING_NAMES.get(signing_name, signing_name)
    try:
        model = get_service_model(service)
        operation, uri_parameters = get_service_router(service).match(request)
    except (NotFound, NotImplementedError):
        return None
    parser = PROTOCOL_PARSERS[determine_request_protocol(model, request.content_type)](operation)
    parameters = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": uri_parameters,
        }
    )
    return Call(
        service=service,
        operation=str(operation.name),
        parameters=parameters,
        access_key_id=key_id,
        session_token=token,
        region=region,
        body=body,
        request=request,
        operation_model=operation,
    )


def error_response(call: Call, error: RefusedError) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an error in the service's own protocol."""
    from moto.core.exceptions import ServiceException
    from moto.core.request import determine_request_protocol
    from moto.core.serialize import get_serializer_class
    from moto.core.utils import get_service_model

    class Answer(ServiceException):
        """An error of this module, so that moto looks the code up in the model of the called service."""

    model = get_service_model(call.service)
    protocol = determine_request_protocol(model, call.request.content_type)
    serializer = get_serializer_class(call.service, protocol)(operation_model=call.operation_model)
    with warnings.catch_warnings():  # common codes such as AccessDenied are in no service's model
        warnings.simplefilter("ignore", UserWarning)
        made = serializer.serialize(Answer(error.code, error.message))
    body = made["body"]
    # HEAD has no body: the SDK takes the status for the code then, as it does with AWS.
    payload = b"" if call.request.method == "HEAD" else body.encode() if isinstance(body, str) else body
    headers = {**made["headers"], "Content-Length": str(len(payload))}
    return error.status, headers, payload


def _credentials(request: Any) -> tuple[str | None, str, str, str | None]:
    """Return access key id, region, signing name, session token: from the header, or from a presigned URL."""
    header = request.headers.get("Authorization", "")
    scope, token = "", request.headers.get("X-Amz-Security-Token")
    if "Credential=" in header:
        scope = header.partition("Credential=")[2].partition(",")[0]
    else:
        query = parse_qs(request.query_string.decode())
        scope = query.get("X-Amz-Credential", [""])[0]
        token = query.get("X-Amz-Security-Token", [token])[0]
    parts = scope.split("/")
    if len(parts) != 5:
        return None, "", "s3", token
    return parts[0], parts[2], parts[3], token
