"""The fault profile of a seed: late and duplicate messages, the rate of failing calls, and outages of services."""

import math
import random
from dataclasses import dataclass

from tests.faults.delivery_profile import DeliveryProfile
from tests.faults.fault_injection import ALWAYS, CRASHES, STEP_KINDS, Call, Fault, FaultKind
from tests.faults.simulated_invocation import Invocation
from tests.faults.simulation import Simulation

LEAST_FAULTS = 10  # per seed; as long as there are fewer, faults are more frequent
SHORTEST_LEASE = 0.4  # of a time-out, for what still holds of a lease that is extended while the work goes on
KILLS_OF_ONE_OBJECT = 2  # after a third the pipeline would rightly reject the object as poison
SPORADIC = (
    Fault(FaultKind.CRASH_BEFORE),
    Fault(FaultKind.CRASH_AFTER),
    Fault(FaultKind.LOST),
    Fault(FaultKind.LOST, ALWAYS),
    Fault(FaultKind.THROTTLED),
    Fault(FaultKind.THROTTLED, ALWAYS),
    Fault(FaultKind.TIMEOUT),
    Fault(FaultKind.TIMEOUT, ALWAYS),
    Fault(FaultKind.ERROR),
    Fault(FaultKind.ERROR, ALWAYS),
    Fault(FaultKind.DENIED, ALWAYS),
    Fault(FaultKind.BROKEN_BODY),
    Fault(FaultKind.SHORT_BODY),
    Fault(FaultKind.PARTIAL),
    Fault(FaultKind.PARTIAL, ALWAYS),
    Fault(FaultKind.HANG),
    Fault(FaultKind.MEMORY),
)
SERVICES = ("s3", "dynamodb", "sns", "sqs", "rekognition")


@dataclass(frozen=True)
class Outage:
    """A time in which a `share` of a service's requests fails with `kind`; `begins` and `ends` in virtual seconds."""

    service: str
    begins: float
    ends: float
    kind: FaultKind
    share: float


@dataclass(frozen=True)
class FaultProfile:
    """What goes wrong in the run of one seed."""

    delivery_profile: DeliveryProfile
    rate: float  # share of calls with a sporadic fault
    outages: tuple[Outage, ...]
    redeploys: bool
    videos_from: float  # virtual second from which the stack accepts videos
    retention_days: int = 0  # of records; 0: for ever
    without_sequencer: float = 0.0  # share of uploads whose event has none
    suspended: tuple[float, float] | None = None  # virtual seconds between which uploads are null versions

    @classmethod
    def of(cls, seed: int) -> "FaultProfile":
        """Return the profile of a seed: each has a different mixture."""
        rng = random.Random(f"profile {seed}")
        delivery_profile = DeliveryProfile(
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
        return cls(
            delivery_profile,
            rate,
            tuple(outages),
            redeploys,
            videos_from=rng.choice((0.0, 0.0, 2_000.0, math.inf)),
            retention_days=rng.choice((0, 14, 28)),
            without_sequencer=rng.choice((0.0, 0.0, 0.1)),
            suspended=rng.choice((None, None, (rng.uniform(0, 4_000), rng.uniform(4_000, 6_000)))),
        )


def _outage(rng: random.Random) -> Outage:
    begins = rng.uniform(0, 4_000)
    seconds = rng.choice((5.0, 20.0, 60.0, 60.0, 600.0, 600.0, 3_600.0))
    kind = rng.choice(
        (FaultKind.THROTTLED, FaultKind.THROTTLED, FaultKind.ERROR, FaultKind.TIMEOUT, FaultKind.DENIED)
    )
    return Outage(rng.choice(SERVICES), begins, begins + seconds, kind, rng.choice((0.5, 0.9, 1.0)))


class RandomFaults:
    """Injects faults at random as a profile says, but kills no object's attempts so often that it looks like poison."""

    def __init__(self, profile: FaultProfile, seed: int) -> None:
        self._profile = profile
        self._rng = random.Random(f"faults {seed}")
        self._kills: dict[tuple[str, str], int] = {}
        self._injected: dict[int, Fault] = {}  # id of a call -> its fault, for botocore's further attempts
        self._stood_still: set[Invocation] = set()  # those that were paused beyond their lease
        self._count = 0
        self._run: Simulation | None = None
        self._over = False

    def attach(self, run: Simulation) -> None:
        """Set the run whose calls fail."""
        self._run = run

    def stop(self) -> None:
        """Inject no further faults."""
        self._over = True

    def choose(self, call: Call) -> Fault | None:
        """Return the fault of this attempt, or None."""
        # docs/maintainer/promise.md assumes that the services answer a machine that cleans up after it stood still.
        if self._over or self._run is None or call.invocation in self._stood_still:
            return None
        now = self._run.clock.elapsed
        for outage in self._profile.outages:
            is_on = outage.service == call.service and outage.begins <= now < outage.ends
            if is_on and self._rng.random() < outage.share:
                return Fault(outage.kind, ALWAYS)
        if call.attempt > 1:
            fault = self._injected.get(id(call))
            return fault if fault and fault.attempts >= call.attempt else None
        if self._rng.random() >= self._profile.rate * (1 if self._count >= LEAST_FAULTS else 4):
            return None
        fault = self._fault(call)
        if fault is not None:
            self._count += 1
            self._injected = (
                {id(call): fault, **self._injected} if len(self._injected) < 64 else {id(call): fault}
            )
        return fault

    def _fault(self, call: Call) -> Fault | None:
        kinds = [fault for fault in SPORADIC if fault.fits(call.operation)]
        # A first claim that is carried out late may leave a second record: docs/maintainer/promise.md assumes it away.
        is_first_claim = "attribute_not_exists(#status)" in call.params.get("ConditionExpression", "")
        kinds += [Fault(FaultKind.LATE, seconds=self._rng.choice((1.0, 20.0, 200.0)))] * (
            call.operation == "UpdateItem" and not is_first_claim
        )
        pause = self._seconds_of_a_pause(call)
        lease = SHORTEST_LEASE if call.invocation.function_name == "process-video" else 1.0
        is_beyond_lease = pause > lease * call.invocation.deployment.timeout
        kinds += [Fault(FaultKind.PAUSED, seconds=pause)] * (
            call.operation != "step" and not (is_first_claim and is_beyond_lease)
        )
        fault = self._rng.choice(kinds)
        if fault.kind is FaultKind.PAUSED and is_beyond_lease:
            self._stood_still.add(call.invocation)
        if fault.kind not in CRASHES | STEP_KINDS or self._run is None:
            return fault
        upload = self._run.upload_of(call.invocation)
        name = (upload.key, upload.version) if upload else ("", "")
        self._kills[name] = self._kills.get(name, 0) + 1
        return fault if self._kills[name] <= KILLS_OF_ONE_OBJECT else None

    def _seconds_of_a_pause(self, call: Call) -> float:
        """Return for how long a machine stands still: within its lease, beyond it, beyond the visibility timeout."""
        return self._rng.choice((0.5, 2.0, 10.0)) * call.invocation.deployment.timeout
