"""A world with tiny functions, each from a few lines of source."""

import io
import json
import textwrap
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.runtime.functions import Functions
from embedded_aws.world import World

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def zipped(files: Mapping[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, source in files.items():
            archive.writestr(path, textwrap.dedent(source))
    return data.getvalue()


@dataclass
class Stack:
    """Deploys into a world what a test needs, under names of its own."""

    world: World
    made: int = 0
    roles: dict[str, str] = field(default_factory=dict)

    def name(self, kind: str) -> str:
        self.made += 1
        return f"{kind}-{self.made}"

    def role(self, *actions: str) -> str:
        iam, name = self.world.client("iam"), self.name("role")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        if actions:
            statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)
        return arn

    def function(
        self,
        source: str,
        *,
        layer: Mapping[str, str] | None = None,
        actions: tuple[str, ...] = ("sqs:*", "logs:*"),
        module: str = "app",
        **settings: Any,
    ) -> str:
        client, name = self.world.client("lambda"), self.name("function")
        layers = []
        if layer is not None:
            published = client.publish_layer_version(
                LayerName=self.name("layer"), Content={"ZipFile": zipped(layer)}
            )
            layers = [published["LayerVersionArn"]]
        self.world.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
        client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler=f"{module}.handler",
            Role=self.role(*actions),
            Code={"ZipFile": zipped({f"{module}.py": source})},
            Layers=layers,
            **{"Timeout": 20, "MemorySize": 512, **settings},
        )
        return name

    def withdraw(self, function: str) -> None:
        """Take all permissions from a function's role."""
        settings = self.world.client("lambda").get_function_configuration(FunctionName=function)
        role = settings["Role"].rsplit("/", 1)[-1]
        self.world.client("iam").delete_role_policy(RoleName=role, PolicyName="all")

    def queue(self, *, dead_letters: str | None = None, receives: int = 3, visibility: int = 60) -> str:
        attributes = {"VisibilityTimeout": str(visibility)}
        if dead_letters is not None:
            policy = {"deadLetterTargetArn": self.queue_arn(dead_letters), "maxReceiveCount": receives}
            attributes["RedrivePolicy"] = json.dumps(policy)
        sqs = self.world.client("sqs")
        url: str = sqs.create_queue(QueueName=self.name("queue"), Attributes=attributes)["QueueUrl"]
        return url

    def queue_arn(self, url: str) -> str:
        return f"arn:aws:sqs:{self.world.region}:{self.world.account_id}:{url.rsplit('/', 1)[-1]}"

    def feed(self, queue_url: str, function: str, **settings: Any) -> None:
        self.world.client("lambda").create_event_source_mapping(
            EventSourceArn=self.queue_arn(queue_url),
            FunctionName=function,
            **{"BatchSize": 1, "FunctionResponseTypes": ["ReportBatchItemFailures"], **settings},
        )

    def send(self, queue_url: str, *bodies: str) -> list[str]:
        sqs = self.world.client("sqs")
        return [sqs.send_message(QueueUrl=queue_url, MessageBody=body)["MessageId"] for body in bodies]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with World(region="eu-central-1") as world:
        yield Stack(world)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("functions")


@pytest.fixture
def functions(stack: Stack, cache: Path, tmp_path: Path) -> Iterator[Functions]:
    with Functions(stack.world, log_folder=tmp_path / "logs", cache=cache) as running:
        yield running


def wait_until(condition: Callable[[], object], seconds: float = 8.0) -> None:
    """Wait for what must come true, and fail saying that it did not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)


@pytest.fixture(name="wait_until")
def wait_until_fixture() -> Callable[..., None]:
    return wait_until
