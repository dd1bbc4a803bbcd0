"""A stack that is served, and everything that can be seen of it from outside: responses, objects, records, news."""

import io
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import urllib3
from boto3.dynamodb.types import TypeDeserializer
from PIL import Image

from components.packaging import PACKAGES_FOR
from embedded_aws.deployment.deploy import Deployment
from embedded_aws.rekognition.cards import draw_card
from embedded_aws.serving.served_world import ServedWorld
from local.serve.__main__ import PROJECT
from local.stacks import deploy, stack_region

STACK = "dev"
ALERTS_ONLY, RESULTS_ONLY, BOTH = "alerts@example.com", "results@example.com", "both@example.com"
ORIGIN = "https://app.example.com"
WIDE = 100_000
PATIENCE = 60.0  # seconds in which something must have come to an end
CONFIGURATION: Mapping[str, Any] = {
    "media-pipeline:notify.alerts": [ALERTS_ONLY, BOTH],
    "media-pipeline:notify.results": [RESULTS_ONLY, BOTH],
    # The least sizes and one format: what is measured is the door, not the pictures.
    "media-pipeline:sizes": {"thumbnail": 150},
    "media-pipeline:formats": ["jpeg"],
    "media-pipeline:api.corsOrigins": [ORIGIN],
    "media-pipeline:api.rate": 10_000,
    "media-pipeline:api.burst": 5_000,
    "media-pipeline:api.quotaPerDay": WIDE,
}


@dataclass(frozen=True)
class Response:
    """One response of the API."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.text)
        return document


class ServedStack:
    """The stack behind its front door."""

    def __init__(self, served: ServedWorld, deployment: Deployment, out: Path) -> None:
        self.served, self.deployment, self.out = served, deployment, out
        self.world = served.world
        self.url: str = deployment.outputs["api_url"]
        self.key: str = deployment.outputs["api_key"]
        self.s3 = self.world.client("s3")
        self.gateway = self.world.client("apigateway")
        self.uploads: str = deployment.outputs["uploads_bucket"]
        self._http = urllib3.PoolManager(maxsize=256)

    def request(
        self, method: str, path: str, body: bytes | None = None, *, key: str | None = "", **headers: str
    ) -> Response:
        """A request with the stack's key, another one, or (None) none; headers with `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["x-api-key"] = key or self.key
        url = path if path.startswith("http") else f"{self.url}{path}"
        got = self._http.request(method, url, body=body, headers=sent, retries=False, timeout=120)
        return Response(
            got.status, {name.lower(): text for name, text in got.headers.items()}, got.data.decode()
        )

    def get_bytes(self, url: str) -> tuple[int, bytes]:
        """What anybody gets who follows a link."""
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
        """Post a file with a form, with fields of it changed or (None) left out; the status of the response."""
        fields = {**form["fields"], **(changed or {})}
        parts: list[tuple[str, Any]] = [(name, value) for name, value in fields.items() if value is not None]
        parts.append(("file", (file_name, data, "application/octet-stream")))
        return self._http.request("POST", form["url"], fields=parts, retries=False, timeout=60).status

    def versions(self) -> list[tuple[str, str]]:
        """Key and version of everything in the uploads bucket, tombstones left out."""
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.uploads)
        return [(found["Key"], found["VersionId"]) for page in pages for found in page.get("Versions", ())]

    def records(self) -> list[dict[str, Any]]:
        deserialize = TypeDeserializer().deserialize
        table = self.deployment.outputs["records_table"]
        pages = self.world.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        return [
            {name: deserialize(value) for name, value in item.items()}
            for page in pages
            for item in page["Items"]
        ]

    def wait_for_outcomes(self, keys: Collection[str] = ()) -> list[dict[str, Any]]:
        """Wait until these keys have a record, every record is announced, and nothing is under way any more.

        Gives all records. Patience is for a while in which nothing changes, not for the whole.
        """
        seen, since = -1, time.monotonic()
        while True:
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
            assert time.monotonic() < since + PATIENCE, f"{len(done)} of {len(keys)} came to an end"
            time.sleep(0.2)

    def log(self, name: str) -> str:
        """Everything that a function printed."""
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
        """The usage plan with tighter limits for a while."""
        (plan,) = self.gateway.get_usage_plans()["items"]
        usual = plan["throttle"]
        self._limit(plan["id"], rate, burst)
        try:
            yield
        finally:
            self._limit(plan["id"], int(usual["rateLimit"]), int(usual["burstLimit"]))

    def disabled_key(self) -> str:
        """A key of the stack's plan that somebody has disabled."""
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
def serve_stack(out: Path) -> Iterator[ServedStack]:
    """The dev stack, deployed and served, with somebody on each list of `notify`, and wide limits."""
    before = os.environ.get(PACKAGES_FOR)
    os.environ[PACKAGES_FOR] = "host"
    try:
        region = stack_region(PROJECT, STACK)
        with ServedWorld(region, logs=out / "logs", outbox=out / "outbox") as served:
            deployment = deploy(PROJECT, STACK, served.world, config_overrides=CONFIGURATION)
            yield ServedStack(served, deployment, out)
    finally:
        if before is None:
            del os.environ[PACKAGES_FOR]
        else:
            os.environ[PACKAGES_FOR] = before


def photo(number: int | str = 0) -> bytes:
    """A small JPEG, another one for each number."""
    data = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").resize((240, 160)).save(data, "JPEG", comment=f"photo {number}")
    return data.getvalue()


def card(**labels: float) -> bytes:
    """A moderation card as JPEG; `_` stands for a space in a label."""
    data = io.BytesIO()
    named = {name.replace("_", " "): confidence for name, confidence in labels.items()}
    draw_card(named).save(data, "JPEG", quality=90)
    return data.getvalue()


def key_of(response: Response | Mapping[str, Any]) -> str:
    """The object's key behind an response."""
    document = response.json if isinstance(response, Response) else response
    return f"api/{document['image_id']}"
