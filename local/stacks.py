"""This project's stacks in the embedded AWS: from the files of a checkout to a deployment."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.config_errors import ConfigError
from components.stack_files import EngineRefusalError, StackFiles
from embedded_aws.deployment.deploy import DeployError, Deployment, OnResource
from embedded_aws.deployment.project import Project, ProjectError, ProjectSource
from embedded_aws.world import World
from local.keys import absent_key, make_key

_KEPT = frozenset({"local", "tests"})  # in the same folder as the program, but not part of it


def project_source(folder: Path, stack: str, world: World | None = None) -> ProjectSource:
    """Return what resolves `Pulumi.yaml` and `Pulumi.<stack>.yaml` of a folder as the engine would.

    A KMS key that `world` does not have is replaced by one of its own, with the policy that the operator's should have.
    """
    keys: dict[str, str] = {}

    def resolve(overrides: Mapping[str, Any]) -> Project:
        try:
            files = StackFiles.read(folder, stack, overrides)
            files.check_declared()
            if world is not None:
                named = absent_key(
                    files.values, f"{files.project}:encryption", world.region, world.client("kms")
                )
                if named is not None:
                    keys[named] = keys.get(named) or make_key(
                        world.client("kms"),
                        stack=stack,
                        region=world.region,
                        account=world.account_id,
                        delivery=files.values.get(f"{files.project}:delivery"),
                        access_logs=files.values.get(f"{files.project}:accessLogs"),
                    )
                    files = StackFiles.read(folder, stack, {**overrides, "encryption.keyArn": keys[named]})
        except (ConfigError, EngineRefusalError) as error:
            raise ProjectError(str(error)) from error
        return Project(
            folder=folder.resolve(),
            name=files.project,
            stack=stack,
            config=files.for_engine(),
            kept_packages=_KEPT,
        )

    return resolve


def stack_region(folder: Path, stack: str) -> str:
    """Return the region that a stack is deployed to, `aws:region`; raises DeployError where it is not set."""
    try:
        return project_source(folder, stack)({}).region
    except ProjectError as error:
        raise DeployError(str(error)) from error


def prepare(
    folder: Path,
    stack: str,
    world: World,
    *,
    config_overrides: Mapping[str, Any] | None = None,
    on_resource: OnResource | None = None,
    on_log: Callable[[str, str], None] | None = None,
) -> Deployment:
    """Return a deployment of a stack that is not up yet; raises DeployError where its files cannot be used.

    `config_overrides` are values as in the stack's file, on top of it; a dotted key reaches into an object.
    """
    return Deployment(
        project_source(folder, stack, world),
        world,
        config_overrides=config_overrides,
        on_resource=on_resource,
        on_log=on_log,
    )


def deploy(
    folder: Path, stack: str, world: World, *, config_overrides: Mapping[str, Any] | None = None
) -> Deployment:
    """Deploy a stack into an open world; `config_overrides` as in `prepare`. Raises DeployError."""
    return prepare(folder, stack, world, config_overrides=config_overrides).up()
