"""A strict recording engine: runs the unmodified program under Pulumi's mocks and keeps what it registered."""

import asyncio
import contextvars
import json
import os
import runpy
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

import grpc  # type: ignore[import-untyped]
import pulumi
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime import rpc, set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockEngine, MockMonitor, MockResourceArgs, Mocks, MockSettings
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.settings import configure, set_root_resource
from pulumi.runtime.stack import run_in_stack

from components import packaging
from components.packaging import Package, StackPackages
from components.stack_files import StackFiles
from embedded_aws.deployment.outstanding_outputs import OutstandingOutputs
from embedded_aws.deployment.program import without_stack_traces

PROJECT = Path(__file__).parents[2]
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it; inputs in camelCase, numbers as floats."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    protect: bool
    delete_before_replace: bool
    provider: str
    depends_on: tuple[str, ...]
    custom: bool
    aliases: tuple[str, ...]
    """Names that it had before."""
    was_at_the_root: bool
    """Whether it was a child of the stack itself before."""
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """URNs of the resources that each input was made from."""
    retain_on_delete: bool = False
    replace_on_changes: tuple[str, ...] = ()
    """Inputs of which a change makes a new resource."""

    def json(self, key: str) -> Any:
        """Parse an input that is a JSON document."""
        return json.loads(self.inputs[key])


@dataclass
class Recording:
    """Everything that one run of the program registered, exported and logged."""

    stack: str
    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    secret_outputs: set[str] = field(default_factory=set)
    component_outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    logged: list[tuple[str, str]] = field(default_factory=list)
    """Severity and text of what the program logged."""
    looked_up: list[str] = field(default_factory=list)
    """Types of resources that the program reads and does not manage."""

    def of(self, type_: str) -> list[Registered]:
        """Return the resources of one type, such as `aws:sqs/queue:Queue`."""
        return [resource for resource in self.resources if resource.type == type_]

    def under(self, urn: str) -> list[Registered]:
        """Return the direct children of one resource."""
        return [resource for resource in self.resources if resource.parent == urn]

    def one(self, type_: str, ending: str = "") -> Registered:
        """Return the one resource of a type whose name ends like this."""
        found = [resource for resource in self.of(type_) if resource.name.endswith(ending)]
        assert len(found) == 1, f"{type_} *{ending}: {[resource.name for resource in found]}"
        return found[0]


