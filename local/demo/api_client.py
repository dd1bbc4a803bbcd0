"""The stack's upload API, as its users call it: a picture's bytes in, the object's key out."""

import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from json import loads
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from local.demo.photos import Photo

PREFIX = "api/"  # of the keys that the API gives
_MOST_BYTES = 4_694_016  # what fits, with the rest of an event, into what a function is given
_SECONDS = 40.0  # above API Gateway's own limit
_ATTEMPTS = 20
_NOT_FOR_THE_API = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)


class ApiClientError(Exception):
    """The API does not answer as it should; the message is for people."""


@dataclass(frozen=True)
class ApiClient:
    """One stack's API: its address with the stage, and a key."""

    url: str
    key: str

    def upload(self, photo: Photo) -> str | None:
        """Send one file, and return its object's key; None where the API takes no such file, and keeps none.

        Waits as long as the API asks for. Raises ApiClientError, and OSError where the file cannot be read.
        """
        body = photo.path.read_bytes()
        if len(body) > _MOST_BYTES:
            return None
        headers = {
            "x-api-key": self.key,
            "Content-Type": "application/octet-stream",
            "Idempotency-Key": str(uuid4()),
            "X-File-Name": quote(photo.path.name.encode("utf-8", "replace")),
        }
        request = urllib.request.Request(  # noqa: S310 - the stack's own address
            f"{self.url}/v1/images/upload", data=body, headers=headers, method="POST"
        )
        for _ in range(_ATTEMPTS):
            try:
                return f"{PREFIX}{self._sent(request)['image_id']}"
            except urllib.error.HTTPError as answer:
                with answer:
                    if answer.code in _NOT_FOR_THE_API:
                        return None
                    if answer.code not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
                        raise ApiClientError(f"the API answered {answer.code} {answer.reason}") from answer
                    time.sleep(float(answer.headers.get("Retry-After", 1)))
            except urllib.error.URLError as error:
                raise ApiClientError(f"the API cannot be reached: {error.reason}") from error
        raise ApiClientError(f"the API had no room in {_ATTEMPTS} attempts")

    @staticmethod
    def _sent(request: urllib.request.Request) -> dict[str, Any]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy
        with opener.open(request, timeout=_SECONDS) as answer:
            document: dict[str, Any] = loads(answer.read())
        return document
