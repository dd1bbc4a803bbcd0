"""The upload API inside a simulation, and a client that repeats its requests as the documents ask.

The real function answers REST proxy events; each request is an invocation of its own. A request that is not answered
with success is sent again with the same Idempotency-Key.
"""

import itertools
import json
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse

from media_pipeline.api.names import derived_image_id
from media_pipeline.bootstrap import clients
from media_pipeline.bootstrap.api import api
from media_pipeline.settings.api import ApiSettings
from tests.faults.fault_injection import Call
from tests.faults.history import NULL
from tests.faults.published_content import LOOKS
from tests.faults.record_items import WITHHELD
from tests.faults.sample_uploads import Content, draw
from tests.faults.simulated_functions import ClientPool, QuietObservability
from tests.faults.simulated_invocation import Invocation
from tests.faults.simulated_stack import API_PREFIX, RENDITIONS, TABLE, UPLOADS
from tests.faults.virtual_time import KilledError
from tests.fixtures.rest_proxy import rest_proxy_event

if TYPE_CHECKING:
    from tests.faults.simulation import Simulation

UPLOAD_API = "upload-api"
TIMEOUT = 29.0  # seconds, of the function
TRIES = 6  # of one upload by its client
PAUSE = 3.0  # seconds between two of them
UPLOAD, IMAGE = "/v1/images/upload", "/v1/images/"
UPLOAD_FORMS = "/v1/uploads"
OK, CREATED, ACCEPTED = 200, 201, 202
CONFLICT = 409
APPEAL_DAYS = 30
APPEAL_TEXT = "This is a photo of my own painting."


