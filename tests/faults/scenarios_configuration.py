"""Deployments with another configuration between two attempts at one object.

The first attempt is cut off at its Nth call, and what is deployed then has other formats, sizes, thresholds, or another
mode of moderation. `redriven`: the object fails first, and an operator redrives it under the new configuration.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from zlib import crc32

from tests.faults.configurations import (
    FIRST,
    LAXER,
    OBSERVING,
    OFF,
    OTHER_SIZES,
    STRICTER,
    WITH_WEBP,
    Deployment,
)
from tests.faults.fault_injection import ALWAYS, Call, Fault, FaultKind
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.simulation import Simulation

CALLS = 17  # one more than the longest attempt has
FAULTS = {"crash-after": Fault(FaultKind.CRASH_AFTER), "error*": Fault(FaultKind.ERROR, ALWAYS)}


class Change(NamedTuple):
    """What is uploaded, and what is deployed before and after the first attempt was cut off."""

    content: Content
    before: Deployment
    after: Deployment


CHANGES: Mapping[str, Change] = {
    "stricter": Change(Content.FIGHT, FIRST, STRICTER),
    "laxer": Change(Content.WEAPON, FIRST, LAXER),
    "stricter-again": Change(Content.WEAPON, LAXER, FIRST),
    "enforced": Change(Content.WEAPON, OBSERVING, FIRST),
    "enforced-stricter": Change(Content.FIGHT, OBSERVING, STRICTER),
    "turned-on": Change(Content.WEAPON, OFF, FIRST),
    "turned-off": Change(Content.FIGHT, FIRST, OFF),
    "observed": Change(Content.WEAPON, FIRST, OBSERVING),
    "format-joined": Change(Content.LONG_FRAME, FIRST, WITH_WEBP),
    "format-left": Change(Content.LONG_FRAME, WITH_WEBP, FIRST),
    "sizes": Change(Content.CLEAN, FIRST, OTHER_SIZES),
    "sizes-of-transparent": Change(Content.HIDDEN, OBSERVING, OTHER_SIZES),
}
REDEPLOYMENTS = tuple(
    f"{change}/{fault}@{at}{redriven}"
    for change in CHANGES
    for fault in FAULTS
    for at in range(1, CALLS + 1)
    for redriven in ("", "-redriven")
)


class _Redeploying:
    """Cuts the first attempt off at its Nth call, and deploys the other configuration at that moment."""

    def __init__(self, run: Simulation, fault: Fault, at: int, after: Deployment, *, redriven: bool) -> None:
        self._run = run
        self._fault = fault
        self._at = at
        self._after = after
        self._redriven = redriven
        self._cut: Call | None = None

    def choose(self, call: Call) -> Fault | None:
        """Return the fault of the first attempt's Nth call."""
        if call is self._cut:
            return self._fault if call.attempt <= self._fault.attempts else None
        is_first = call.invocation.function_name == "process-image" and call.operation != "step"
        if self._cut is not None or not is_first or call.number != self._at:
            return None
        self._cut = call
        self._run.deploy(self._after)
        if self._redriven:
            message = call.invocation.delivery.message
            self._run.queues["images"].messages.remove(message)
            self._run.queues["dead"].send(message.body)
        return self._fault


def run_redeployment(stack: SimulatedStack, pool: ClientPool, name: str) -> list[str]:
    """Run `change/fault@call[-redriven]`; return the violations."""
    change_name, _, plan = name.partition("/")
    fault, _, at = plan.removesuffix("-redriven").partition("@")
    change, redriven = CHANGES[change_name], plan.endswith("-redriven")
    run = Simulation(stack, pool, seed=crc32(name.encode()), deployment=change.before)
    run.injector = _Redeploying(run, FAULTS[fault], int(at), change.after, redriven=redriven)
    with run.clock:
        run.put(KEY, change.content, 1)
        run.run(DAY)
        if redriven:
            run.redrive()
        run.run()
        return [*run.violations(), *_ended_wrong(run, change)]


def _ended_wrong(run: Simulation, change: Change) -> Iterator[str]:
    expected = {one.expected_statuses[change.content] for one in (change.before, change.after)}
    expected |= change.before.withholds_as(change.content)
    status = run.stack.items(KEY)[-1]["status"]
    if status not in expected:
        yield f"ended {status}, not {' or '.join(sorted(expected))}"
