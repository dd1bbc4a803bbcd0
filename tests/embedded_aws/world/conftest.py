"""A fresh embedded AWS, and a project folder to write small programs in."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.world import Credentials, World

WriteProject = Callable[..., Path]
MakeRole = Callable[[str, list[dict[str, Any]]], Credentials]


@pytest.fixture
def world() -> Iterator[World]:
    with World() as opened:
        yield opened


@pytest.fixture
def write_project(tmp_path: Path) -> WriteProject:
    """Writes Pulumi.yaml, Pulumi.dev.yaml and __main__.py; returns the folder."""

    def write(program: str, *, schema: str = "", config: str = "") -> Path:
        (tmp_path / "Pulumi.yaml").write_text(f"name: tiny\nruntime: python\nconfig:\n{schema or '  {}'}\n")
        (tmp_path / "Pulumi.dev.yaml").write_text(f"config:\n  aws:region: eu-central-1\n{config}\n")
        (tmp_path / "__main__.py").write_text(f"import pulumi\nimport pulumi_aws as aws\n{program}\n")
        return tmp_path

    return write


@pytest.fixture
def make_role(world: World) -> MakeRole:
    """Creates a role that Lambda may take, with one inline policy, and takes it."""

    def make(name: str, allowed: list[dict[str, Any]]) -> Credentials:
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        iam = world.client("iam")
        document = {"Version": "2012-10-17", "Statement": [trust]}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
        if allowed:
            statements = [{"Effect": "Allow", **statement} for statement in allowed]
            policy = {"Version": "2012-10-17", "Statement": statements}
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
        return world.assume_role(arn)

    return make


@pytest.fixture
def bucket(world: World) -> str:
    world.client("s3").create_bucket(
        Bucket="a-bucket", CreateBucketConfiguration={"LocationConstraint": world.region}
    )
    return "a-bucket"


@pytest.fixture(scope="session")
def host_packages() -> Iterator[None]:
    """The project's program builds packages that run on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIA_PIPELINE_PACKAGES_FOR", "host")
        yield
