"""An operator's session: plain pulumi commands in a rehearsal, and views of their effects."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from embedded_aws.deployment.leftovers import find_leftovers
from embedded_aws.isolation import ACCOUNT_ID
from local.rehearse.session import STATE_AT_THE_END, Rehearsal

PROJECT = Path(__file__).resolve().parents[2]
NO_CHANGES: dict[str, "Change"] = {}
_NOWHERE = "http://127.0.0.1:9"  # the discard port: a proxy that never answers
_PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class CommandResult:
    """Exit code and output of a command."""

    code: int
    output: str
    errors: str

    @property
    def text(self) -> str:
        return f"{self.output}\n{self.errors}"


@dataclass(frozen=True)
class Change:
    """A step of a preview: the operation, and the properties that cause it."""

    op: str
    properties: tuple[str, ...] = ()


class RehearsalAws:
    """The rehearsal's world behind the interface that the embedded AWS's resource handlers use."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.region = environment["AWS_REGION"]
        self.account_id = ACCOUNT_ID
        self.api_endpoint: str | None = (
            None  # as in the real AWS: only the world itself knows where APIs are served
        )
        self._endpoint = environment["AWS_ENDPOINT_URL"]
        self._session = boto3.session.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
        )
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(
                proxies={}, retries={"total_max_attempts": 1}, account_id_endpoint_mode="disabled"
            )
            self._clients[service] = self._session.client(  # type: ignore[call-overload]
                service, endpoint_url=self._endpoint, config=config
            )
        return self._clients[service]


class OperatorSession:
    """One open rehearsal. No command that it starts can reach a network other than loopback."""

    def __init__(self, rehearsal: Rehearsal, *, checkpoints: bool) -> None:
        self.rehearsal = rehearsal
        self.stack = rehearsal.stack
        left_out = STATE_AT_THE_END if checkpoints else {}
        self.environment = {
            **{name: value for name, value in rehearsal.environment.items() if name not in left_out},
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), _NOWHERE),
        }
        self.aws = RehearsalAws(rehearsal.world.environment)

    def pulumi(self, *arguments: str, expect: int | None = 0) -> CommandResult:
        """Run a pulumi command; fail with its output if the exit code is not `expect` (None: any)."""
        ran = subprocess.run(
            self.command(*arguments),
            cwd=self.rehearsal.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        done = CommandResult(ran.returncode, ran.stdout, ran.stderr)
        assert expect is None or done.code == expect, (
            f"pulumi {' '.join(arguments)}: {done.code}\n{done.text}"
        )
        return done

    def command(self, *arguments: str) -> list[str]:
        engine = shutil.which("pulumi")
        assert engine is not None
        return [engine, *arguments, "--non-interactive", "--color=never"]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a pulumi command in its own process group, so that it can be killed."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.rehearsal.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=os.name != "nt",
        )

    def up(self, *arguments: str) -> CommandResult:
        return self.pulumi("up", "--yes", "--skip-preview", *arguments)

    def config_set(self, key: str, value: str) -> None:
        self.pulumi("config", "set", "--path", key, value)

    def preview(self, *arguments: str) -> dict[str, Change]:
        """Return what `pulumi preview` would change: resource name -> change."""
        return _changes(json.loads(self.pulumi("preview", "--json", *arguments).output).get("steps", []))

    def changes(self) -> dict[str, Change]:
        """Update the stack, and return what a preview right before it would have shown."""
        lines = (line for line in self.up("--json").output.splitlines() if line.startswith("{"))
        begun = (json.loads(line).get("resourcePreEvent") for line in lines)
        return _changes(event["metadata"] for event in begun if event)

    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json").output)
        return outputs

    def state(self) -> list[dict[str, Any]]:
        """Return the resources in the engine's state."""
        deployment = self.export()["deployment"]
        resources: list[dict[str, Any]] = deployment.get("resources") or []
        return resources

    def named(self, type_: str) -> set[str]:
        """Return the names of all resources of a type, such as `Function`."""
        return {
            resource["urn"].rsplit("::", 1)[-1]
            for resource in self.state()
            if resource["type"].endswith(f":{type_}")
        }

    def export(self) -> dict[str, Any]:
        exported: dict[str, Any] = json.loads(self.pulumi("stack", "export").output)
        return exported

    def leftovers(self) -> list[str]:
        """Return what the world still contains."""
        return find_leftovers(self.aws)

    def process(self, photo: Path) -> dict[str, Any]:
        """Upload a photo; wait for its terminal, announced record and return it."""
        outputs = self.outputs()
        put = self.aws.client("s3").put_object(
            Bucket=outputs["uploads_bucket"], Key=photo.name, Body=photo.read_bytes()
        )
        return self.settled(photo.name, put["VersionId"])

    def settled(self, key: str, version: str) -> dict[str, Any]:
        """Wait for the terminal, announced record of an object version and return it."""
        table = self.outputs()["records_table"]
        deadline = time.monotonic() + _PATIENCE
        record: dict[str, Any] = {}
        while time.monotonic() < deadline:
            record = self.record(key, version, table=table)
            if "announced_at" in record:
                return record
            time.sleep(0.1)
        raise AssertionError(f"{key} was not done after {_PATIENCE} s: {record}")

    def record(self, key: str, version: str, *, table: str | None = None) -> dict[str, Any]:
        """Return the record of an object version, or an empty dictionary."""
        found = self.aws.client("dynamodb").query(
            TableName=table or self.outputs()["records_table"],
            KeyConditionExpression="object_key = :key",
            ExpressionAttributeValues={":key": {"S": key}},
            ConsistentRead=True,
        )["Items"]
        read = TypeDeserializer().deserialize
        items = [{name: read(value) for name, value in item.items()} for item in found]
        return next((item for item in items if item.get("version_id") == version), {})

    def move_program(self, checkout: Path) -> None:
        """Use the program of another checkout from now on."""
        path = self.rehearsal.folder / "Pulumi.yaml"
        described = yaml.safe_load(path.read_text("utf-8"))
        path.write_text(yaml.safe_dump({**described, "main": str(checkout)}), "utf-8")


def _changes(steps: Iterable[dict[str, Any]]) -> dict[str, Change]:
    return {
        step["urn"].rsplit("::", 1)[-1]: Change(step["op"], tuple(sorted(step.get("detailedDiff") or {})))
        for step in steps
        if step["op"] in ("create", "update", "delete", "replace")
    }


@contextmanager
def operator_session(stack: str, *, checkpoints: bool = False, **options: Any) -> Iterator[OperatorSession]:
    """Open a rehearsal; close it afterwards. `checkpoints`: where an update is to fail or to be killed."""
    with Rehearsal(stack, **options) as rehearsal:
        yield OperatorSession(rehearsal, checkpoints=checkpoints)
