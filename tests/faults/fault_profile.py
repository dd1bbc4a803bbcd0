"""How bad a seed is: what travels late or twice, how often calls fail, and which services go down for how long."""

import math
import random
from dataclasses import dataclass

from tests.faults.fault_injection import ALWAYS, CRASHES, STEP_KINDS, Call, Fault, Kind
from tests.faults.simulation import Simulation, Weather

LEAST_FAULTS = 10  # a seed; while there are fewer, faults come more often
KILLS_OF_ONE_OBJECT = 2  # the third would make it look like poison
SPORADIC = (
    Fault(Kind.CRASH_BEFORE),
    Fault(Kind.CRASH_AFTER),
    Fault(Kind.LOST),
    Fault(Kind.LOST, ALWAYS),
    Fault(Kind.THROTTLED),
    Fault(Kind.THROTTLED, ALWAYS),
    Fault(Kind.TIMEOUT),
    Fault(Kind.TIMEOUT, ALWAYS),
    Fault(Kind.ERROR),
    Fault(Kind.ERROR, ALWAYS),
    Fault(Kind.DENIED, ALWAYS),
    Fault(Kind.BROKEN_BODY),
    Fault(Kind.SHORT_BODY),
    Fault(Kind.PARTIAL),
    Fault(Kind.PARTIAL, ALWAYS),
    Fault(Kind.HANG),
    Fault(Kind.MEMORY),
)
SERVICES = ("s3", "dynamodb", "sns", "sqs", "rekognition")


@dataclass(frozen=True)
class Outage:
    """A service that does not work for a while; `share` of its requests are struck by `kind`."""

    service: str
    begins: float
    ends: float
    kind: Kind
    share: float


@dataclass(frozen=True)
class Climate:
    """Of one seed."""

    weather: Weather
    rate: float  # share of calls that a sporadic fault strikes
    outages: tuple[Outage, ...]
    redeploys: bool
    videos_from: float  # virtual second from which the stack takes videos

    @classmethod
    def of(cls, seed: int) -> "Climate":
        """The climate of a seed: each has another mixture."""
        rng = random.Random(f"climate {seed}")
        weather = Weather(
            concurrency=rng.choice((2, 5, 10)),
            skew=rng.choice((0.0, 0.5, 2.0)),
            duplicate_events=rng.choice((0.0, 0.15, 0.5)),
            late_events=rng.choice((0.0, 0.1, 0.4)),
            longest_delay=rng.choice((30.0, 600.0, 3600.0)),
            duplicate_deliveries=rng.choice((0.0, 0.1, 0.4)),
            lost_deletes=rng.choice((0.0, 0.02, 0.1)),
        )
        outages = [_outage(rng) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
        rate, redeploys = rng.choice((0.02, 0.04, 0.08)), rng.random() < 0.4
        return cls(weather, rate, tuple(outages), redeploys, rng.choice((0.0, 0.0, 2_000.0, math.inf)))


def _outage(rng: random.Random) -> Outage:
    begins = rng.uniform(0, 4_000)
    seconds = rng.choice((5.0, 20.0, 60.0, 60.0, 600.0, 600.0, 3_600.0))
    kind = rng.choice((Kind.THROTTLED, Kind.THROTTLED, Kind.ERROR, Kind.TIMEOUT, Kind.DENIED))
    return Outage(rng.choice(SERVICES), begins, begins + seconds, kind, rng.choice((0.5, 0.9, 1.0)))


class StormyWeather:
    """Strikes as a climate says, never killing one object's attempts so often that it looks like poison."""

    def __init__(self, climate: Climate, seed: int) -> None:
        self._climate = climate
        self._rng = random.Random(f"storms {seed}")
        self._kills: dict[tuple[str, str], int] = {}
        self._struck: dict[int, Fault] = {}  # the fault of the call that is being tried again
        self._count = 0
        self._run: Simulation | None = None
        self._over = False

    def attend(self, run: Simulation) -> None:
        """Learn whose weather this is."""
        self._run = run

    def calm(self) -> None:
        """Nothing more happens."""
        self._over = True

    def choose(self, call: Call) -> Fault | None:
        """Part of `Injector`."""
        if self._over or self._run is None:
            return None
        now = self._run.timeline.elapsed
        for outage in self._climate.outages:
            is_on = outage.service == call.service and outage.begins <= now < outage.ends
            if is_on and self._rng.random() < outage.share:
                return Fault(outage.kind, ALWAYS)
        if call.attempt > 1:
            fault = self._struck.get(id(call))
            return fault if fault and fault.attempts >= call.attempt else None
        if self._rng.random() >= self._climate.rate * (1 if self._count >= LEAST_FAULTS else 4):
            return None
        fault = self._fault(call)
        if fault is not None:
            self._count += 1
            self._struck = {id(call): fault, **self._struck} if len(self._struck) < 64 else {id(call): fault}
        return fault

    def _fault(self, call: Call) -> Fault | None:
        kinds = [fault for fault in SPORADIC if fault.fits(call.operation)]
        kinds += [Fault(Kind.LATE, seconds=self._rng.choice((1.0, 20.0, 200.0)))] * (
            call.operation == "UpdateItem"
        )
        fault = self._rng.choice(kinds)
        if fault.kind not in CRASHES | STEP_KINDS or self._run is None:
            return fault
        upload = self._run.works_on(call.invocation)
        name = (upload.key, upload.version) if upload else ("", "")
        self._kills[name] = self._kills.get(name, 0) + 1
        return fault if self._kills[name] <= KILLS_OF_ONE_OBJECT else None
