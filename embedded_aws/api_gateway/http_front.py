"""The HTTP server in front of the deployed APIs."""

from __future__ import annotations

import os
import threading
from functools import partial
from types import TracebackType
from typing import Self

from embedded_aws.api_gateway.gateway import Gateway, Invoke
from embedded_aws.api_gateway.server import HttpServer
from embedded_aws.api_gateway.stages import Stage
from embedded_aws.isolation import LOOPBACK
from embedded_aws.public_addresses import local_address
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.world import World

# Each invocation that runs is a process: some for each core, so that one that waits for the world blocks nobody.
ENVIRONMENTS = max(2, 2 * (os.cpu_count() or 2))


class PortInUseError(RuntimeError):
    """The requested port is not available."""


class ApiFront:
    """Context manager: serve every deployed stage at `http://127.0.0.1:<port>/<stage>`.

    Entered before the deployment, so that stages know their address. Raises PortInUseError for a `port` that
    another program has; 0 is any that is free.
    """

    def __init__(
        self, world: World, invoke: Invoke, *, port: int = 0, timescale: TimeScale | None = None
    ) -> None:
        self._world = world
        self._invoke = invoke
        self._port = port
        self._names: dict[str, str] = {}  # of the APIs, by id
        self._timescale = timescale or TimeScale()

    def __enter__(self) -> Self:
        self._gateway = Gateway(
            self._world.region,
            self._invoke,
            concurrency=ENVIRONMENTS,
            seconds=self._timescale.seconds,
            local=partial(local_address, served=self._world),
            on_answer=self._publish,
        )
        try:
            self._server = HttpServer((LOOPBACK, self._port), self._gateway)
        except OSError as error:
            self._gateway.close()
            raise PortInUseError(
                f"port {self._port} of {LOOPBACK} cannot be had ({error.strerror}): choose another port, or 0 for any"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="api", daemon=True
        )
        self._thread.start()
        self._world.api_endpoint = self.url
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._world.api_endpoint = None
        self._server.shutdown()
        self._server.server_close()
        self._gateway.close()
        self._server.end_connections()
        self._thread.join()

    def _publish(self, stage: Stage, status: int, seconds: float) -> None:
        """Publish what API Gateway does about an answer. ("Amazon API Gateway dimensions and metrics", its guide.)"""
        name = self._names.get(stage.api_id)
        if name is None:
            found = self._world.client("apigateway").get_rest_api(restApiId=stage.api_id)
            name = self._names[stage.api_id] = str(found["name"])
        dimensions = {"ApiName": name, "Stage": stage.name}
        for metric, value, unit in (
            ("Count", 1.0, "Count"),
            ("4XXError", float(400 <= status < 500), "Count"),
            ("5XXError", float(status >= 500), "Count"),
            ("Latency", 1000 * seconds, "Milliseconds"),
        ):
            self._world.metrics.add("AWS/ApiGateway", metric, dimensions, value, unit)

    @property
    def url(self) -> str:
        """Return `http://127.0.0.1:<port>`, no trailing slash."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"
