"""Receive the outcomes that `notify.webhooks` posts: confirm the subscription, verify signatures, print each outcome.

    pip install cryptography
    python receive_webhooks.py --topic "$(pulumi stack output events_topic_arn)" --port 8080

Put a proxy with HTTPS in front of it. `Verifier` is what to copy into a service of your own: a message is taken only if
it is of the one topic, if its signature (version 2, SHA256) is by a certificate from Amazon SNS itself, and if it is
fresh. SNS delivers at least once: `alert_id` tells repetitions apart.
"""

import argparse
import base64
import json
import re
import sys
import urllib.request
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SNS_HOST = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-\d+\.amazonaws\.com(\.cn)?")
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
"""By type of message, the members that are signed, in this order (Amazon SNS Developer Guide, "Verifying the signatures
of Amazon SNS messages")."""
MOST_BYTES = 512 * 1024  # SNS's messages have up to 256 KB, and their text may be escaped
MOST_AGE = timedelta(hours=1)  # retries last three quarters of an hour
SECONDS = 10.0


class NotTakenError(Exception):
    """The message is not of the topic, not by SNS, or too old; the text says which."""


class Verifier:
    """Verifies messages of one topic. `sns` is where SNS's URLs lead in place of AWS: the embedded AWS, in tests."""

    def __init__(self, topic_arn: str, sns: str | None = None) -> None:
        self._topic_arn = topic_arn
        self._sns = sns
        self._keys: dict[str, rsa.RSAPublicKey] = {}

    def verify(self, body: bytes) -> Mapping[str, str]:
        """Return the message; raise NotTakenError where it must not be believed."""
        try:
            message: Mapping[str, str] = json.loads(body)
            signed = SIGNED[message["Type"]]
            lines = "".join(f"{name}\n{message[name]}\n" for name in signed if name in message)
            signature = base64.b64decode(message["Signature"], validate=True)
            sent = datetime.fromisoformat(message["Timestamp"])
            certificate_url, version = message["SigningCertURL"], message["SignatureVersion"]
        except (ValueError, KeyError, TypeError) as error:
            raise NotTakenError(f"it is not a message of SNS: {error!r}") from error
        if message.get("TopicArn") != self._topic_arn:
            raise NotTakenError(f"it is of another topic: {message.get('TopicArn')!r}")
        if version != "2":
            raise NotTakenError(f"its signature has version {version!r}, not 2")
        try:
            self._key(certificate_url).verify(signature, lines.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature as error:
            raise NotTakenError("its signature is wrong") from error
        if abs(datetime.now(UTC) - sent) > MOST_AGE:
            raise NotTakenError(f"it was sent at {sent}")
        return message

    def confirm(self, message: Mapping[str, str]) -> None:
        """Visit the URL that confirms the subscription; only after `verify`."""
        self._fetch(message["SubscribeURL"])

    def _key(self, url: str) -> rsa.RSAPublicKey:
        if url not in self._keys:
            key = x509.load_pem_x509_certificate(self._fetch(url)).public_key()
            if not isinstance(key, rsa.RSAPublicKey):
                raise NotTakenError("its certificate has no RSA key")
            self._keys[url] = key
        return self._keys[url]

    def _fetch(self, url: str) -> bytes:
        """Get what a URL of SNS leads to; whoever else could serve a certificate could sign messages."""
        parts = urlsplit(url)
        is_aws = parts.scheme == "https" and SNS_HOST.fullmatch(parts.netloc) is not None
        is_chosen = self._sns is not None and f"{parts.scheme}://{parts.netloc}" == self._sns
        if not (is_chosen or (self._sns is None and is_aws)):
            raise NotTakenError(f"it names {url!r}, which is not Amazon SNS")
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - checked above
            fetched: bytes = answer.read(MOST_BYTES)
            return fetched


class Outcomes:
    """What is done about outcomes: here they are printed, each once."""

    def __init__(self, remembered: int = 10_000) -> None:
        self._remembered = remembered
        self._seen: OrderedDict[str, None] = OrderedDict()

    def take(self, outcome: Mapping[str, object]) -> None:
        """Print an outcome, unless it was printed before. A service would keep `alert_id` where it keeps the rest."""
        alert_id = str(outcome["alert_id"])
        if alert_id in self._seen:
            return
        self._seen[alert_id] = None
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        print(f"{outcome['status']} {outcome['object_key']}", flush=True)


def serve(verifier: Verifier, outcomes: Outcomes, port: int) -> None:
    """Serve until the process is stopped."""

    class Handler(BaseHTTPRequestHandler):
        """Answer 200 for what was taken, 403 for what is not believed, which SNS does not send again."""

        timeout = SECONDS

        def do_POST(self) -> None:
            """Take one message of SNS."""
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MOST_BYTES:
                self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return
            try:
                message = verifier.verify(self.rfile.read(int(length)))
                if message["Type"] == "SubscriptionConfirmation":
                    verifier.confirm(message)
                    print("the subscription is confirmed", flush=True)
                else:
                    outcomes.take(json.loads(message["Message"]))
            except NotTakenError as error:
                print(f"not taken: {error}", file=sys.stderr, flush=True)
                self._answer(HTTPStatus.FORBIDDEN)
            except (
                OSError
            ) as error:  # SNS could not be reached for its certificate: it sends the message again
                print(f"later: {error}", file=sys.stderr, flush=True)
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE)
            else:
                self._answer(HTTPStatus.OK)

        def _answer(self, status: HTTPStatus) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Log no requests."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        print(f"waiting at http://localhost:{server.server_address[1]}/", flush=True)
        server.serve_forever()


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description="Receive the outcomes of a stack.")
    parser.add_argument("--topic", required=True, help="the stack's output events_topic_arn")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--sns", help="take messages of the embedded AWS at this address instead of AWS's")
    options = parser.parse_args()
    serve(Verifier(options.topic, options.sns), Outcomes(), options.port)


if __name__ == "__main__":
    main()