class _Answers(Mocks):
    """What AWS would answer: names with a random part, ARNs, ids; unknown calls are errors."""

    def __init__(
        self, api_gateway_role: str, quotas: Mapping[str, float], kms_key: Mapping[str, Any] | None
    ) -> None:
        self._kms_key = kms_key
        self._api_gateway_role = api_gateway_role
        self._quotas = quotas
        self._roles = {"logs-of-apis", "x"}

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        physical = f"{args.name}-1a2b3c4"
        state = dict(args.inputs)
        service = args.typ.split(":")[1].split("/")[0]
        arn = f"arn:aws:{service}:eu-central-1:{ACCOUNT}:{physical}"
        if args.typ == "aws:s3/bucket:Bucket":
            domain = f"{physical}.s3.eu-central-1.amazonaws.com"
            state |= {
                "bucket": physical,
                "arn": f"arn:aws:s3:::{physical}",
                "bucketRegionalDomainName": domain,
            }
        elif args.typ == "aws:sqs/queue:Queue":
            url = f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/{physical}"
            state |= {"name": physical, "url": url, "arn": arn}
        elif args.typ == "pulumi:providers:aws":
            return f"{args.name}-id", state
        elif args.typ == "aws:apigateway/account:Account":
            return args.resource_id or "", {
                "cloudwatchRoleArn": self._api_gateway_role,
                "throttleSettings": [{"rateLimit": 10_000, "burstLimit": 5_000}],
            }
        elif args.typ == "aws:apigateway/restApi:RestApi":
            state = {"name": physical} | state
        elif args.typ == "aws:apigateway/apiKey:ApiKey":
            state |= {"name": physical, "value": "the-keys-own-text"}
        elif args.typ == "aws:apigateway/stage:Stage":
            api, stage = state["restApi"], state["stageName"]
            state |= {
                "invokeUrl": f"https://{api}.execute-api.eu-central-1.amazonaws.com/{stage}",
                "executionArn": f"arn:aws:execute-api:eu-central-1:{ACCOUNT}:{api}/{stage}",
            }
        elif args.typ == "aws:cloudfront/distribution:Distribution":
            state |= {"arn": arn, "domainName": "d111111abcdef8.cloudfront.net"}
        elif args.typ == "aws:lambda/function:Function":
            state |= {"name": physical, "arn": arn, "invokeArn": f"invoke:{arn}"}
        else:
            state = {"name": physical, "arn": arn} | state
        return physical, state

    def call(self, args: MockCallArgs) -> Any:
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT, "id": ACCOUNT},
            "aws:index/getPartition:getPartition": {"partition": "aws", "id": "aws"},
            "aws:index/getRegion:getRegion": {"region": "eu-central-1", "id": "eu-central-1"},
        }
        assert args.provider, f"{args.token} was asked without the program's own provider"
        if args.token == "aws:iam/getRole:getRole":
            if args.args["name"] in self._roles:
                return {"name": args.args["name"]}
            raise _Denied(f"NoSuchEntity: The role with name {args.args['name']} cannot be found.")
        if args.token == "aws:kms/getKey:getKey":
            if self._kms_key is None:
                raise _Denied("AccessDeniedException: not authorized to perform: kms:DescribeKey")
            if not self._kms_key:
                raise _Denied(f"NotFoundException: Key '{args.args['keyId']}' does not exist")
            return {**self._kms_key}
        if args.token == "aws:servicequotas/getServiceQuota:getServiceQuota":
            return {"value": self._quota(args.args["quotaCode"])}
        return answers[args.token]

    def _quota(self, code: str) -> float:
        if code not in self._quotas:
            raise _Denied("AccessDeniedException: not authorized to perform servicequotas:GetServiceQuota")
        return self._quotas[code]


