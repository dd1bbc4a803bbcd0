"""The dev stack, served, as clients and operators see it: responses, objects, records, logs, emails."""

import io
import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import urllib3
from PIL import Image

from embedded_aws.rekognition.cards import draw_card
from embedded_aws.serving.served_world import ServedWorld
from media_pipeline.records.decisions import Action
from tests.fixtures.deployed_stack import DeployedStack, Record, deploy_into, packages_for_host, region_of

ALERTS_ONLY, RESULTS_ONLY, BOTH = "alerts@example.com", "results@example.com", "both@example.com"
ORIGIN = "https://app.example.com"
WIDE = 100_000
PATIENCE = 60.0  # seconds without any progress after which a test fails
CONFIGURATION: Mapping[str, Any] = {
    "media-pipeline:notify.alerts": [ALERTS_ONLY, BOTH],
    "media-pipeline:notify.results": [RESULTS_ONLY, BOTH],
    # One small size and one format: these are tests of the API, not of the pictures.
    "media-pipeline:sizes": {"thumbnail": 150},
    "media-pipeline:formats": ["jpeg"],
    "media-pipeline:api.corsOrigins": [ORIGIN],
    "media-pipeline:api.rate": 10_000,
    "media-pipeline:api.burst": 5_000,
    "media-pipeline:api.quotaPerDay": WIDE,
    "media-pipeline:review": {"appealDays": 14},
}
REVIEWER = "arn:aws:iam::123456789012:user/reviewer"


