"""A fresh embedded AWS, and a project folder to write small programs in."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.deployment.project import Project, ProjectSource
from embedded_aws.world import Credentials, World

WriteProject = Callable[..., ProjectSource]
MakeRole = Callable[[str, list[dict[str, Any]]], Credentials]


@pytest.fixture
def write_project(tmp_path: Path) -> WriteProject:
    """Return what writes a program, with these values as its configuration; overrides replace whole values."""

    def write(program: str, **config: Any) -> ProjectSource:
        (tmp_path / "__main__.py").write_text(f"import pulumi\nimport pulumi_aws as aws\n{program}\n")

        def resolve(overrides: Mapping[str, Any]) -> Project:
            values = {f"tiny:{key}": value for key, value in {**config, **overrides}.items()}
            texts = {
                key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
            }
            region = {"aws:region": "eu-central-1"}
            return Project(folder=tmp_path, name="tiny", stack="dev", config={**region, **texts})

        return resolve

    return write


@pytest.fixture
def make_role(world: World) -> MakeRole:
    """Return what creates a role that Lambda may assume, with one inline policy, and assumes it."""

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
