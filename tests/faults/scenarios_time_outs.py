"""Time-outs of every size that may be configured, with clocks that differ as much as the promise allows.

`again`, `delete` and `delete-version`: the first invocation works until shortly before its time-out; the lease must
exclude the second one until then. `timeout*`: one call of the first invocation is never answered; the invocation must
end by itself before Lambda ends it, since a kill while an object is decoded counts against the object.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from tests.faults.configurations import CACHING_VIDEOS, Deployment
from tests.faults.delivery_profile import DeliveryProfile
from tests.faults.fault_injection import ALWAYS, Call, Fault, FaultKind
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_invocation import Invocation
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.simulation import Simulation

SECONDS = (15, 20, 60, 300, 900)  # the shortest and the longest that may be configured, and some between
CLOCKS_OFF = 2.0  # seconds by which each of two clocks is off, in opposite directions
REST = 0.5  # seconds before its time-out at which the first invocation goes on
STEP_SHARE = 0.5  # of the time-out, that must be left when a function begins a step
CALLS = 16
NEVER_ANSWERED = "timeout*"

Act = Callable[[Simulation], object]
MEANWHILE: Mapping[str, tuple[Act | None, str]] = {
    "again": (None, "PUBLISHED"),
    "delete": (lambda run: run.delete(KEY), "DELETED"),
    "delete-version": (lambda run: run.delete_version(next(iter(run.history.uploads.values()))), "DELETED"),
}
TIME_OUTS = (
    *(f"{seconds}s/{what}@{at}" for seconds in SECONDS for what in MEANWHILE for at in range(2, 10)),
    *(f"{seconds}s/{NEVER_ANSWERED}@{at}" for seconds in SECONDS for at in range(1, CALLS + 1)),
)


def with_time_out(deployment: Deployment, seconds: float) -> Deployment:
    """Return a deployment whose functions have this time-out, and the video function the shortest one that suffices."""
    return replace(deployment, timeout=seconds, video_timeout=min(3.75 * seconds // 1, 900.0))


class _Working:
    """Keeps the first invocation at its Nth call until shortly before its time-out."""

    def __init__(self, run: Simulation, at: int, meanwhile: Callable[[Invocation], object]) -> None:
        self._run = run
        self._at = at
        self._meanwhile = meanwhile
        self._done = False

    def choose(self, call: Call) -> Fault | None:
        """Let time pass before the call; return None."""
        if self._done or call.operation == "step" or call.number != self._at:
            return None
        self._done = True
        self._meanwhile(call.invocation)
        self._run.clock.sleep(max(call.invocation.time_left() - REST, 0.0))
        return None


class _Unanswered:
    """Never answers the first invocation's Nth call, which begins when just enough time is left for a step."""

    def __init__(self, run: Simulation, at: int) -> None:
        self._run = run
        self._at = at

    def choose(self, call: Call) -> Fault | None:
        """Let time pass before the call in front of it; return a time-out for every HTTP attempt of the call."""
        if call.invocation.number != 1 or call.operation == "step":
            return None
        if call.number == self._at - 1:
            left = STEP_SHARE * call.invocation.timeout + REST
            self._run.clock.sleep(max(call.invocation.time_left() - left, 0.0))
        return Fault(FaultKind.TIMEOUT, ALWAYS) if call.number == self._at else None


def run_time_out(stack: SimulatedStack, pool: ClientPool, name: str) -> list[str]:
    """Run `seconds s/what@call`; return the violations."""
    seconds, _, rest = name.partition("s/")
    what, _, at = rest.rpartition("@")
    deployment = with_time_out(CACHING_VIDEOS, float(seconds))
    run = Simulation(stack, pool, seed=5, delivery_profile=DeliveryProfile(skew=0.0), deployment=deployment)
    run.functions.clock_errors = itertools.chain([-CLOCKS_OFF], itertools.repeat(CLOCKS_OFF))
    with run.clock:
        with run.postponed() as bodies:
            run.put(KEY, Content.CLEAN, 1)

        def meanwhile(_: Invocation) -> None:
            act, _status = MEANWHILE[what]
            if act is not None:
                act(run)
            run.queues["images"].send(bodies[0])

        run.injector = (
            _Unanswered(run, int(at)) if what == NEVER_ANSWERED else _Working(run, int(at), meanwhile)
        )
        run.queues["images"].send(bodies[0])
        run.run(DAY)
        return [*run.violations(), *_ended_wrong(run, what)]


def _ended_wrong(run: Simulation, what: str) -> Iterator[str]:
    expected = "PUBLISHED" if what == NEVER_ANSWERED else MEANWHILE[what][1]
    status = run.stack.items(KEY)[-1]["status"]
    if status != expected:
        yield f"ended {status}, not {expected}"
