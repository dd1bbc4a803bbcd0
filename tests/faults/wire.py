"""The connection between the functions' real botocore clients and moto: calls are delayed, refused and lost here.

The hook replaces the opening of a connection, so botocore's own retry logic runs unchanged; only its waiting is
virtual. The `observer` is called for everything that was carried out, even if the function never gets a response.
"""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import botocore
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from moto.core.models import botocore_stubber

from tests.faults.error_responses import Raw, answer, error, refusal
from tests.faults.fault_injection import Call, Fault, FaultKind, Injector
from tests.faults.virtual_time import KilledError, KilledMeanwhileError, Task, VirtualClock

if TYPE_CHECKING:
    from tests.faults.simulated_invocation import Invocation

LATENCY = (0.004, 0.04)  # seconds of an ordinary call, each way
ENCODING_SECONDS = 0.06  # at most, of one rendition: as long as a request takes
OUTLIVING = (
    0.5  # share of the requests under way that are carried out although another call killed their function
)
FAKE_SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=test/20270101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
)


class Latency(Protocol):
    """Tells how long a request or its answer takes."""

    def __call__(self, call: Call, *, is_answer: bool) -> float:
        """Return seconds."""
        ...


class Observer(Protocol):
    """Is called for everything that was carried out."""

    def carried_out(self, call: Call, response: AWSResponse) -> None:
        """React to a call that took effect, or that the service itself answered with an error."""
        ...


class Network:
    """Carries all calls of all functions of one run."""

    def __init__(
        self, clock: VirtualClock, injector: Injector, observer: Observer, rng: random.Random
    ) -> None:
        self._clock = clock
        self._observer = observer
        self._rng = rng
        self.injector = injector
        self.local: dict[str, Callable[[Call], AWSResponse]] = {}
        self.injected: list[tuple[Call, Fault]] = []
        self.trace: list[str] | None = None
        self.latency: Latency = self._usual_latency
        self.encoding_seconds: Callable[[], float] = lambda: self._rng.uniform(0.0, ENCODING_SECONDS)
        self.outlives: Callable[[Call], bool] = self._perhaps
        """Whether a request that was sent is carried out although its function was killed by another call."""
        self.on_error: Callable[[str], None] = _fail  # gets what went wrong in the observer

    def begin(self, service: str, operation: str, params: dict[str, Any], read_timeout: float) -> None:
        """Begin an API call of the current invocation; `read_timeout` in seconds is that of its client."""
        task, invocation = self._current()
        invocation.calls += 1
        task.call = Call(invocation, service, operation, invocation.calls, params, read_timeout=read_timeout)

    def compute(self, name: str, seconds: float) -> None:
        """Let the current invocation compute for `seconds`; a fault may kill it here."""
        _, invocation = self._current()
        call = Call(invocation, "step", "step", invocation.calls, {"name": name}, attempt=1)
        fault = self._choose(call)
        if fault is not None and fault.kind is FaultKind.MEMORY_ERROR:
            raise MemoryError
        if fault is not None and fault.kind is FaultKind.MEMORY:
            invocation.die()
        invocation.computing = True
        invocation.sleep(invocation.time_left() + 1 if fault else seconds)
        invocation.computing = False

    def encode(self) -> None:
        """Let the current invocation encode one rendition."""
        self.compute("encode", self.encoding_seconds())

    def send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        """Send one HTTP attempt. Raises botocore's time-out errors as a real connection does."""
        task, invocation = self._current()
        call = task.call
        if call is None:
            raise RuntimeError(f"{event_name} was sent without an API call")
        call.attempt += 1
        try:
            invocation.sleep(self.latency(call, is_answer=False))
        except KilledMeanwhileError:
            if not self._clock.closing and self.outlives(call):
                self._carry_out(call, request)
            raise
        fault = self._choose(call)
        if self.trace is not None:
            self.trace.append(f"{self._clock.elapsed:.3f} {invocation} {call}#{call.attempt} {fault or ''}")
        if fault is None:
            response = self._carry_out(call, request)
            invocation.sleep(self.latency(call, is_answer=True))
            call.answered = True
            return response
        return self._inject(call, fault, request)

    def _choose(self, call: Call) -> Fault | None:
        fault = self.injector.choose(call)
        if fault is not None:
            self.injected.append((call, fault))
        return fault

    def _inject(self, call: Call, fault: Fault, request: AWSPreparedRequest) -> AWSResponse:
        invocation, kind = call.invocation, fault.kind
        if kind is FaultKind.PAUSED:
            invocation.pause(fault.seconds)
            return self._carry_out(call, request)
        if kind is FaultKind.CRASH_BEFORE:
            invocation.die()
        if kind in (FaultKind.THROTTLED, FaultKind.ERROR, FaultKind.DENIED):
            return refusal(call.service, kind, call.operation)
        if kind is FaultKind.TIMEOUT:
            invocation.sleep(call.read_timeout)
            raise ConnectTimeoutError(endpoint_url=request.url)
        if kind is FaultKind.LATE:
            self._clock.after(fault.seconds, lambda: self._carry_out_quietly(call, request))
            invocation.sleep(call.read_timeout)
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind is FaultKind.PARTIAL:
            return _partial(call)
        if kind is FaultKind.UNDONE:
            copied = b'<CopyObjectResult><ETag>"0"</ETag></CopyObjectResult>'
            return answer(200, {"Content-Type": "application/xml"}, copied)
        response = self._carry_out(call, request)
        if kind is FaultKind.CRASH_AFTER:
            invocation.die()
        if kind is FaultKind.LOST:
            invocation.sleep(call.read_timeout + fault.seconds)
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind in (FaultKind.BROKEN_BODY, FaultKind.SHORT_BODY):
            return _cut(response, silently=kind is FaultKind.SHORT_BODY, rng=self._rng)
        raise RuntimeError(f"there is no code that injects {fault}")

    def _carry_out(self, call: Call, request: AWSPreparedRequest) -> AWSResponse:
        if call.service in self.local:
            response = self.local[call.service](call)
        else:
            made = botocore_stubber("before-send", request)
            if made is None:
                raise RuntimeError(f"moto does not answer {call}")
            response = made
        try:
            self._observer.carried_out(call, response)
        except Exception as problem:  # noqa: BLE001 - the function would take it for an error of the call, and go on
            self.on_error(f"the harness could not note {call}: {problem!r}")
        return response

    def _carry_out_quietly(self, call: Call, request: AWSPreparedRequest) -> None:
        self._carry_out(call, request)

    def _current(self) -> tuple[Task, "Invocation"]:
        task = self._clock.current
        subject: Any = task.subject if task else None
        if task is None or subject is None:
            raise RuntimeError("an AWS call outside of any invocation")
        invocation: Invocation = subject
        if not invocation.alive:
            raise KilledError
        return task, invocation

    def _usual_latency(self, call: Call, *, is_answer: bool) -> float:  # noqa: ARG002
        return self._rng.uniform(*LATENCY)

    def _perhaps(self, call: Call) -> bool:  # noqa: ARG002
        return self._rng.random() < OUTLIVING


