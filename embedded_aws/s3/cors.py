"""Which web pages may use a bucket: preflights, and the headers of other answers.

After the S3 User Guide, "Testing CORS" and "Elements of a CORS configuration": the first rule that matches counts.
"""

import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from embedded_aws.access.policies import as_list
from embedded_aws.moto_state import find_bucket

Headers = list[tuple[str, str]]
_VARY = ("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")


def is_preflight(environ: Mapping[str, Any]) -> bool:
    """Return whether a browser asks before it sends something to a bucket."""
    return (
        environ["REQUEST_METHOD"] == "OPTIONS"
        and "HTTP_ORIGIN" in environ
        and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    )


def preflight(environ: Mapping[str, Any]) -> tuple[str, Headers, bytes]:
    """Return status line, headers and body of the answer to a preflight request."""
    method = environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"]
    wanted = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
    names = [name.strip().lower() for name in wanted.split(",") if name.strip()]
    rule = _rule(environ, method, names)
    if rule is None:
        body = _refusal(environ, method)
        return (
            "403 Forbidden",
            [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))],
            body,
        )
    headers = _allowing(rule, environ)
    if names:
        headers.append(("Access-Control-Allow-Headers", ", ".join(names)))
    if rule.max_age_seconds:
        headers.append(("Access-Control-Max-Age", str(rule.max_age_seconds)))
    return "200 OK", [*headers, ("Content-Length", "0")], b""


def with_rule_headers(environ: Mapping[str, Any], headers: Headers) -> Headers:
    """Return an answer's headers with those of the first CORS rule that matches, instead of moto's."""
    if "HTTP_ORIGIN" not in environ:
        return headers
    kept = [entry for entry in headers if not entry[0].lower().startswith("access-control-")]
    rule = _rule(environ, environ["REQUEST_METHOD"], [])
    return kept if rule is None else [*kept, *_allowing(rule, environ)]


def _rule(environ: Mapping[str, Any], method: str, names: list[str]) -> Any | None:
    bucket = find_bucket(environ["PATH_INFO"].lstrip("/").partition("/")[0])
    for rule in bucket.cors if bucket is not None else ():
        origins, methods = as_list(rule.allowed_origins), as_list(rule.allowed_methods)
        if not any(_fits(origin, environ["HTTP_ORIGIN"]) for origin in origins) or method not in methods:
            continue
        allowed = [header.lower() for header in as_list(rule.allowed_headers or [])]
        if all(any(_fits(pattern, name) for pattern in allowed) for name in names):
            return rule
    return None


def _fits(pattern: str, value: str) -> bool:
    """Return whether a value matches a pattern with at most one `*`, in an origin or header."""
    before, star, after = pattern.partition("*")
    return re.fullmatch(re.escape(before) + (".*" if star else "") + re.escape(after), value) is not None


def _allowing(rule: Any, environ: Mapping[str, Any]) -> Headers:
    anybody = as_list(rule.allowed_origins) == ["*"]
    headers = [
        ("Access-Control-Allow-Origin", "*" if anybody else environ["HTTP_ORIGIN"]),
        ("Access-Control-Allow-Methods", ", ".join(as_list(rule.allowed_methods))),
        _VARY,
    ]
    if not anybody:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    if rule.exposed_headers:
        headers.append(("Access-Control-Expose-Headers", ", ".join(as_list(rule.exposed_headers))))
    return headers


def _refusal(environ: Mapping[str, Any], method: str) -> bytes:
    parts = {
        "Code": "AccessForbidden",
        "Message": "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, "
        "request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the "
        "resource's CORS spec.",
        "Method": method,
        "ResourceType": "OBJECT" if "/" in environ["PATH_INFO"].strip("/") else "BUCKET",
    }
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parts.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'.encode()
