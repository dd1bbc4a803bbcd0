"""The page's own server: it serves the page, and asks the upload API with the key that no page may have.

    API_URL=... API_KEY=... python examples/browser/server.py     # http://localhost:8000

Standard library only. Everybody who reaches it may upload: sign your users in before you copy it.
"""

import os
import re
import sys
import urllib.error
import urllib.request
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
PAGES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/app.js": ("app.js", "text/javascript; charset=utf-8"),
    "/uploads.js": ("uploads.js", "text/javascript; charset=utf-8"),
    "/thumbhash.js": ("thumbhash.js", "text/javascript; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
}
IMAGE = re.compile(r"/images/([a-z2-7]{32})")
MOST_BYTES = 4096  # of a request for a form
SECONDS = 30.0


class Handler(BaseHTTPRequestHandler):
    """Serves the page, `POST /uploads` for a form, and `GET /images/{id}` for what became of an upload."""

    api_url: str
    api_key: str
    timeout = SECONDS

    def do_GET(self) -> None:
        """Answer with a file of the page, or with an image's status."""
        image = IMAGE.fullmatch(self.path)
        if image:
            self._ask("GET", f"/v1/images/{image[1]}")
        elif self.path in PAGES:
            name, content_type = PAGES[self.path]
            self._answer(HTTPStatus.OK, (HERE / name).read_bytes(), {"Content-Type": content_type})
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"", {})

    def do_POST(self) -> None:
        """Answer with a form for one upload."""
        length = self.headers.get("Content-Length", "")
        if self.path != "/uploads" or not length.isdecimal() or int(length) > MOST_BYTES:
            self._answer(HTTPStatus.NOT_FOUND, b"", {})
            return
        self._ask("POST", "/v1/uploads", self.rfile.read(int(length)))

    def _ask(self, method: str, path: str, body: bytes | None = None) -> None:
        """Pass a request on to the API, and its answer back."""
        headers = {"x-api-key": self.api_key, "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the API's own address
            self.api_url + path, data=body, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                self._pass_back(answer.status, answer.read(), answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                self._pass_back(error.code, error.read(), error.headers)
        except OSError as error:
            print(f"the API cannot be reached: {error}", file=sys.stderr)
            detail = b'{"detail": "The service cannot be reached."}'
            self._answer(HTTPStatus.BAD_GATEWAY, detail, {"Content-Type": "application/json"})

    def _pass_back(self, status: int, body: bytes, headers: Message) -> None:
        kept = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        if retry := headers.get("Retry-After"):
            kept["Retry-After"] = retry
        self._answer(status, body, kept)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log no requests."""


def main() -> None:
    """Serve until the process is stopped."""
    Handler.api_url, Handler.api_key = os.environ["API_URL"], os.environ["API_KEY"]
    port = int(os.environ.get("PORT", "8000"))
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        print(f"http://localhost:{port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