class Wire:
    """Connects clients to the network of the current run. Clients outlive runs because creating them is slow."""

    def __init__(self) -> None:
        self.network: Network | None = None

    def attach(self, client: Any, *, signs: bool = False) -> None:
        """Send every call of this client through the network; `signs`: it makes links and forms as well."""
        service = client.meta.service_model.service_name
        events = client.meta.events
        events.unregister("before-send", botocore_stubber)
        # Last: the limiter of `adaptive` clients waits in the same event, before anything is sent.
        events.register_last("before-send", self._send)
        if not signs:
            events.register_first("choose-signer", lambda **_: botocore.UNSIGNED)
            events.register("request-created", _pretend_to_sign)
        events.register(
            f"provide-client-params.{client.meta.service_model.service_id.hyphenize()}",
            lambda params, model, **_: self._network().begin(
                service, model.name, params, client.meta.config.read_timeout
            ),
        )

    def _send(self, **arguments: Any) -> AWSResponse:
        return self._network().send(**arguments)

    def _network(self) -> Network:
        if self.network is None:
            raise RuntimeError("no run is in progress")
        return self.network


def _fail(problem: str) -> None:
    raise RuntimeError(problem)


def _pretend_to_sign(request: Any, **_: Any) -> None:
    # moto wants to know who calls, and does not verify it.
    request.headers.add_header("Authorization", FAKE_SIGNATURE)


def _partial(call: Call) -> AWSResponse:
    if (
        call.operation == "CopyObject"
    ):  # S3 sends 200 before it fails: botocore treats the error body as a 500
        return error("s3", 200, "InternalError")
    keys = [entry["Key"] for entry in call.params["Delete"]["Objects"]]
    errors = "".join(f"<Error><Key>{key}</Key><Code>InternalError</Code></Error>" for key in keys)
    return answer(200, {"Content-Type": "application/xml"}, f"<DeleteResult>{errors}</DeleteResult>".encode())


def _cut(response: AWSResponse, *, silently: bool, rng: random.Random) -> AWSResponse:
    data = response.content
    if response.status_code >= 300 or not data:
        return answer(response.status_code, dict(response.headers), data)
    raw = Raw(data, ends_after=rng.randrange(len(data)), silently=silently)
    return answer(response.status_code, dict(response.headers), b"", raw)
