"""The engine's part in a deployment: take the program's registrations, and have the handlers carry them out."""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]
from pulumi import get_project, get_stack
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2

from embedded_aws.deployment.leftovers import find_leftovers
from embedded_aws.resources import HANDLERS, PROVIDER_TYPE, data_sources, provider_settings
from embedded_aws.resources.base import (
    Aws,
    DeploymentRefusedError,
    Handler,
    PartlyCreatedError,
    ProviderSettings,
)

STACK_TYPE = "pulumi:pulumi:Stack"
_SECRET_SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the wire's marker of any special value


@dataclass(kw_only=True)
class Resource:
    """One registered resource. Components have no id and no handler; `state` is what AWS then showed."""

    urn: str
    type: str
    name: str
    id: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    protect: bool = False
    retain: bool = False
    parent: str = ""
    dependencies: tuple[str, ...] = ()

    @property
    def is_custom(self) -> bool:
        """Return whether it is something in AWS, rather than a component or a provider."""
        return self.type in HANDLERS


class _Unused(Mocks):
    """A placeholder that MockMonitor requires; DeployingMonitor answers itself."""

    def call(self, args: MockCallArgs) -> Any:
        raise NotImplementedError

    def new_resource(self, args: MockResourceArgs) -> Any:
        raise NotImplementedError


