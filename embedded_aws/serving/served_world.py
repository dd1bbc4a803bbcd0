"""A complete world: services, functions, APIs, sign-in pages, an edge, e-mail, and a provider for the Pulumi engine."""

import json
import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.api_gateway.http_front import ApiFront
from embedded_aws.edge.http_front import EdgeFront
from embedded_aws.moto_patches.distributions_invalidations import SECONDS
from embedded_aws.outbox import Outbox
from embedded_aws.profiles import USUAL
from embedded_aws.provider.server import ProviderServer
from embedded_aws.runtime.functions import Functions
from embedded_aws.runtime.poller import Batch, Poller
from embedded_aws.runtime.schedules import Schedules
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.runtime.webhooks import Webhooks
from embedded_aws.sign_in.http_front import SignInFront
from embedded_aws.world import QueueMapping, World, WorldError

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.3  # between two checks of the mappings; on AWS a new one takes up to a minute to work


class ServedWorld:
    """Context manager: run everything, and follow what is deployed into it.

    `logs` is the folder for what the functions print, `outbox` that for e-mails, if any; `port` is the APIs'.
    Raises PortInUseError where that cannot be had.
    """

    def __init__(
        self,
        region: str,
        *,
        profile: str = USUAL.name,
        logs: Path | None = None,
        outbox: Path | None = None,
        port: int = 0,
        timescale: TimeScale | None = None,
        on_batch: Callable[[Batch], None] | None = None,
    ) -> None:
        self.world = World(region=region, profile=profile)
        self._logs = logs
        self._outbox = outbox
        self._port = port
        self._timescale = timescale or TimeScale()
        self._on_batch = on_batch
        self._parts = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as parts:
            parts.enter_context(self.world)
            self.functions = Functions(self.world, self._timescale, self._logs)
            parts.callback(self.functions.close)
            front = ApiFront(self.world, self.functions.invoke, port=self._port, timescale=self._timescale)
            parts.enter_context(front)
            parts.enter_context(SignInFront(self.world))
            taking = self._timescale.seconds(SECONDS)
            parts.enter_context(EdgeFront(self.world, invalidation_seconds=taking))
            parts.enter_context(Webhooks(self.world, self._timescale))
            if self._outbox is not None:
                parts.enter_context(Outbox(self._outbox))
            self.poller = Poller(self.world, self.functions, self._timescale, on_batch=self._on_batch)
            parts.enter_context(_Follower(self.world, self.functions, self.poller))
            self.schedules = parts.enter_context(Schedules(self.world, self._timescale))
            self.provider = parts.enter_context(ProviderServer(self.world))
            self._parts = parts.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parts.close()

    def run_schedule(self, name: str) -> Any:
        """Do at once what a schedule of the default group does when its time has come, and wait for its function.

        Returns the function's answer. Raises WorldError where the role does not trust the scheduler or the function
        fails, ClientError where the role may not invoke it.
        """
        answer = self.schedules.invoke(name, kind="RequestResponse")
        payload = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise WorldError(f"the function of the schedule {name} failed: {payload}")
        return payload


class _Follower:
    """Restart the poller whenever the event source mappings have changed."""

    def __init__(self, world: World, functions: Functions, poller: Poller) -> None:
        self._world = world
        self._functions = functions
        self._poller = poller
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="mappings", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        while self._thread.is_alive():  # it may be waiting for an invocation that nobody needs any more
            self._functions.stop_running()
            self._thread.join(_LOOK_SECONDS)
        self._poller.stop(kill=True)

    def _follow(self) -> None:
        followed: list[QueueMapping] = []
        while not self._stopped.wait(_LOOK_SECONDS):
            try:
                found = self._world.mappings()
                if found == followed:
                    continue
                self._poller.stop()  # what runs comes to its end
                self._poller.start()
                followed = found
            except (ClientError, BotoCoreError) as error:
                # A mapping whose queue is just being deleted: the next look finds neither.
                _log.info("mappings cannot be read now: %s", error)
