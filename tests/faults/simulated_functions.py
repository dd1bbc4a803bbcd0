"""The three functions as Lambda runs them: warm environments with real clients, a deadline, and sudden death."""

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from unittest import mock

import botocore.session
from botocore.retries import adaptive
from botocore.retries.quota import RetryQuota

from media_pipeline.bootstrap import workers
from media_pipeline.bootstrap.clients import Clients, rekognition
from media_pipeline.bootstrap.video import video_worker
from media_pipeline.bootstrap.workers import dead_letters_worker, image_worker
from media_pipeline.moderation.hash_list import HashList
from media_pipeline.observability import Observability
from media_pipeline.processing.messages import MessageWorker
from media_pipeline.records.hash_list import HashListReader
from media_pipeline.records.record import Status
from media_pipeline.settings.functions import VideoSettings
from tests.faults.configurations import Deployment
from tests.faults.function_inputs import event_of, settings_of
from tests.faults.simulated_invocation import Invocation
from tests.faults.simulated_queues import Delivery, Message, Queue
from tests.faults.virtual_calls import VirtualCalls
from tests.faults.virtual_time import KilledError, VirtualClock
from tests.faults.wire import Network, Wire

STEP_SECONDS = {"inspect": 0.01, "render": 0.3, "transcode": 0.3}


class QuietObservability(Observability):
    """Logs nothing, and lets virtual time pass where the functions compute."""

    def __init__(self, compute: Callable[[str, float], None]) -> None:
        # Not super().__init__(): Powertools' logger and metrics are slow, and no part of the simulation.
        self._compute = compute
        self.outcomes: list[tuple[Status, dict[str, Any]]] = []

    def segment(self, name: str) -> AbstractContextManager[Any]:
        if name in STEP_SECONDS:
            self._compute(name, STEP_SECONDS[name])
        return nullcontext()

    def about(self, object_key: str) -> None:
        """Annotate nothing: nothing is traced."""

    def outcome(self, status: str, **facts: Any) -> None:
        self.outcomes.append((Status(status), facts))

    def ignored(self, key: str, why: str) -> None:
        """Ignore the log line: nobody reads it."""

    def handed_back(self, error: Exception, *, age: float, object_key: str | None = None) -> None:
        """Ignore the log line: nobody reads it."""

    def budget_spent(self, error: Exception, *, object_key: str | None) -> None:
        """Ignore the log line: nobody reads it."""

    def unknown_message(self, body: str, error: Exception) -> None:
        """Ignore the log line: nobody reads it."""

    def answers_reused(self, pictures: int) -> None:
        """Ignore the count: the checks read the record."""

    def answer_cache_failed(self, error: Exception) -> None:
        """Ignore the log line: nobody reads it."""

    def upload_accepted(self, **facts: Any) -> None:
        """Ignore the log line: nobody reads it."""

    def form_issued(self, **facts: Any) -> None:
        """Ignore the log line: nobody reads it."""

    def refused(self, status: int, detail: str, error: Exception, *, is_upload: bool) -> None:
        """Ignore the log line: nobody reads it."""

    @contextmanager
    def invocation(self, context: Any, **ids: str) -> Iterator[None]:  # noqa: ARG002
        yield


class KnownToBeEmpty(HashListReader):
    """The hash list where no scenario is about it: one read less at which every fault is tried."""

    def current(self, before_read: Callable[[], None]) -> HashList:  # noqa: ARG002
        return HashList()


class Learnt:
    """What botocore's clients learn about the services: how often they may retry, and how fast they may ask."""

    def __init__(self) -> None:
        self.quotas: list[Any] = []
        self.limiters: list[Any] = []

    @contextmanager
    def by(self, session: Any) -> Iterator[None]:
        """Note it for the clients that are created inside, with one session: its loaded service models are shared."""
        quotas, limiters, limit = self.quotas, self.limiters, adaptive.register_retry_handler

        class Remembered(RetryQuota):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                quotas.append(self)

        def register(client: Any) -> Any:
            limiters.append(limit(client))
            return limiters[-1]

        with (
            mock.patch("botocore.retries.quota.RetryQuota", Remembered),
            mock.patch("botocore.retries.adaptive.register_retry_handler", register),
            mock.patch("botocore.session.get_session", return_value=session),
        ):
            yield

    def forget(self) -> None:
        """Reset it: a new environment starts without it."""
        for quota in self.quotas:
            quota.release(quota._max_capacity)
        for limiter in self.limiters:
            limiter._enabled = False
            clock = limiter._clock
            limiter._rate_adjustor.__init__(starting_max_rate=0, start_time=clock.current_time())
            limiter._token_bucket.__init__(max_rate=1, clock=clock)
            limiter._rate_clocker.__init__(clock)