@dataclass(frozen=True)
class Response:
    """A response of the API."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.text)
        return document


def pause_after(began: float) -> float:
    """Return the seconds until all records may be read again, so that reading them does not hold the work up."""
    return max(0.2, 4 * (time.monotonic() - began))


class ServedStack:
    """The stack behind its API."""

    def __init__(self, served: ServedWorld, deployed: DeployedStack, out: Path) -> None:
        self.served, self.deployed, self.out = served, deployed, out
        self.world = served.world
        self.outputs = deployed.outputs
        self.url: str = self.outputs["api_url"]
        self.key: str = self.outputs["api_key"]
        self.s3 = self.world.client("s3")
        self.gateway = self.world.client("apigateway")
        self.uploads: str = self.outputs["uploads_bucket"]
        self._http = urllib3.PoolManager(maxsize=256)

    def request(
        self, method: str, path: str, body: bytes | None = None, *, key: str | None = "", **headers: str
    ) -> Response:
        """Send a request with the stack's API key, another one, or none (None); header names have `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["x-api-key"] = key or self.key
        url = path if path.startswith("http") else f"{self.url}{path}"
        got = self._http.request(method, url, body=body, headers=sent, retries=False, timeout=120)
        return Response(
            got.status, {name.lower(): text for name, text in got.headers.items()}, got.data.decode()
        )

    def get_bytes(self, url: str) -> tuple[int, bytes]:
        """Return status and body of a GET without an API key."""
        got = self._http.request("GET", url, retries=False, timeout=60)
        return got.status, got.data

    def upload(self, data: bytes, *, key: str | None = "", **headers: str) -> Response:
        return self.request("POST", "/v1/images/upload", data, key=key, **headers)

    def form(self, data: bytes, content_type: str = "image/jpeg", **more: Any) -> dict[str, Any]:
        body = {"content_type": content_type, "bytes": len(data), **more}
        response = self.request("POST", "/v1/uploads", json.dumps(body).encode())
        assert response.status == 201, response
        return response.json

    def post_form(
        self,
        form: Mapping[str, Any],
        data: bytes,
        changed: Mapping[str, str | None] | None = None,
        *,
        file_name: str = "photo.jpg",
    ) -> int:
        """Post a file with a form whose fields may be changed or (None) left out; return the status of the response."""
        fields = {**form["fields"], **(changed or {})}
        parts: list[tuple[str, Any]] = [(name, value) for name, value in fields.items() if value is not None]
        parts.append(("file", (file_name, data, "application/octet-stream")))
        return self._http.request("POST", form["url"], fields=parts, retries=False, timeout=60).status

    def versions(self) -> list[tuple[str, str]]:
        """Return key and version id of every original in the uploads bucket."""
        return self.deployed.uploaded_versions()

    def records(self) -> list[Record]:
        """Return all records."""
        return self.deployed.records()

    def status(self, key: str) -> str | None:
        """Return the status of a key's newest record; None without one."""
        records = self.deployed.records(key)
        return str(records[-1]["status"]) if records else None

    def appeal(self, image: Mapping[str, Any], text: str) -> Response:
        """Appeal against what became of an upload."""
        body = json.dumps({"text": text}).encode()
        path = f"/v1/images/{image['image_id']}/appeal"
        return self.request("POST", path, body, Content_Type="application/json")

    def decide(self, key: str, action: Action) -> None:
        """Have a person decide about what waits under a key, by the ask side of the console."""
        self.deployed.decide(key, action, REVIEWER)

    def wait_for_outcomes(self, keys: Collection[str] = ()) -> list[dict[str, Any]]:
        """Wait until these keys have a record, every record is announced, and nothing is in progress.

        Return all records. Fail after PATIENCE seconds in which no further record was announced.
        """
        seen, since = -1, time.monotonic()
        while True:
            read = time.monotonic()
            records = self.records()
            done = [record["object_key"] for record in records if "announced_at" in record]
            if (
                len(done) == len(records)
                and set(keys) <= set(done)
                and self.served.poller.idle()
                and self.served.functions.events.pending == 0
            ):
                return records
            if len(done) != seen:
                seen, since = len(done), time.monotonic()
            assert time.monotonic() < since + PATIENCE, f"{len(done)} of {len(keys)} are announced"
            time.sleep(pause_after(read))

    def log(self, name: str) -> str:
        """Return everything that a function printed."""
        file = self.out / "logs" / f"{name}.log"
        return file.read_bytes().decode() if file.exists() else ""

    def logged_outcomes(self) -> list[dict[str, Any]]:
        lines = [
            json.loads(line) for line in self.log("log_notification").split("\n") if line.startswith("{")
        ]
        return [line for line in lines if {"object_key", "status"} <= line.keys()]

    def emails(self) -> list[EmailMessage]:
        files = sorted((self.out / "outbox").glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]

    @contextmanager
    def throttled(self, rate: int, burst: int) -> Iterator[None]:
        """Lower the limits of the usage plan for a while."""
        (plan,) = self.gateway.get_usage_plans()["items"]
        usual = plan["throttle"]
        self._limit(plan["id"], rate, burst)
        try:
            yield
        finally:
            self._limit(plan["id"], int(usual["rateLimit"]), int(usual["burstLimit"]))

    def disabled_key(self) -> str:
        """Return a disabled API key of the stack's usage plan."""
        (plan,) = self.gateway.get_usage_plans()["items"]
        made = self.gateway.create_api_key(name="disabled", enabled=True)
        self.gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=made["id"], keyType="API_KEY")
        value: str = made["value"]
        assert self.request("GET", f"/v1/images/{'a' * 32}", key=value).status == 404  # it did work
        off = [{"op": "replace", "path": "/enabled", "value": "false"}]
        self.gateway.update_api_key(apiKey=made["id"], patchOperations=off)
        return value

    def _limit(self, plan: str, rate: int, burst: int) -> None:
        limits = (("/throttle/rateLimit", rate), ("/throttle/burstLimit", burst))
        operations = [{"op": "replace", "path": path, "value": str(value)} for path, value in limits]
        self.gateway.update_usage_plan(usagePlanId=plan, patchOperations=operations)


@contextmanager
def serve_stack(out: Path, more: Mapping[str, Any] | None = None) -> Iterator[ServedStack]:
    """Deploy and serve the dev stack with an address on each list of `notify`, high limits, and `more` of its keys."""
    with packages_for_host(), ServedWorld(region_of(), logs=out / "logs", outbox=out / "outbox") as served:
        deployed = deploy_into(served.world, config_overrides={**CONFIGURATION, **(more or {})})
        yield ServedStack(served, deployed, out)


def photo(number: int | str = 0) -> bytes:
    """Return a small JPEG, different for each number."""
    data = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").resize((240, 160)).save(data, "JPEG", comment=f"photo {number}")
    return data.getvalue()


def card(**labels: float) -> bytes:
    """Return a moderation card as JPEG; in names of labels `_` stands for a space."""
    data = io.BytesIO()
    named = {name.replace("_", " "): confidence for name, confidence in labels.items()}
    draw_card(named).save(data, "JPEG", quality=90)
    return data.getvalue()


def key_of(response: Response | Mapping[str, Any]) -> str:
    """Return the object key of an upload's response."""
    document = response.json if isinstance(response, Response) else response
    return f"api/{document['image_id']}"
