"""A bench on which resources are created by their handlers, and those that others refer to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi import FileArchive

from embedded_aws.resources import HANDLERS
from embedded_aws.resources.base import Handler, ProviderSettings
from embedded_aws.world import World

from .samples import TRUST, tiny_zip

Inputs = dict[str, Any]


# AWS cannot take these back: versions are suspended, and a topic has its default policy again.
HAS_A_DEFAULT = ("aws:s3/bucketVersioning:BucketVersioning", "aws:sns/topicPolicy:TopicPolicy")


class Bench:
    """Makes things by their handlers, and remembers what others refer to."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.target = ""  # the ARN of a queue that a function may send to
        self.made: list[tuple[Handler, str, Inputs]] = []

    def check(self, type_name: str, inputs: Inputs, name: str = "it") -> Inputs:
        handler = HANDLERS[type_name](self.world)
        settings = ProviderSettings(region=self.world.region, default_tags={"owner": "tests"})
        return handler.check(f"urn:pulumi:dev::tests::{type_name}::{name}", inputs, settings)

    def make(self, type_name: str, inputs: Inputs, name: str = "it") -> str:
        handler, checked = HANDLERS[type_name](self.world), self.check(type_name, inputs, name)
        id_ = handler.create(checked)
        self.made.append((handler, id_, checked))
        return id_

    def shown(self, index: int = -1) -> Inputs:
        handler, id_, _ = self.made[index]
        return handler.read(id_) or {}

    def remove_all(self) -> None:
        while self.made:
            handler, id_, checked = self.made.pop()
            handler.delete(id_, {**checked, **(handler.read(id_) or {})})
            assert handler.read(id_) is None or handler.type_name in HAS_A_DEFAULT
            handler.delete(id_, {**checked})  # a second time is no error


Case = Callable[[Bench], tuple[str, Inputs, Inputs]]
"""Gives a type, inputs to create it with, and inputs to update it to."""


def policy(action: str = "s3:GetObject") -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::b/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def function(bench: Bench) -> str:
    role = bench.make("aws:iam/role:Role", {"assumeRolePolicy": json.dumps(TRUST)})
    arn = bench.shown()["arn"]
    bench.make("aws:sqs/queue:Queue", {})
    bench.target = bench.shown()["arn"]
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": bench.target}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    bench.make("aws:iam/rolePolicy:RolePolicy", {"role": role, "policy": document})
    file = bench.folder / "code.zip"
    file.write_bytes(tiny_zip())
    return bench.make(
        "aws:lambda/function:Function",
        {
            "role": arn,
            "handler": "m.handler",
            "runtime": "python3.13",
            "code": FileArchive(str(file)),
            "ephemeralStorage": {"size": 1024},
            "deadLetterConfig": {"targetArn": bench.target},
        },
    )


def bucket(bench: Bench) -> str:
    return bench.make("aws:s3/bucket:Bucket", {})