@dataclass
class ClientSet:
    """The clients of one execution environment. Later runs use them again, because creating them is slow."""

    clients: Clients
    rekognition: Any
    learnt: Learnt
    timeout: float


class ClientPool:
    """Keeps client sets for reuse; none remembers an earlier run."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.pictures_judged = 0
        """What the clients of Rekognition of this run counted; their environments would write it as a metric."""
        self._made: dict[float, list[ClientSet]] = defaultdict(list)  # by the time-out they are made for
        self._free: dict[float, list[ClientSet]] = {}
        self._session: Any = None
        self._api_clients: tuple[Any, ...] = ()
        self.learnt_by_api = Learnt()

    def begin(self, network: Network) -> None:
        """Start a new run: all client sets are free, and connected to its network."""
        self.wire.network = network
        self.pictures_judged = 0
        self.learnt_by_api.forget()
        self._free = defaultdict(list, {timeout: list(made) for timeout, made in self._made.items()})

    def take(self, timeout: float) -> ClientSet:
        """Return a client set in its initial state, made for a function with `timeout` seconds."""
        if not self._free[timeout]:
            self._made[timeout].append(self._make(timeout))
            return self._made[timeout][-1]
        taken = self._free[timeout].pop()
        taken.learnt.forget()
        return taken

    def api_clients(self, create: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
        """Return the clients of the upload API, made once: they sign links and forms."""
        if not self._api_clients:
            with self.learnt_by_api.by(self._shared_session()):
                self._api_clients = create()
            for client in self._api_clients:
                self.wire.attach(client, signs=True)
        return self._api_clients

    def _shared_session(self) -> Any:
        self._session = self._session or botocore.session.get_session()
        return self._session

    def _count(self, pictures: int) -> None:
        self.pictures_judged += pictures

    def give_back(self, used: ClientSet) -> None:
        """Free a client set that no invocation uses any more."""
        self._free[used.timeout].append(used)

    def _make(self, timeout: float) -> ClientSet:
        learnt, session = Learnt(), self._shared_session()

        @cache
        def cloudfront() -> Any:
            with learnt.by(session):
                made = clients.cloudfront()
            self.wire.attach(made)
            return made

        with learnt.by(session):
            clients, judge = Clients.create(timeout), rekognition(timeout, self._count)
        for client in (clients.s3, clients.dynamodb, clients.sns, clients.sqs, judge):
            self.wire.attach(client)
        return ClientSet(replace(clients, cloudfront=cloudfront), judge, learnt, timeout)


@dataclass
class Environment:
    """One execution environment: warm until it is killed or replaced by a deployment."""

    worker: MessageWorker
    clients: ClientSet
    skew: float
    deployment: Deployment


class Functions:
    """Runs all functions of a stack."""

    def __init__(
        self, *, clock: VirtualClock, network: Network, pool: ClientPool, rng: random.Random, skew: float
    ) -> None:
        """`skew`: the largest error, in seconds, of an environment's clock in either direction."""
        self._clock = clock
        self._network = network
        self._pool = pool
        self._rng = rng
        self._skew = skew
        self._warm: dict[str, list[Environment]] = {
            name: [] for name in ("process-image", "process-video", "dead-letters")
        }
        self._numbers = itertools.count(1)
        self._queues: dict[str, Queue] = {}
        self._topic = ""
        self.clock_errors: Iterator[float] = iter(())  # of the next environments; then at random
        self.on_time_out: Callable[[Invocation], None] = lambda invocation: None  # noqa: ARG005
        self.deployment: Deployment | None = None
        self.retention_days = 0  # of records, at least, whatever is deployed
        self.invocations: list[Invocation] = []
        self.longest_timeout = (
            0.0  # seconds, of all that were deployed in turn: a lease may be an earlier one's
        )

    def deploy(self, deployment: Deployment, *, topic: str, queues: dict[str, Queue]) -> None:
        """Use these settings for new invocations; running ones end with their own."""
        self.deployment, self._topic, self._queues = deployment, topic, queues
        self.longest_timeout = max(self.longest_timeout, *map(deployment.timeout_of, queues))
        for environments in self._warm.values():
            while environments:
                self._pool.give_back(environments.pop().clients)

    def invoke(self, function: str, delivery: Delivery, done: Callable[[bool], None]) -> None:
        """Start an invocation with one message; `done` is called with whether it succeeded."""
        environment = self._environment(function)
        number = next(self._numbers)
        invocation = Invocation(
            function_name=function,
            number=number,
            delivery=delivery,
            clock=self._clock,
            timeout=environment.deployment.timeout_of(function),
            deployment=environment.deployment,
            aws_request_id=f"{number:08x}-0000-4000-8000-000000000000",
        )
        self.invocations.append(invocation)
        self._clock.spawn(lambda: self._run(function, environment, invocation, done), invocation)

    def outside(self, name: str, timeout: float = math.inf) -> Invocation:
        """Describe a run of something that no queue invokes: an operator's command, or a request to the API."""
        if self.deployment is None:
            raise RuntimeError("nothing is deployed")
        number = next(self._numbers)
        return Invocation(
            function_name=name,
            number=number,
            delivery=Delivery(Message(0, "{}", math.inf, self._clock.now), "", 0, ""),
            clock=self._clock,
            timeout=timeout,
            deployment=self.deployment,
            aws_request_id=f"{number:08x}-0000-4000-8000-000000000000",
        )

    def _run(
        self, function: str, environment: Environment, invocation: Invocation, done: Callable[[bool], None]
    ) -> None:
        went_well = False
        try:
            answer = environment.worker(event_of(invocation.delivery), invocation)
            went_well = invocation.alive and not answer["batchItemFailures"]
        except KilledError:
            if invocation.timed_out:
                self.on_time_out(invocation)
        except Exception:  # noqa: BLE001 - a handler that raises is a failed invocation: its message comes back
            invocation.killed = False
        if invocation.alive and invocation.threads:
            self._network.on_error(f"{invocation} ended, and {invocation.threads} of its threads did not")
        invocation.alive = False
        if not invocation.killed and environment.deployment is self.deployment:
            self._warm[function].append(environment)
        else:
            self._pool.give_back(environment.clients)
        done(went_well)

    def _environment(self, function: str) -> Environment:
        warm = self._warm[function]
        if warm:
            return warm.pop(self._rng.randrange(len(warm)))
        if self.deployment is None:
            raise RuntimeError("nothing is deployed")
        settings = settings_of(self.deployment, self.retention_days, self._topic, self._queues, function)
        clients = self._pool.take(self.deployment.timeout)
        skew = next(self.clock_errors, None)
        if skew is None:
            skew = self._rng.uniform(-self._skew, self._skew)
        error = skew
        observability = QuietObservability(self._network.compute)

        def clock() -> float:
            return self._clock.now + error

        reader = HashListReader if self.deployment.lists else KnownToBeEmpty
        with mock.patch.object(workers, "HashListReader", reader):
            if isinstance(settings, VideoSettings):
                worker = video_worker(
                    settings,
                    clients.clients,
                    clients.rekognition,
                    observability,
                    clock,
                    self.deployment.timeout,
                    self._overlap,
                )
            elif function == "process-image":
                worker = image_worker(
                    settings, clients.clients, clients.rekognition, observability, clock, self._overlap
                )
            else:
                worker = dead_letters_worker(settings, clients.clients, observability, clock)
        return Environment(worker, clients, skew, self.deployment)

    def _overlap(self) -> VirtualCalls:
        return VirtualCalls(self._clock)
