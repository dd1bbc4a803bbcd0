"""Deploy an unmodified Pulumi program into a world, and destroy it again.

    with World(region=project.region) as world:
        deployment = deploy(lambda overrides: project, world)
        ...
        leftovers = deployment.destroy()

Every deployment starts from a fresh world, and keeps what the engine would keep in its state.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Self

from embedded_aws.deployment.leftovers import find_leftovers
from embedded_aws.deployment.monitor import DeployingMonitor, Resource
from embedded_aws.deployment.program import ProgramError, run_program
from embedded_aws.deployment.project import Project, ProjectError, ProjectSource
from embedded_aws.world import World

__all__ = ["DeployError", "Deployment", "ProtectedError", "Resource", "deploy"]

_log = logging.getLogger(__name__)

OnResource = Callable[[Resource], None]


class DeployError(Exception):
    """The stack could not be deployed or taken down; the message is for its operator, without a traceback."""


class ProtectedError(DeployError):
    """Destroy met protected resources, and deleted nothing."""


class Deployment:
    """One stack in one world: `up`, perhaps `update`, then `destroy`.

    After a failed or interrupted `up`, `resources` holds what was created, and `destroy` removes it.
    """

    def __init__(
        self,
        source: ProjectSource,
        world: World,
        *,
        config_overrides: Mapping[str, Any] | None = None,
        on_resource: OnResource | None = None,
        on_log: Callable[[str, str], None] | None = None,
    ) -> None:
        self._source = source
        self._world = world
        self._overrides = dict(config_overrides or {})
        self._on_resource = on_resource
        self._on_log = on_log or _log_message
        self._kept: set[str] = set()
        self._project = self._load()
        self._monitor = DeployingMonitor(world, self._project.config, on_resource)

    @property
    def stack(self) -> str:
        """Return the stack's name."""
        return self._project.stack

    @property
    def config(self) -> dict[str, str]:
        """Return the stack's configuration with the defaults, as the program gets it."""
        return dict(self._project.config)

    @property
    def resources(self) -> list[Resource]:
        """Return everything that was registered and is not destroyed, components too, in order of creation."""
        return list(self._monitor.registered)

    @property
    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secrets in plain text."""
        return self._monitor.outputs

    def up(self) -> Self:
        """Run the program and create what it registers.

        Raises DeployError with the first failure: a resource's, or else the program's own message.
        """
        self._run()
        return self

    def update(self, config_overrides: Mapping[str, Any]) -> dict[str, frozenset[str]]:
        """Change the configuration and run the program again: what differs is updated in place.

        Returns URN -> the inputs that changed (of a new resource: all). What is no longer registered is deleted.
        Raises DeployError as `up` does, and where a change would replace a resource.
        """
        self._overrides.update(config_overrides)
        self._project = self._load()
        before = self._monitor
        self._monitor = DeployingMonitor(
            self._world, self._project.config, self._on_resource, previous=before.registered
        )
        try:
            self._run()
            for resource in self._monitor.gone():
                if resource.is_custom and not self._is_kept(resource):
                    self._delete(resource)
        except BaseException:
            seen = {resource.urn for resource in self._monitor.registered}
            self._monitor.registered += [
                resource for resource in before.registered if resource.urn not in seen
            ]
            raise
        return self._monitor.changes

    def _load(self) -> Project:
        try:
            project = self._source(dict(self._overrides))
        except ProjectError as error:
            raise DeployError(str(error)) from error
        region = project.config.get("aws:region", self._world.region)
        if region != self._world.region:
            raise DeployError(
                f"stack '{project.stack}' belongs to {region}, the world is in {self._world.region}: "
                "open the world with region=project.region"
            )
        return project

    def _run(self) -> None:
        try:
            run_program(self._project, self._monitor, self._on_log)
        except ProgramError as error:
            raise DeployError(str(self._monitor.failure or error)) from error
        if self._monitor.failure is not None:
            raise DeployError(str(self._monitor.failure)) from self._monitor.failure

    def protected(self) -> list[Resource]:
        """Return the resources that stop `destroy`."""
        return [resource for resource in self._monitor.registered if resource.protect]

    def unprotect(self) -> int:
        """Lift all protection, as `pulumi state unprotect --all`; returns from how many. AWS's own stays."""
        lifted = self.protected()
        for resource in lifted:
            resource.protect = False
        return len(lifted)

    def destroy(self, on_resource: OnResource | None = None) -> list[str]:
        """Delete everything in reverse order; returns what the world then still holds.

        What was made to outlive the stack (`retain_on_delete`, a layer's `skip_destroy`) is not a leftover.
        Raises ProtectedError before anything is deleted, DeployError where AWS refuses a deletion: the rest
        stays, and another `destroy` goes on from there.
        """
        guarded = self.protected()
        if guarded:
            names = "\n".join(f"  {resource.urn}" for resource in guarded)
            raise ProtectedError(
                f"{len(guarded)} protected resources cannot be deleted:\n{names}\n"
                "To unprotect them, use `pulumi state unprotect 'URN'`, or `pulumi state unprotect --all` for all."
            )
        registered = self._monitor.registered
        while registered:
            resource = registered[-1]
            if resource.is_custom and not self._is_kept(resource):
                self._delete(resource)
            registered.pop()
            if on_resource is not None:
                on_resource(resource)
        return [found for found in find_leftovers(self._world) if found not in self._kept]

    def _is_kept(self, resource: Resource) -> bool:
        """Return whether a resource outlives the stack, and remember it if so."""
        if not (resource.retain or resource.outputs.get("skipDestroy")):
            return False
        self._kept.add(str(resource.outputs.get("arn", resource.id)))
        return True

    def _delete(self, resource: Resource) -> None:
        from botocore.exceptions import ClientError

        from embedded_aws.resources.base import DeploymentRefusedError

        try:
            self._monitor.handler(resource.type).delete(resource.id, {**resource.inputs, **resource.outputs})
        except (ClientError, DeploymentRefusedError) as error:
            text = str(error).replace(" (reached max retries: 0)", "")
            raise DeployError(f"deleting {resource.urn}: {text}") from error


def deploy(
    source: ProjectSource,
    world: World,
    *,
    config_overrides: Mapping[str, Any] | None = None,
    on_resource: OnResource | None = None,
    on_log: Callable[[str, str], None] | None = None,
) -> Deployment:
    """Deploy the project that `source` resolves into an open world.

    `config_overrides` are handed to `source`, and so are those of later updates on top of them. `on_resource` is
    called, on any thread, after each creation; `on_log` with severity and message of `pulumi.log`. Raises DeployError.
    """
    deployment = Deployment(
        source, world, config_overrides=config_overrides, on_resource=on_resource, on_log=on_log
    )
    return deployment.up()


def _log_message(severity: str, message: str) -> None:
    levels = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}
    _log.log(levels.get(severity, logging.ERROR), message)