class _Denied(grpc.RpcError):  # type: ignore[misc]
    """What the engine answers where a provider's function failed."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


class _Monitor(MockMonitor):
    """Keeps what mocks do not get (parent, protect, provider), and refuses what only the engine refuses."""

    def __init__(self, recording: Recording, answers: _Answers) -> None:
        super().__init__(answers)
        self._recording = recording

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name of the gRPC method
        response: Any = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if any(resource.urn == response.urn for resource in self._recording.resources):
            raise AssertionError(f"Duplicate resource URN {response.urn}")
        if request.type != "pulumi:pulumi:Stack":
            inputs = _unmarked(rpc.deserialize_properties(request.object))
            for value in inputs.values():
                if isinstance(value, pulumi.FileArchive):
                    assert Path(value.path).is_file(), f"missing archive {value.path}"
            self._recording.resources.append(
                Registered(
                    urn=response.urn,
                    type=request.type,
                    name=request.name,
                    inputs=inputs,
                    parent=request.parent,
                    protect=request.protect,
                    retain_on_delete=bool(request.retainOnDelete),
                    replace_on_changes=tuple(request.replaceOnChanges),
                    delete_before_replace=request.deleteBeforeReplace,
                    provider=request.provider,
                    depends_on=tuple(request.dependencies),
                    custom=request.custom,
                    aliases=tuple(alias.spec.name for alias in request.aliases if alias.spec.name),
                    was_at_the_root=any(alias.spec.noParent for alias in request.aliases),
                    property_dependencies={
                        key: tuple(found.urns) for key, found in request.propertyDependencies.items()
                    },
                )
            )
        return response

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 - the name of the gRPC method
        assert request.provider, f"{request.type} was looked up without the program's own provider"
        self._recording.looked_up.append(request.type)
        return super().ReadResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the name of the gRPC method
        outputs = rpc.deserialize_properties(request.outputs)
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self._recording.secret_outputs = {
                name for name, value in outputs.items() if rpc.is_rpc_secret(value)
            }
            self._recording.outputs = {
                name: rpc.unwrap_rpc_secret(value) if rpc.is_rpc_secret(value) else value
                for name, value in outputs.items()
            }
        else:
            self._recording.component_outputs[request.urn] = outputs
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def _unmarked(value: Any) -> Any:
    """Return inputs without their marks of secrecy, which the SDK puts around a whole map where one value is secret."""
    if rpc.is_rpc_secret(value):
        return _unmarked(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _unmarked(inner) for key, inner in value.items()}
    return [_unmarked(inner) for inner in value] if isinstance(value, list) else value


def run_program(
    files: StackFiles,
    api_gateway_role: str = "",
    *,
    preview: bool = False,
    quotas: Mapping[str, float] = MappingProxyType({}),
    kms_key: Mapping[str, Any] | None = None,
    program: Callable[[], None] | None = None,
) -> Recording:
    """Run `__main__.py`, or another program, with a stack's merged files, in a context and an event loop of its own.

    `api_gateway_role` is the account's role for API Gateway's logs; `quotas` are the account's by their codes, all
    others may not be looked at. `kms_key` is what KMS says of the stack's key: None, that it may not be looked at;
    empty, that there is none.
    """
    recording = Recording(files.stack)
    monitor = _Monitor(recording, _Answers(api_gateway_role, quotas, kms_key))
    contextvars.copy_context().run(_run, files, recording, monitor, preview, program or _main)
    return recording


@contextmanager
def without_packaging(folder: Path) -> Iterator[StackPackages]:
    """Put small zips into `folder`, and let every program that runs meanwhile deploy them."""
    packages = []
    for name in ("code", "image-layer", "video-layer"):
        path = folder / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("module.py", "")
        packages.append(Package(name, path, path.stat().st_size, "0" * 64, 0))
    code, image_layer, video_layer = packages
    stack = StackPackages(code, image_layer, video_layer)

    def build_stack(_target: packaging.Target, *, video: bool) -> StackPackages:
        return stack if video else replace(stack, video_layer=None)

    with mock.patch.object(packaging, "build_stack", build_stack), mock.patch.dict(os.environ):
        os.environ.pop(packaging.PACKAGES_FOR, None)
        yield stack


def _main() -> None:
    runpy.run_path(str(PROJECT / "__main__.py"), run_name="__main__")


class _Engine(MockEngine):
    """Keeps what the program logs."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(None)
        self._recording = recording

    def Log(self, request: Any) -> Any:  # noqa: N802 - the name of the gRPC method
        severity = engine_pb2.LogSeverity.Name(request.severity).lower()
        self._recording.logged.append((severity, request.message))
        super().Log(request)  # type: ignore[no-untyped-call]
        return empty_pb2.Empty()


def _run(
    files: StackFiles, recording: Recording, monitor: Any, preview: bool, program: Callable[[], None]
) -> None:
    loop = asyncio.new_event_loop()
    threads: list[asyncio.AbstractEventLoop] = []

    def give_a_loop() -> None:
        # The mock monitor makes one for each thread that has none, and never closes it.
        threads.append(asyncio.new_event_loop())
        asyncio.set_event_loop(threads[-1])

    pool = ThreadPoolExecutor(max_workers=2, initializer=give_a_loop)
    loop.set_default_executor(pool)
    asyncio.set_event_loop(loop)
    try:
        settings: Any = MockSettings
        configure(
            settings(
                monitor=monitor,
                monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
                engine=_Engine(recording),
                project="media-pipeline",
                stack=files.stack,
                dry_run=preview,
                organization="organization",
                callbacks=None,
                root_directory=str(PROJECT),
                outputs=OutstandingOutputs(),
            )
        )
        set_all_config(files.for_engine(), [])
        set_root_resource(None)  # type: ignore[arg-type]
        with without_stack_traces():
            loop.run_until_complete(run_in_stack(program))
    finally:
        # A program that failed leaves its other registrations waiting; nothing of them may outlive it.
        waiting = asyncio.all_tasks(loop)
        for task in waiting:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        pool.shutdown(wait=True, cancel_futures=True)
        asyncio.set_event_loop(None)
        for each in (*threads, loop):
            each.close()
