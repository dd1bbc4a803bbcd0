"""Requests as API Gateway hands them over (REST proxy event), parsed once at the boundary."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from media_pipeline.api.names import file_name, tidy
from media_pipeline.api.problems import Problem, malformed
from media_pipeline.records.appeals import TEXT_CHARACTERS
from media_pipeline.texts import is_text

IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
SHOWN = 80  # characters of a wrong value that an answer repeats
NO_KEY = "The header x-api-key must carry a valid API key of this stack."
REPLACED = "\N{REPLACEMENT CHARACTER}"


class Request:
    """One request; every property raises the Problem that the answer to its client is made from."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event
        self._context: Mapping[str, Any] = event.get("requestContext") or {}
        several = event.get("multiValueHeaders") or {
            name: [value] for name, value in (event.get("headers") or {}).items()
        }
        self._headers = {name.lower(): list(values) for name, values in several.items()}

    @property
    def request_id(self) -> str:
        """The gateway's id of this request, which is in the gateway's own answers and logs, too."""
        return str(self._context.get("requestId", ""))

    @property
    def api_key_id(self) -> str:
        """The id of the client's API key. The gateway refuses requests without one; so does this."""
        identity = (self._context.get("identity") or {}).get("apiKeyId")
        if not identity:
            raise Problem(HTTPStatus.FORBIDDEN, NO_KEY)
        return str(identity)

    @property
    def idempotency_key(self) -> str | None:
        """The client's own name for this upload; None without the header."""
        values = self._headers.get("idempotency-key", [])
        if not values:
            return None
        if len(values) > 1 or not IDEMPOTENCY_KEY.fullmatch(values[0]):
            raise malformed("Idempotency-Key must be one value of 1 to 255 visible ASCII characters.")
        return str(values[0])

    @property
    def file_name(self) -> str | None:
        """The file's name, cleaned; None without a usable one."""
        return file_name(self._header("x-file-name"), self._header("content-disposition"))

    @property
    def content_type(self) -> str | None:
        """The declared type of the body."""
        return self._header("content-type")

    @property
    def content_encoding(self) -> str | None:
        """The declared compression of the body."""
        return self._header("content-encoding")

    @property
    def body(self) -> bytes:
        """The body's bytes as they were sent, where the gateway did not treat them as text."""
        body = self._event.get("body") or ""
        if not self._event.get("isBase64Encoded"):
            return str(body).encode(errors="surrogatepass")
        try:
            return base64.b64decode(body, validate=True)
        except ValueError as error:
            raise malformed("The body is not the Base64 that the gateway declared it to be.") from error

    @property
    def was_decoded_as_text(self) -> bool:
        """Whether the gateway decoded the body as text although it was not, which replaced some of its bytes."""
        return not self._event.get("isBase64Encoded") and REPLACED in (self._event.get("body") or "")

    def url(self, path: str, *, seen_from: str) -> str:
        """Return the URL of another path of this API, as this client reaches it.

        `seen_from` is the path of this request. What precedes it, a stage or a custom domain's base path, is kept.
        """
        prefix = str(self._context.get("path", seen_from)).rstrip("/").removesuffix(seen_from)
        scheme = self._header("x-forwarded-proto")
        host = self._header("host") or ""
        if not HOST.fullmatch(host):
            host = str(self._context.get("domainName", "localhost"))
        return f"{scheme if scheme in ('http', 'https') else 'https'}://{host}{prefix}{path}"

    def _header(self, name: str) -> str | None:
        values = self._headers.get(name)
        return str(values[0]) if values else None


@dataclass(frozen=True, kw_only=True)
class FormRequest:
    """The request for an upload form; `length` is in bytes."""

    content_type: str
    length: int
    file_name: str | None

    @classmethod
    def parse(cls, body: bytes) -> "FormRequest":
        """Parse the body of `POST /v1/uploads`. Raises Problem (400)."""
        document = _object(body, '{"content_type": "image/jpeg", "bytes": 10485760}')
        if unknown := sorted(set(document) - {"content_type", "bytes", "file_name"}):
            raise malformed(f"The body has an unknown member {shown(unknown[0])}.")
        content_type, length = document.get("content_type"), document.get("bytes")
        if not isinstance(content_type, str):
            raise malformed('"content_type" must be a string such as "image/jpeg".')
        if isinstance(length, float) and length.is_integer():  # in JSON, 5.0 is an integer as well
            length = int(length)
        if not isinstance(length, int) or isinstance(length, bool) or length < 1:
            raise malformed('"bytes" must be the length of the file, a whole number of at least 1.')
        name = document.get("file_name")
        if "file_name" in document and not (isinstance(name, str) and 1 <= len(name) <= 1024):
            raise malformed('"file_name" must be a string of 1 to 1,024 characters, or be left out.')
        return cls(content_type=content_type, length=length, file_name=tidy(name))


def appeal_text(body: bytes) -> str:
    """Parse the body of an appeal, `{"text"}`. Raises Problem (400)."""
    document = _object(body, '{"text": "This is a photo of my own painting."}')
    if unknown := sorted(set(document) - {"text"}):
        raise malformed(f"The body has an unknown member {shown(unknown[0])}.")
    text = document.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > TEXT_CHARACTERS:
        raise malformed(
            f'"text" must be a string of 1 to {TEXT_CHARACTERS:,} characters, not only of blanks.'
        )
    if not is_text(text):
        raise malformed('"text" has half of a surrogate pair, which is no character.')
    return text


def shown(value: str) -> str:
    """Quote a client's value for an answer: short, in ASCII, nothing unprintable."""
    return ascii(value if len(value) <= SHOWN else value[:SHOWN] + "...")


def _object(body: bytes, example: str) -> dict[str, Any]:
    if not body:
        raise malformed(f"The body is empty. It must be JSON such as {example}.")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise malformed("The body is not JSON.") from error
    if not isinstance(document, dict):
        raise malformed("The body must be a JSON object.")
    return document
