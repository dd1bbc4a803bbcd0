"""The provider's gRPC server, on loopback."""

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import grpc  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2_grpc

from embedded_aws.isolation import LOOPBACK
from embedded_aws.provider.servicer import ProviderServicer
from embedded_aws.resources.base import Aws

_THREADS = 16  # the engine makes that many calls at once by default
_LARGEST_MESSAGE = 400 * 1024 * 1024  # bytes; the engine's own limit
_GRACE = 1.0  # seconds for calls under way


class ProviderServer:
    """Context manager: serve on `port`; PULUMI_DEBUG_PROVIDERS wants `aws:<port>`."""

    def __init__(self, aws: Aws) -> None:
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, thread_name_prefix="provider"),
            options=[
                ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
                ("grpc.max_send_message_length", _LARGEST_MESSAGE),
            ],
        )
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(ProviderServicer(aws), self._server)
        self.port = self._server.add_insecure_port(f"{LOOPBACK}:0")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(_GRACE).wait()
