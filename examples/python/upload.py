"""Upload a photo or video through the API, wait for its outcome, and print what is published of it.

    API_URL=... API_KEY=... python examples/python/upload.py photo.jpg

Standard library only. An upload that is repeated with the same `Idempotency-Key` is stored once, so every request here
can be sent again.
"""

import json
import mimetypes
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FINAL = frozenset({"PUBLISHED", "BLOCKED", "REVIEW", "REJECTED", "FAILED", "SUPERSEDED", "DELETED"})
AT_ONCE_BYTES = 4_000_000  # in one request; larger files, and videos, go straight to S3 with a form
ATTEMPTS = 5
SECONDS = 60.0


class RefusedError(Exception):
    """The API refused the request; the text is its `detail`, which is for people."""


class Client:
    """The upload API of one stack."""

    def __init__(self, api_url: str, api_key: str) -> None:
        self._url, self._key = api_url, api_key

    def upload(self, file: Path) -> str:
        """Upload a file; return its image id."""
        data, kind = file.read_bytes(), mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        once = {"Idempotency-Key": str(uuid.uuid4())}
        if kind.startswith("image/") and len(data) <= AT_ONCE_BYTES:
            return str(self._ask("POST", "/v1/images/upload", data, once)["image_id"])
        wanted = json.dumps({"content_type": kind, "bytes": len(data)}).encode()
        form = self._ask("POST", "/v1/uploads", wanted, {**once, "Content-Type": "application/json"})
        body, content_type = multipart(form["fields"], data)
        send(urllib.request.Request(form["url"], body, {"Content-Type": content_type}))  # noqa: S310
        return str(form["image_id"])

    def wait(self, image_id: str, *, seconds: float = 900.0) -> dict[str, Any]:
        """Return the image once nothing more happens to it by itself; raise TimeoutError if that takes too long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            image = self.image(image_id)
            if image is not None and image["status"] in FINAL:
                return image
            time.sleep(1.0)
        raise TimeoutError(f"{image_id} is not finished after {seconds:.0f} s")

    def image(self, image_id: str) -> dict[str, Any] | None:
        """Return what the API says now, with links that work for 15 minutes; None before its bytes have arrived."""
        try:
            return self._ask("GET", f"/v1/images/{image_id}")
        except LookupError:
            return None

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        sent = {"x-api-key": self._key, **(headers or {})}
        request = urllib.request.Request(self._url + path, body, sent, method=method)  # noqa: S310
        document: dict[str, Any] = json.loads(send(request))
        return document


def send(request: urllib.request.Request) -> bytes:
    """Return the body of the answer; wait and send again where the service asks for that.

    Raises LookupError for 404, RefusedError for what would be refused again.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            with error:
                detail = error.read().decode("utf-8", "replace")
            if error.code == 404:
                raise LookupError(detail) from error
            if attempt == ATTEMPTS or (error.code < 500 and error.code != 429):
                raise RefusedError(_detail(detail)) from error
            time.sleep(float(error.headers.get("Retry-After") or attempt))
    raise AssertionError("the last attempt returns or raises")


def multipart(fields: Mapping[str, str], data: bytes) -> tuple[bytes, str]:
    """Return the body of a form, with the file last as S3 wants it, and its content type."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    head = "".join(parts) + (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n'
    )
    return (
        head.encode() + data + f"\r\n--{boundary}--\r\n".encode(),
        f"multipart/form-data; boundary={boundary}",
    )


def _detail(text: str) -> str:
    try:
        return str(json.loads(text)["detail"])
    except (ValueError, KeyError, TypeError):
        return text


def main() -> int:
    """Upload the file that is named on the command line."""
    client = Client(os.environ["API_URL"], os.environ["API_KEY"])
    try:
        image = client.wait(client.upload(Path(sys.argv[1])))
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 1
    print(image["status"], image.get("reason", ""))
    for each in image.get("renditions", ()):
        print(f"{each['name']:12} {each['format']:5} {each['width']} x {each['height']}  {each['url']}")
    return 0 if image["status"] == "PUBLISHED" else 1


if __name__ == "__main__":
    sys.exit(main())