class ApiClient:
    """Uploads, and asks what became of uploads."""

    def __init__(self, run: "Simulation", pool: ClientPool) -> None:
        self._run = run
        self._pool = pool
        self._warm: list[Any] = []  # functions that no request uses now
        self._sent: dict[str, tuple[Content, int]] = {}  # Idempotency-Key -> what is uploaded
        self._current: dict[Invocation, tuple[Content, int]] = {}
        self._ids: dict[str, str] = {}  # Idempotency-Key -> id
        self._numbers = itertools.count()  # of ids that are drawn
        self._stored: set[str] = set()  # keys that hold or held an object

    def upload(self, kind: Content, number: int) -> None:
        """Start an upload; its client tries it up to TRIES times."""
        name = f"upload-{number}"
        self._sent[name] = kind, number
        self._try(name, 1)

    def ask_for_form(self, kind: Content, number: int) -> None:
        """Ask for a form, and post it if one is given."""
        data = draw(kind, number)
        body = json.dumps({"content_type": "image/jpeg", "bytes": len(data), "file_name": "a.jpg"}).encode()

        def answered(status: int, document: Any) -> None:
            if status == CREATED:
                self._run.put(document["fields"]["key"], kind, number)

        self._request("POST", UPLOAD_FORMS, body, {"Content-Type": "application/json"}, answered)

    def appeal(self, key: str, count: int = 1) -> None:
        """Appeal against what became of an upload; its client tries it up to TRIES times."""
        body = json.dumps({"text": APPEAL_TEXT}).encode()
        path = f"{IMAGE}{key.removeprefix(API_PREFIX)}/appeal"

        def answered(status: int, _: Any) -> None:
            if status == ACCEPTED:
                self._run.history.appealed.add(key)
            elif status != CONFLICT and count < TRIES:
                self._run.clock.after(PAUSE, lambda: self.appeal(key, count + 1))

        self._request("POST", path, body, {"Content-Type": "application/json"}, answered)

    def look(self, image_id: str) -> None:
        """Ask what became of an upload, and check that the answer shows nothing that is withheld."""

        def answered(status: int, document: Any) -> None:
            if status == OK and document["status"] in WITHHELD:
                shown = [name for name in LOOKS if document.get(name) is not None]
                if shown or document["renditions"]:
                    self._violation(
                        f"the API shows {shown} and {document['renditions']} of a withheld upload"
                    )

        self._request("GET", IMAGE + image_id, None, {}, answered)

    def look_at_all(self) -> None:
        """Ask for every upload once nothing is due, and compare the answers with the records."""
        for key in sorted(self._stored):
            self._request("GET", IMAGE + key.removeprefix(API_PREFIX), None, {}, self._final(key))

    def stored(self, call: Call, response: AWSResponse) -> None:
        """Note a put that S3 carried out, and send its event."""
        key = str(call.params["Key"])
        if key in self._stored:
            self._violation(f"the API stored {key} twice")
        self._stored.add(key)
        kind, number = self._current[call.invocation]
        headers = {name.lower(): value for name, value in response.headers.items()}
        version_id = headers.get("x-amz-version-id", NULL)  # moto names none while versioning is suspended
        self._run.note_upload(key, kind, number, version_id, headers["etag"].strip('"'))

    def _final(self, key: str) -> Any:
        newest = next(
            (
                item
                for item in reversed(self._run.stack.items(key))
                if item.get("reason") != "already_uploaded" and not item.get("undone")
            ),
            None,
        )

        def answered(status: int, document: Any) -> None:
            expected = newest["status"] if newest else "RECEIVED"
            if status != OK or document["status"] != expected:
                self._violation(f"the API answers {status} {document} for {key}, which is {expected}")
            elif bool(document["renditions"]) != (expected == "PUBLISHED"):
                self._violation(f"the API shows the renditions {document['renditions']} of {key}: {expected}")

        return answered

    def _try(self, name: str, count: int) -> None:
        kind, number = self._sent[name]

        def answered(status: int, document: Any) -> None:
            if status == ACCEPTED:
                known = self._ids.setdefault(name, document["image_id"])
                if known != document["image_id"] or API_PREFIX + known not in self._stored:
                    self._violation(f"{name} was accepted as {document['image_id']}, and {known} is stored")
                self._run.clock.after(PAUSE, lambda: self.look(known))
            elif count < TRIES:
                self._run.clock.after(PAUSE, lambda: self._try(name, count + 1))

        headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": name}
        self._request("POST", UPLOAD, draw(kind, number), headers, answered, (kind, number))

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        answered: Any,
        subject: tuple[Content, int] | None = None,
    ) -> None:
        """Send a request; `answered` gets status and document, (0, None) where the function was killed."""
        invocation = self._run.functions.outside(UPLOAD_API, TIMEOUT)
        if subject is not None:
            self._current[invocation] = subject
        function = self._warm.pop() if self._warm else self._build()

        def run() -> None:
            status, document = 0, None
            try:
                answer = function(rest_proxy_event(method, path, body, headers), invocation)
                status, document = int(answer["statusCode"]), json.loads(answer["body"])
                self._warm.append(function)
            except KilledError:
                pass
            finally:
                invocation.alive = False
            answered(status, document)

        self._run.clock.spawn(run, invocation)

    def _build(self) -> Any:
        s3, without_retries, dynamodb = self._pool.api_clients(_create_clients)
        settings = ApiSettings(
            uploads_bucket=UPLOADS,
            uploads_prefix=API_PREFIX,
            renditions_bucket=RENDITIONS,
            records_table=TABLE,
            id_secret="of the simulation",
            image_bytes=1_000_000,
            video_bytes=None,
            cors_origins=(),
            tracing=False,
            appeal_days=APPEAL_DAYS,
        )
        return api(
            settings,
            s3,
            dynamodb,
            QuietObservability(self._run.network.compute),
            lambda: self._run.clock.now,
            s3_without_retries=without_retries,
            sleep=self._sleep,
            new_image_id=self._new_image_id,
        )

    def _new_image_id(self) -> str:
        """Return an id that is the same in each run of a seed."""
        return derived_image_id("of the simulation", "without an Idempotency-Key", str(next(self._numbers)))

    def _sleep(self, seconds: float) -> None:
        task = self._run.clock.current
        subject: Any = task.subject if task else None
        subject.sleep(seconds)

    def _violation(self, what: str) -> None:
        self._run.checker.add_violation(what)


def _create_clients() -> tuple[Any, Any, Any]:
    return clients.signing_s3(TIMEOUT), clients.signing_s3(TIMEOUT, attempts=1), clients.dynamodb(TIMEOUT)
