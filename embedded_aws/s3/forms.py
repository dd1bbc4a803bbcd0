"""Uploads by HTML form (presigned POST), as the equivalent PutObject.

moto stores whatever a form holds, from anybody. Here signature and policy are checked, then the request goes on as a
PUT by the signer, so that IAM and AWS's refusals judge it like any other.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from embedded_aws.access.signatures import ALGORITHM, Scope, verify_policy
from embedded_aws.calls import SIGNATURE_VERIFIED, RefusedError
from embedded_aws.s3 import form_policy

_HEADERS = (
    "cache-control",
    "content-type",
    "content-disposition",
    "content-encoding",
    "expires",
    "x-amz-storage-class",
    "x-amz-server-side-encryption",
    "x-amz-website-redirect-location",
    "x-amz-security-token",
)
Headers = list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """The request that stores the file, and how its success is answered."""

    environ: dict[str, Any]
    body: bytes
    location: str
    bucket: str
    key: str
    fields: Mapping[str, str]

    def answer(self, headers: Headers) -> tuple[str, Headers, bytes]:
        """Return status line, headers and body for a file that was stored; `headers` are those of PutObject."""
        kept = [
            (name, value)
            for name, value in headers
            if name.lower() not in ("content-length", "content-type", "location")
        ]
        etag = {name.lower(): value for name, value in headers}.get("etag", "")
        redirect = self.fields.get("success_action_redirect") or self.fields.get("redirect")
        if redirect:
            joint = "&" if "?" in redirect else "?"
            query = f"bucket={quote(self.bucket)}&key={quote(self.key, safe='')}&etag={quote(etag)}"
            return "303 See Other", [*kept, ("Location", f"{redirect}{joint}{query}"), _length(b"")], b""
        kept.append(("Location", self.location))
        match self.fields.get("success_action_status"):
            case "201":
                body = self._document(etag)
                return "201 Created", [*kept, ("Content-Type", "application/xml"), _length(body)], body
            case "200":
                return "200 OK", [*kept, _length(b"")], b""
            case _:
                return "204 No Content", kept, b""

    def _document(self, etag: str) -> bytes:
        parts = {"Location": self.location, "Bucket": self.bucket, "Key": self.key, "ETag": etag}
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parts.items())
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{inner}</PostResponse>'.encode()


def is_form(environ: Mapping[str, Any]) -> bool:
    """Return whether a request is such an upload: a form, to a bucket."""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE", "").lower().startswith("multipart/form-data")
        and environ["PATH_INFO"].strip("/") != ""
        and "/" not in environ["PATH_INFO"].strip("/")
    )


def read(environ: dict[str, Any], body: bytes) -> Upload:
    """Return the upload that a form describes; raises RefusedError where its signer did not allow it."""
    fields, name, data = _parsed(environ, body)
    bucket = environ["PATH_INFO"].strip("/")
    if "key" not in fields:
        message = "Bucket POST must contain a field named 'key'. Please check the order of the fields."
        raise RefusedError("InvalidArgument", message)
    if data is None:
        raise RefusedError("InvalidArgument", "POST requires exactly one file upload per request.")
    _verify(fields)
    form_policy.enforce(fields["policy"], fields, bucket, len(data))
    key = fields["key"].replace("${filename}", name or "")
    path = f"/{bucket}/{quote(key, safe='/~')}"
    headers = {header: fields[header] for header in _HEADERS if header in fields}
    headers |= {field: value for field, value in fields.items() if field.startswith("x-amz-meta-")}
    headers.setdefault("content-type", "binary/octet-stream")
    credential = fields["x-amz-credential"]
    headers["authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders=host, Signature=form"
    return Upload(
        environ=_put(environ, path, f"/{bucket}/{key}", headers, data),
        body=data,
        location=f"http://{environ.get('HTTP_HOST', '')}{path}",
        bucket=bucket,
        key=key,
        fields=fields,
    )


def _parsed(environ: dict[str, Any], body: bytes) -> tuple[dict[str, str], str | None, bytes | None]:
    """Return fields by lower-case name, the file's name, its bytes."""
    from werkzeug.formparser import parse_form_data

    _, form, files = parse_form_data(
        {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))},
        stream_factory=_in_memory,
        max_form_memory_size=None,
        silent=True,
    )
    fields = {name.lower(): value for name, value in form.items()}
    uploaded = files.get("file")
    if uploaded is not None:
        return fields, uploaded.filename, uploaded.stream.read()
    text = fields.pop("file", None)
    return fields, None, None if text is None else text.encode()


def _in_memory(
    total_content_length: int | None,  # noqa: ARG001 - werkzeug's names
    content_type: str | None,  # noqa: ARG001
    filename: str | None,  # noqa: ARG001
    content_length: int | None = None,  # noqa: ARG001
) -> io.BytesIO:
    """Return where to keep a file's bytes: the whole request is in memory anyway."""
    return io.BytesIO()


def _verify(fields: Mapping[str, str]) -> None:
    """Raise RefusedError where the policy is not signed by keys of this world."""
    if "policy" not in fields:
        raise RefusedError("AccessDenied", "Access Denied", 403)  # S3's word for anybody
    scope = Scope.parse(fields.get("x-amz-credential", ""))
    if fields.get("x-amz-algorithm") != ALGORITHM or scope is None or "x-amz-signature" not in fields:
        message = (
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        )
        raise RefusedError("InvalidRequest", message)
    verify_policy(fields["policy"], fields["x-amz-signature"], scope, fields.get("x-amz-security-token"))


def _put(
    environ: dict[str, Any], path: str, plain: str, headers: Mapping[str, str], data: bytes
) -> dict[str, Any]:
    dropped = ("HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "CONTENT_TYPE", "HTTP_EXPECT")
    made = {name: value for name, value in environ.items() if name not in dropped}
    made |= {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": plain.encode().decode("latin-1"),
        "RAW_URI": path,
        "REQUEST_URI": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.input": io.BytesIO(data),
        SIGNATURE_VERIFIED: True,
    }
    for name, value in headers.items():
        variable = name.upper().replace("-", "_")
        made[variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"] = value
    return made


def _length(body: bytes) -> tuple[str, str]:
    return "Content-Length", str(len(body))