class DeployingMonitor(MockMonitor):
    """Carries each registration out, one after another, and keeps what the engine would keep in its state.

    The first failure is kept in `failure`; everything registered after it is refused, as the engine does.
    With the resources of a `previous` run, what it made is updated in place: `changes` then says which inputs of
    which URN changed (a new resource: all of them).
    """

    def __init__(
        self,
        aws: Aws,
        config: Mapping[str, str],
        on_resource: Callable[[Resource], None] | None = None,
        previous: Sequence[Resource] = (),
    ) -> None:
        super().__init__(_Unused())
        self.registered: list[Resource] = []
        self.changes: dict[str, frozenset[str]] = {}
        self._previous = {resource.urn: resource for resource in previous}
        self._continued: set[str] = set()
        self._outdated: list[Resource] = []
        self._owners: dict[tuple[str, str], str] = {}
        self.outputs: dict[str, Any] = {}
        self.failure: Exception | None = None
        self.closed = False
        self._aws = aws
        self._config = config
        self._on_resource = on_resource
        self._lock = threading.Lock()
        self._handlers: dict[str, Handler] = {}
        self._providers: dict[str, ProviderSettings] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name of the gRPC method
        """Create one resource; raises what the handler raised, after keeping it in `failure`."""
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=self.make_urn("", request.type, request.name))
        with self._lock:
            if self.failure is not None or self.closed:
                raise DeploymentRefusedError("the deployment has ended")
            try:
                resource = self._register(request)
            except Exception as error:
                self.failure = _placed(error, request)
                raise
            self.registered.append(resource)
        self.resources[resource.urn] = MockMonitor.ResourceRegistration(
            resource.urn, resource.id, resource.outputs
        )
        if self._on_resource is not None:
            self._on_resource(resource)
        return resource_pb2.RegisterResourceResponse(
            urn=resource.urn, id=resource.id, object=_to_wire(resource.outputs)
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep the stack's outputs as the deployment's."""
        if request.urn.split("::")[2] == STACK_TYPE:
            self.outputs = _plain(rpc.deserialize_properties(request.outputs))
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """Answer a data source; raises DeploymentRefusedError for one that the embedded AWS does not know."""
        arguments = _plain(rpc.deserialize_properties(request.args))
        settings = self._provider(request.provider)
        try:
            result = data_sources.answer(request.tok, arguments, self._aws, settings)
        except Exception as error:
            self.failure = self.failure or error
            raise
        return resource_pb2.ResourceInvokeResponse(**{"failures": None, "return": _to_wire(result)})

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Look up what every account has; what another stack made is not in a fresh world."""
        urn = self.make_urn(request.parent, request.type, request.name)
        handler = self.handler(request.type)
        shown = handler.read(request.id) if handler.of_the_account else None
        if shown is None:
            raise DeploymentRefusedError(
                f"{request.type} {request.name!r}: existing resources cannot be looked up here"
            )
        self.resources[urn] = MockMonitor.ResourceRegistration(urn, request.id, shown)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=_to_wire(shown))

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Return the URN as the engine makes it: with the types of all ancestors but the stack; mocks take one."""
        qualified = parent.split("::")[2] if parent else ""
        if qualified and qualified != STACK_TYPE:
            type_ = f"{qualified}${type_}"
        return f"urn:pulumi:{get_stack()}::{get_project()}::{type_}::{name}"

    def _register(self, request: Any) -> Resource:
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self.resources:
            raise DeploymentRefusedError(f"Duplicate resource URN '{urn}'; try giving it a unique name")
        resource = Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            protect=bool(request.protect),
            retain=bool(request.retainOnDelete),
            parent=request.parent,
            dependencies=tuple(request.dependencies),
        )
        if not request.custom:
            return resource
        if request.importId:
            raise DeploymentRefusedError(f"{request.type} {request.name!r}: nothing can be imported here")
        inputs = _plain(rpc.deserialize_properties(request.object))
        if request.type == PROVIDER_TYPE:
            settings = provider_settings(request.name, inputs, self._aws)
            self._providers[urn] = settings
            resource.id = f"{request.name}-id"
            resource.inputs = resource.outputs = inputs
            return resource
        handler = self.handler(request.type)
        before = self._before(request, urn)
        is_named = handler.autoname is not None and not inputs.get(handler.autoname.input)
        if before and handler.autoname and is_named:
            inputs[handler.autoname.input] = before.inputs[handler.autoname.input]
        resource.inputs = handler.check(urn, inputs, self._provider(request.provider))
        if before is None:
            if resource.retain and handler.autoname and is_named:
                resource.inputs = {
                    **resource.inputs,
                    handler.autoname.input: self._free_name(handler, resource),
                }
            resource.id = self._create(handler, resource)
        else:
            asked = frozenset(re.split(r"[.\[]", path)[0] for path in request.replaceOnChanges)
            resource.id = self._update(handler, before, resource, asked, is_named=is_named)
        self._claim(resource)
        shown = handler.read(resource.id)
        if shown is None:
            raise DeploymentRefusedError(f"{request.type} {request.name!r} is not there after it was created")
        resource.outputs = {**resource.inputs, **shown}
        return resource

    def _before(self, request: Any, urn: str) -> Resource | None:
        """Return what the previous run made under this URN, or else under one of the resource's aliases."""
        aliases = [
            alias.urn or self.make_urn(request.parent, request.type, alias.spec.name or request.name)
            for alias in request.aliases
        ]
        found = next((name for name in (urn, *aliases) if name in self._previous), None)
        if found is None:
            return None
        self._continued.add(found)
        return self._previous[found]

    def _create(self, handler: Handler, resource: Resource) -> str:
        self.changes[resource.urn] = frozenset(resource.inputs)
        try:
            return handler.create(resource.inputs)
        except PartlyCreatedError as error:
            resource.id = error.id
            self.registered.append(resource)  # so that destroy finds it
            raise

    def _free_name(self, handler: Handler, resource: Resource) -> str:
        """Return a name that nothing has: what an earlier deployment left behind keeps its own, as with Pulumi's."""
        taken = {arn.rsplit(":", 1)[-1] for arn in find_leftovers(self._aws)}
        seeds = (str(number).encode() if number else b"" for number in count())
        names = (handler.make_name(resource.urn, seed) for seed in seeds)
        return next(name for name in names if name not in taken)

    def _update(
        self, handler: Handler, before: Resource, after: Resource, asked: frozenset[str], *, is_named: bool
    ) -> str:
        """Update in place, or replace where the type, or the program by `asked`, has the changed inputs replace it."""
        changed = handler.changed(before.inputs, after.inputs)
        replaced = (handler.replaces | asked) & changed
        if replaced and (handler.create_first or replaced <= asked):
            if handler.autoname and handler.autoname.exclusive and is_named:
                name = handler.make_name(after.urn, before.id.encode())
                after.inputs = {**after.inputs, handler.autoname.input: name}
            self._outdated.append(before)
            return self._create(handler, after)
        if replaced:
            raise DeploymentRefusedError(
                f"{after.type} {after.name!r} would be replaced ({', '.join(sorted(replaced))} changed): "
                "only the engine does that, here start from a fresh world"
            )
        if changed:
            self.changes[after.urn] = changed
            handler.update(before.id, before.inputs, after.inputs)
        return before.id

    def _claim(self, resource: Resource) -> None:
        """Refuse a second resource that manages the same thing: on AWS they would undo each other later."""
        owner = self._owners.setdefault((resource.type, resource.id), resource.urn)
        if owner != resource.urn:
            raise DeploymentRefusedError(
                f"{resource.type} {resource.name!r} manages the same thing ({resource.id}) as {owner}"
            )

    def gone(self) -> list[Resource]:
        """Return what the previous run made and this one did not register or replaced, the latest first."""
        gone = [
            resource
            for urn, resource in reversed(self._previous.items())
            if urn not in self.resources and urn not in self._continued
        ]
        return [*gone, *reversed(self._outdated)]

    def handler(self, type_: str) -> Handler:
        """Return the handler of a type; raises DeploymentRefusedError for an unknown type."""
        if type_ not in HANDLERS:
            raise DeploymentRefusedError(
                f"the embedded AWS does not know the resource type {type_}; known are {', '.join(sorted(HANDLERS))}"
            )
        if type_ not in self._handlers:
            self._handlers[type_] = HANDLERS[type_](self._aws)
        return self._handlers[type_]

    def _provider(self, reference: str) -> ProviderSettings:
        if reference:
            urn, _, _ = reference.rpartition("::")
            return self._providers[urn]
        from embedded_aws.resources import default_provider

        return default_provider(self._config, self._aws)


def _placed(error: Exception, request: Any) -> Exception:
    """Return the error with the resource's type and name in front, unless it names them itself."""
    text = str(error).replace(" (reached max retries: 0)", "")
    if request.name in text and request.type in text:
        return DeploymentRefusedError(text)
    return DeploymentRefusedError(f"{request.type} {request.name!r}: {text}")


def _plain(value: Any) -> Any:
    """Return values without their secret markers, which mocks put around whole maps."""
    if isinstance(value, Mapping):
        if _SECRET_SIGNATURE_KEY in value and "value" in value:
            return _plain(value["value"])
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def _to_wire(properties: Mapping[str, Any]) -> Any:
    """Return a protobuf Struct; archives are not sent back."""
    from pulumi import Archive, Asset

    def wire(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {
                key: wire(inner) for key, inner in value.items() if not isinstance(inner, Archive | Asset)
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            return [wire(inner) for inner in value]
        return value

    struct = struct_pb2.Struct()
    struct.update(wire(properties))
    return struct
