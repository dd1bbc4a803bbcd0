"""The wire between the functions' real botocore clients and moto: here calls are delayed, refused and lost.

The hook sits where botocore would open a connection, so its own retry logic runs as it is; only its sleeping is
virtual. Whatever was carried out is told to the `observer`, also where the function never hears of it.
"""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import botocore
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from moto.core.models import botocore_stubber

from tests.faults.error_responses import Raw, answer, error, refusal
from tests.faults.fault_injection import Call, Fault, Injector, Kind
from tests.faults.virtual_time import KilledError, Timeline

if TYPE_CHECKING:
    from tests.faults.simulated_functions import Invocation

READ_TIMEOUT = 3.0  # seconds: of the functions' clients at a time-out of 60 s
LATENCY = (0.004, 0.04)  # seconds of an ordinary call
FAKE_SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=test/20270101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"
)


class Observer(Protocol):
    """Hears of everything that really happened."""

    def carried_out(self, call: Call, response: AWSResponse) -> None:
        """A call took effect (or was answered with an error by the service itself)."""
        ...


class Network:
    """All calls of all functions of one run go through here."""

    def __init__(
        self, timeline: Timeline, injector: Injector, observer: Observer, rng: random.Random
    ) -> None:
        self._timeline = timeline
        self._observer = observer
        self._rng = rng
        self.injector = injector
        self.local: dict[str, Callable[[Call], AWSResponse]] = {}
        self.struck: list[tuple[Call, Fault]] = []
        self.trace: list[str] | None = None

    def begin(self, service: str, operation: str, params: dict[str, Any]) -> None:
        """A client begins an API call."""
        invocation = self._invocation()
        invocation.calls += 1
        invocation.call = Call(invocation, service, operation, invocation.calls, params)

    def compute(self, name: str, seconds: float) -> None:
        """The current invocation computes for a while; here decoding may be what kills it."""
        invocation = self._invocation()
        call = Call(invocation, "step", "step", invocation.calls, {"name": name}, attempt=1)
        fault = self._choose(call)
        if fault is not None and fault.kind is Kind.MEMORY:
            invocation.die()
        invocation.sleep(invocation.time_left() + 1 if fault else seconds)

    def send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        """One HTTP attempt."""
        invocation = self._invocation()
        call = invocation.call
        if call is None:
            raise RuntimeError(f"{event_name} was sent without an API call")
        call.attempt += 1
        invocation.sleep(self._rng.uniform(*LATENCY))
        fault = self._choose(call)
        if self.trace is not None:
            self.trace.append(
                f"{self._timeline.elapsed:.3f} {invocation} {call}#{call.attempt} {fault or ''}"
            )
        if fault is None:
            response = self._carry_out(call, request)
            invocation.sleep(self._rng.uniform(*LATENCY))
            return response
        return self._strike(call, fault, request)

    def _choose(self, call: Call) -> Fault | None:
        fault = self.injector.choose(call)
        if fault is not None:
            self.struck.append((call, fault))
        return fault

    def _strike(self, call: Call, fault: Fault, request: AWSPreparedRequest) -> AWSResponse:
        invocation, kind = call.invocation, fault.kind
        if kind is Kind.CRASH_BEFORE:
            invocation.die()
        if kind in (Kind.THROTTLED, Kind.ERROR, Kind.DENIED):
            return refusal(call.service, kind, call.operation)
        if kind is Kind.TIMEOUT:
            invocation.sleep(READ_TIMEOUT)
            raise ConnectTimeoutError(endpoint_url=request.url)
        if kind is Kind.LATE:
            self._timeline.after(fault.seconds, lambda: self._carry_out_quietly(call, request))
            invocation.sleep(READ_TIMEOUT)
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind is Kind.PARTIAL:
            return _partial(call)
        if kind is Kind.UNDONE:
            copied = b'<CopyObjectResult><ETag>"0"</ETag></CopyObjectResult>'
            return answer(200, {"Content-Type": "application/xml"}, copied)
        response = self._carry_out(call, request)
        if kind is Kind.CRASH_AFTER:
            invocation.die()
        if kind is Kind.LOST:
            invocation.sleep(READ_TIMEOUT)
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind in (Kind.BROKEN_BODY, Kind.SHORT_BODY):
            return _cut(response, silently=kind is Kind.SHORT_BODY, rng=self._rng)
        raise RuntimeError(f"nobody knows how to strike with {fault}")

    def _carry_out(self, call: Call, request: AWSPreparedRequest) -> AWSResponse:
        if call.service in self.local:
            response = self.local[call.service](call)
        else:
            made = botocore_stubber("before-send", request)
            if made is None:
                raise RuntimeError(f"moto does not answer {call}")
            response = made
        self._observer.carried_out(call, response)
        return response

    def _carry_out_quietly(self, call: Call, request: AWSPreparedRequest) -> None:
        self._carry_out(call, request)

    def _invocation(self) -> "Invocation":
        task = self._timeline.current
        subject: Any = task.subject if task else None
        if subject is None:
            raise RuntimeError("an AWS call outside of any invocation")
        invocation: Invocation = subject
        if not invocation.alive:
            raise KilledError
        return invocation


class Wire:
    """Connects clients, which outlive runs because they are dear to make, to the network of the current run."""

    def __init__(self) -> None:
        self.network: Network | None = None

    def attach(self, client: Any) -> None:
        """Lead every call of this client through the network."""
        service = client.meta.service_model.service_name
        events = client.meta.events
        events.unregister("before-send", botocore_stubber)
        # Last: the limiter of `adaptive` clients waits in the same event, before anything is sent.
        events.register_last("before-send", self._send)
        events.register_first("choose-signer", lambda **_: botocore.UNSIGNED)
        events.register("request-created", _pretend_to_sign)
        events.register(
            f"provide-client-params.{client.meta.service_model.service_id.hyphenize()}",
            lambda params, model, **_: self._network().begin(service, model.name, params),
        )

    def _send(self, **arguments: Any) -> AWSResponse:
        return self._network().send(**arguments)

    def _network(self) -> Network:
        if self.network is None:
            raise RuntimeError("no run is going on")
        return self.network


def _pretend_to_sign(request: Any, **_: Any) -> None:
    # moto asks who calls, and believes anyone.
    request.headers.add_header("Authorization", FAKE_SIGNATURE)


def _partial(call: Call) -> AWSResponse:
    if call.operation == "CopyObject":  # S3 began with a 200 before it noticed: botocore takes it for a 500
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
