"""The `aws` provider's gRPC methods: from the engine's messages to handlers and back.

Names and merged tags are made in Check, so that a preview knows them. Which inputs the provider filled in itself
is kept in `__defaults` beside them, as the real provider does: a generated name may be generated again, so that a
replacement can be created before the old resource goes; a given name cannot.
"""

import importlib.metadata
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import grpc  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from embedded_aws.provider.differences import Change, as_shown, differences, top_level
from embedded_aws.provider.wire import from_wire, to_wire
from embedded_aws.resources import HANDLERS, data_sources, provider_settings
from embedded_aws.resources.archives import ArchiveError
from embedded_aws.resources.base import (
    Aws,
    DeploymentRefusedError,
    Handler,
    PartlyCreatedError,
    ProviderSettings,
)
from embedded_aws.resources.sdk_schema import InputError
from embedded_aws.resources.unknown import UNKNOWN

DEFAULTS: Final = "__defaults"
_REFUSALS: Final = (BotoCoreError, ClientError, DeploymentRefusedError, InputError, ArchiveError, ValueError)
_KINDS: Final = {
    Change.ADDED: (provider_pb2.PropertyDiff.ADD, provider_pb2.PropertyDiff.ADD_REPLACE),
    Change.REMOVED: (provider_pb2.PropertyDiff.DELETE, provider_pb2.PropertyDiff.DELETE_REPLACE),
    Change.CHANGED: (provider_pb2.PropertyDiff.UPDATE, provider_pb2.PropertyDiff.UPDATE_REPLACE),
}


class ProviderServicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves all provider resources of a command: each has its own connection, identified by its peer."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._settings: dict[str, ProviderSettings] = {}
        self._lock = threading.Lock()

    # The provider itself

    def Handshake(self, _request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's names
        """Accept the engine; nothing special is requested."""
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, _request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Do nothing: the engine found this process by PULUMI_DEBUG_PROVIDERS."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, _request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return the version of the SDK in use: the engine warns of an older provider."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi-aws"))

    def Cancel(self, _request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Do nothing: the engine sends this at the end of every command."""
        with self._lock:
            self._settings.pop(context.peer(), None)
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Refuse settings that are not carried out here, and another region than the world's."""
        try:
            news = from_wire(request.news)
            provider_settings(request.name, news, self._aws)
        except _REFUSALS as error:
            return provider_pb2.CheckResponse(failures=[_failure(error)])
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return that another region replaces resources; all else is an update."""
        old, new = _decoded(_old_inputs(request)), _decoded(from_wire(request.news))
        return _diff_response(old, new, frozenset({"region"}), clashes=False)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Keep default tags and region for this connection."""
        with self._refusing(context, "configuring the provider"):
            settings = provider_settings(request.name, from_wire(request.args), self._aws)
        with self._lock:
            self._settings[context.peer()] = settings
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Answer a data source."""
        with self._refusing(context, f"invoking {request.tok}"):
            result = data_sources.answer(
                request.tok, from_wire(request.args), self._aws, self._provider(context)
            )
        return provider_pb2.InvokeResponse(**{"return": to_wire(result)})

    # Resources

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return the inputs as AWS will get them, or every problem with its path."""
        try:
            handler = self._handler(request.urn)
            inputs = self._checked(handler, request, self._provider(context))
        except InputError as error:
            return provider_pb2.CheckResponse(
                failures=[provider_pb2.CheckFailure(reason=problem) for problem in error.problems]
            )
        except _REFUSALS as error:
            return provider_pb2.CheckResponse(failures=[_failure(error)])
        return provider_pb2.CheckResponse(inputs=to_wire(inputs))

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return what changes, what of it replaces the resource, and whether the old one must go first."""
        with self._refusing(context, f"comparing {request.urn}"):
            handler = self._handler(request.urn)
            old, new = _old_inputs(request), from_wire(request.news)
            return _diff_response(old, new, handler.replaces, clashes=_clashes(handler, old, new))

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Create it; in a preview, return what will be known only then as unknown."""
        with self._refusing(context, f"creating {request.urn}"):
            handler = self._handler(request.urn)
            inputs = _bare(from_wire(request.properties))
            if request.preview:
                later = dict.fromkeys(handler.schema().outputs, UNKNOWN)
                return provider_pb2.CreateResponse(properties=to_wire({**later, **inputs}))
            try:
                id_ = handler.create(inputs)
            except PartlyCreatedError as error:
                _abort_half_way(context, error, inputs, handler.read(error.id) or {})
            return provider_pb2.CreateResponse(
                id=id_, properties=to_wire({**inputs, **self._present(handler, id_)})
            )

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Return what AWS shows now, as properties and, where it drifted, as inputs; no id where it is gone."""
        with self._refusing(context, f"reading {request.urn}"):
            handler = self._handler(request.urn)
            shown = handler.read(request.id)
            if shown is None:
                return provider_pb2.ReadResponse()
            known, given = from_wire(request.properties), from_wire(request.inputs)
            if not given:  # an import: everything is new
                given = {key: value for key, value in shown.items() if key in handler.schema().inputs}
            properties = {**known, **as_shown(known, shown), **_new_in(shown, known)}
            return provider_pb2.ReadResponse(
                id=request.id, properties=to_wire(properties), inputs=to_wire(as_shown(given, shown))
            )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Bring it to the new inputs in place."""
        with self._refusing(context, f"updating {request.urn}"):
            handler = self._handler(request.urn)
            old, new = _bare(_old_inputs(request)), _bare(from_wire(request.news))
            if request.preview:
                return provider_pb2.UpdateResponse(properties=to_wire({**from_wire(request.olds), **new}))
            # From what is there, not from what was once asked for: so a half-made resource is completed.
            handler.update(request.id, as_shown(old, self._present(handler, request.id)), new)
            return provider_pb2.UpdateResponse(
                properties=to_wire({**new, **self._present(handler, request.id)})
            )

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Remove it."""
        with self._refusing(context, f"deleting {request.urn}"):
            self._handler(request.urn).delete(request.id, from_wire(request.properties))
        return empty_pb2.Empty()

    def _checked(self, handler: Handler, request: Any, provider: ProviderSettings) -> dict[str, Any]:
        given, before = _bare(from_wire(request.news)), from_wire(request.olds)
        name = handler.autoname.input if handler.autoname is not None else None
        if name is not None and not given.get(name):
            kept = before.get(name) if name in before.get(DEFAULTS, []) else None
            given[name] = kept or handler.make_name(request.urn, request.randomSeed)
            made = [name]
        else:
            made = []
        inputs = handler.check(request.urn, given, provider)
        made += [key for key in inputs if key not in given]
        return {**inputs, DEFAULTS: sorted(made)}

    def _handler(self, urn: str) -> Handler:
        type_name = urn.split("::")[2].rsplit("$", 1)[-1]
        if type_name not in HANDLERS:
            raise DeploymentRefusedError(
                f"the embedded AWS does not know the resource type {type_name}; "
                f"known are {', '.join(sorted(HANDLERS))}"
            )
        return HANDLERS[type_name](self._aws)

    def _provider(self, context: grpc.ServicerContext) -> ProviderSettings:
        with self._lock:
            if context.peer() not in self._settings:
                raise DeploymentRefusedError("the provider was not configured")
            return self._settings[context.peer()]

    @staticmethod
    def _present(handler: Handler, id_: str) -> Mapping[str, Any]:
        shown = handler.read(id_)
        if shown is None:
            raise DeploymentRefusedError(f"{id_} is not there after it was made")
        return shown

    @contextmanager
    def _refusing(self, context: grpc.ServicerContext, doing: str) -> Iterator[None]:
        """Turn AWS's refusals into one line for the operator."""
        try:
            yield
        except _REFUSALS as error:
            _abort(context, f"{doing}: {_sentence(error)}")


def _abort(context: grpc.ServicerContext, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError("abort raises")


def _abort_half_way(
    context: grpc.ServicerContext,
    error: PartlyCreatedError,
    inputs: Mapping[str, Any],
    shown: Mapping[str, Any],
) -> NoReturn:
    """Abort, so that the engine keeps the resource in its state and updates it next time."""
    message = _sentence(error)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    status.details.add().Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=error.id, properties=to_wire({**inputs, **shown}), reasons=[message], inputs=to_wire(inputs)
        )
    )
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    _abort(context, message)


def _sentence(error: Exception) -> str:
    return str(error).replace(" (reached max retries: 0)", "")


def _failure(error: Exception) -> Any:
    return provider_pb2.CheckFailure(reason=_sentence(error))


def _bare(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties without the engine's own; whole numbers as ints, which handlers hand to boto3."""
    return {key: _whole(value) for key, value in properties.items() if not key.startswith("__")}


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    if isinstance(value, Mapping):
        return {key: _whole(inner) for key, inner in value.items()}
    return value


def _old_inputs(request: Any) -> dict[str, Any]:
    """Return the inputs of the last update; older engines send only the properties, which hold them too."""
    return from_wire(request.old_inputs if request.HasField("old_inputs") else request.olds)


def _new_in(shown: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if key not in known}


def _clashes(handler: Handler, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether both resources would have the same name, given by the program, which AWS takes only once."""
    if handler.autoname is None or not handler.autoname.exclusive:
        return False
    name = handler.autoname.input
    return name not in new.get(DEFAULTS, []) and old.get(name) == new.get(name)


def _diff_response(
    old: Mapping[str, Any], new: Mapping[str, Any], replacing: frozenset[str], *, clashes: bool
) -> Any:
    found = dict(differences(_without_marks(old), _without_marks(new)))
    replaces = sorted({top_level(path) for path in found} & replacing)
    detailed = {
        path: provider_pb2.PropertyDiff(kind=_KINDS[change][top_level(path) in replacing], inputDiff=True)
        for path, change in found.items()
    }
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted({top_level(path) for path in found}),
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and clashes,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _without_marks(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if not key.startswith("__")}


def _decoded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the provider's own settings; values other than strings arrive as JSON text."""
    return {
        key: json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
        for key, value in settings.items()
    }
