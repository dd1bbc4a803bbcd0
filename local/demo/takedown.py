"""Take a stack down, a protected one as docs/operator/deploying.md describes it."""

from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.deployment.deploy import Deployment, Resource
from embedded_aws.resources import HANDLERS
from embedded_aws.world import World

# What `protect: false` changes about resources, and so what `pulumi up` does after `pulumi config set protect false`.
# The engine's own protection is lifted by `pulumi state unprotect`.
UNPROTECTED: Mapping[str, Mapping[str, Any]] = {
    "aws:s3/bucket:Bucket": {"forceDestroy": True},
    "aws:dynamodb/table:Table": {"deletionProtectionEnabled": False},
}


def take_down(
    deployment: Deployment, world: World, on_resource: Callable[[Resource], None] | None = None
) -> list[str]:
    """Remove everything of the stack and return what is left over.

    A stack without protection goes by `destroy` alone, so that nothing here helps it. Raises DeployError where
    AWS refuses.
    """
    if deployment.unprotect():
        for resource in deployment.resources:
            _update(resource, UNPROTECTED.get(resource.type, {}), world)
    return deployment.destroy(on_resource)


def _update(resource: Resource, changes: Mapping[str, Any], world: World) -> None:
    changed = {name: value for name, value in changes.items() if resource.inputs.get(name) != value}
    if changed:
        wanted = {**resource.inputs, **changed}
        HANDLERS[resource.type](world).update(resource.id, resource.inputs, wanted)
        resource.inputs = wanted
        resource.outputs = {**resource.outputs, **changed}
