"""The provider as the engine sees it: one connection, configured."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from embedded_aws.isolation import ACCOUNT_ID, LOOPBACK
from embedded_aws.provider.server import ProviderServer
from embedded_aws.provider.wire import from_wire, to_wire
from embedded_aws.resources.base import Aws


@dataclass
class Place:
    """An account without services: for calls that ask AWS nothing."""

    region: str = "eu-central-1"
    account_id: str = ACCOUNT_ID
    api_endpoint: str | None = None

    def client(self, service: str) -> Any:
        raise AssertionError(f"{service} was asked")


def urn(type_name: str, name: str) -> str:
    return f"urn:pulumi:dev::tiny::{type_name}::{name}"


class Provider:
    """The calls that tests make, with Python values in and out."""

    def __init__(self, stub: Any, port: int) -> None:
        self.stub = stub
        self.port = port

    def configure(self, **settings: Any) -> Any:
        return self.stub.Configure(provider_pb2.ConfigureRequest(args=to_wire(settings)))

    def check(
        self, of: str, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None, seed: bytes = b"seed"
    ) -> dict[str, Any]:
        answer = self.checked(of, news, olds, seed)
        assert not answer.failures, answer.failures
        return from_wire(answer.inputs)

    def faults(self, of: str, news: Mapping[str, Any]) -> list[str]:
        return [failure.reason for failure in self.checked(of, news).failures]

    def checked(
        self, of: str, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None, seed: bytes = b"seed"
    ) -> Any:
        return self.stub.Check(
            provider_pb2.CheckRequest(urn=of, news=to_wire(news), olds=to_wire(olds or {}), randomSeed=seed)
        )

    def diff(self, of: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Any:
        return self.stub.Diff(
            provider_pb2.DiffRequest(urn=of, olds=to_wire(old), old_inputs=to_wire(old), news=to_wire(new))
        )

    def create(
        self, of: str, inputs: Mapping[str, Any], *, preview: bool = False
    ) -> tuple[str, dict[str, Any]]:
        made = self.stub.Create(
            provider_pb2.CreateRequest(urn=of, properties=to_wire(inputs), preview=preview)
        )
        return made.id, from_wire(made.properties)

    def read(self, of: str, id_: str, properties: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        return self.stub.Read(
            provider_pb2.ReadRequest(urn=of, id=id_, properties=to_wire(properties), inputs=to_wire(inputs))
        )

    def update(
        self, of: str, id_: str, old: Mapping[str, Any], new: Mapping[str, Any], *, preview: bool = False
    ) -> dict[str, Any]:
        changed = self.stub.Update(
            provider_pb2.UpdateRequest(
                urn=of, id=id_, olds=to_wire(old), old_inputs=to_wire(old), news=to_wire(new), preview=preview
            )
        )
        return from_wire(changed.properties)

    def delete(self, of: str, id_: str, properties: Mapping[str, Any]) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(urn=of, id=id_, properties=to_wire(properties)))


@contextmanager
def connected(aws: Aws) -> Iterator[Provider]:
    """Serve a provider before an account, and connect to it."""
    with ProviderServer(aws) as server, connection_to(server.port) as provider:
        yield provider


@contextmanager
def connection_to(port: int) -> Iterator[Provider]:
    """Open a connection, as the engine does for each provider resource."""
    own = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"{LOOPBACK}:{port}", options=own) as channel:
        yield Provider(provider_pb2_grpc.ResourceProviderStub(channel), port)
