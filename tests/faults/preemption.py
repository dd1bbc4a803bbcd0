"""Two invocations at once: one pauses before its Nth call, the other runs to its end, then the first continues.

Tried at every call, for the same message twice and for pairs of events of one key. `paused`: the first one pauses
(as a frozen machine does) until its lease is over. `crossed`: the second one pauses as well, while the first
continues without a lease.
"""

from collections.abc import Callable, Mapping

from tests.faults.configurations import FIRST, WITH_VIDEOS
from tests.faults.delivery_profile import DeliveryProfile
from tests.faults.fault_injection import Call, Fault, FaultKind
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_invocation import Invocation
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.simulation import Simulation

CALLS = 15  # one more than the longest invocation has: there nothing pauses
CALLS_OF_VIDEOS = 23
LONG = 90.0  # seconds: more than any lease
HOLDING = 55.0  # seconds: less than a lease
HOLDING_VIDEOS = 25.0  # a video's lease is short, and is extended


def _put(kind: Content, number: int) -> Callable[[Simulation], object]:
    return lambda run: run.put(KEY, kind, number)


def _delete_version(run: Simulation) -> None:
    run.delete_version(next(iter(run.history.uploads.values())))


def _dead_letter(run: Simulation) -> None:
    for message in list(run.queues["images"].messages):
        run.queues["dead"].send(message.body)


Act = Callable[[Simulation], object]
PAIRS: Mapping[str, tuple[Act, Act | None]] = {
    # None: the same message once more
    "publish+again": (_put(Content.CLEAN, 1), None),
    "block+again": (_put(Content.WEAPON, 1), None),
    "review+again": (_put(Content.FIGHT, 1), None),
    "reject+again": (_put(Content.CORRUPT, 1), None),
    "delete+again": (lambda run: run.delete(KEY), None),
    "publish+overwrite": (_put(Content.CLEAN, 1), _put(Content.CLEAN, 2)),
    "publish+overwrite-with-blocked": (_put(Content.CLEAN, 1), _put(Content.WEAPON, 2)),
    "block+overwrite": (_put(Content.WEAPON, 1), _put(Content.CLEAN, 2)),
    "publish+delete": (_put(Content.CLEAN, 1), lambda run: run.delete(KEY)),
    "block+delete": (_put(Content.WEAPON, 1), lambda run: run.delete(KEY)),
    "publish+delete-version": (_put(Content.CLEAN, 1), _delete_version),
    "block+delete-version": (_put(Content.WEAPON, 1), _delete_version),
    "publish+dead-letter": (_put(Content.CLEAN, 1), _dead_letter),
    "delete+overwrite": (lambda run: run.delete(KEY), _put(Content.CLEAN, 2)),
    "fail+redrive": (_put(Content.CLEAN, 1), lambda run: run.redrive()),  # the first message is a dead letter
    # For videos, the video function pauses, and its message is delivered once more.
    "video+again": (_put(Content.VIDEO, 1), None),
    "video-block+again": (_put(Content.WEAPON_VIDEO, 1), None),
    "video+overwrite": (_put(Content.VIDEO, 1), _put(Content.VIDEO, 2)),
}
# A machine that paused for longer than its lease: its writes are refused, its renditions are allowed anyway.
PAUSED = (
    "publish+again",
    "block+again",
    "review+again",
    "reject+again",
    "publish+overwrite",
    "video+again",
    "video-block+again",
    "video+overwrite",
)
# One outcome follows another: the first pauses late, between commit and mark, the second at its Nth call.
FOLLOWED = {
    "publish+delete-version": (range(8, 13), range(2, 6)),
    "fail+redrive": (range(1, 4), range(2, 9)),
}
MAY_FAIL = ("dead-letter", "fail+", "delete-version")  # a message is given up, or the original is removed


def _is_of_video(pair: str) -> bool:
    return pair.startswith("video")


def _places(pair: str) -> range:
    return range(1, (CALLS_OF_VIDEOS if _is_of_video(pair) else CALLS) + 1)


PREEMPTIONS = (
    *(f"{pair}@{at}" for pair in PAIRS for at in _places(pair)),
    *(f"{pair}@{at}-paused" for pair in PAUSED for at in _places(pair)),
    *(f"{pair}@{at}-crossed" for pair in PAUSED for at in _places(pair)),
    *(f"{pair}@{at}-crossed{n}" for pair, (ats, ns) in FOLLOWED.items() for at in ats for n in ns),
)


class Preempting:
    """Pauses the first invocation before its Nth call and lets the second message be delivered meanwhile."""

    def __init__(
        self,
        run: Simulation,
        at: int,
        meanwhile: Callable[[Invocation], None],
        seconds: float,
        *,
        crossed: int,
        of_video: bool,
        killed: int | None = None,
    ) -> None:
        """`crossed`: the call before which the second invocation pauses as well; 0: nowhere.

        `killed`: how many calls after its pause the first invocation is killed; None: it goes on to its end.
        """
        self._run = run
        self._function = "process-video" if of_video else ""
        self._holding = HOLDING_VIDEOS if of_video else HOLDING
        self._at = at
        self._meanwhile = meanwhile
        self._seconds = seconds
        self._first: Invocation | None = None
        self._second: Invocation | None = None
        self._crossed = crossed
        self._killed = killed
        self._done = False

    def choose(self, call: Call) -> Fault | None:
        """Pause invocations, and kill the first one. Part of `Injector`, called right before a call is carried out."""
        if self._function and call.invocation.function_name != self._function:
            return None
        self._first = self._first or call.invocation
        if call.operation == "step":
            return None
        if call.invocation is self._first and call.number == self._at and not self._done:
            self._done = True
            self._meanwhile(call.invocation)
            self._pause(call.invocation, self._seconds)
        elif self._may_cross(call):
            self._second = call.invocation
            self._pause(call.invocation, self._holding)
        is_last = self._killed is not None and call.number == self._at + self._killed
        return Fault(FaultKind.CRASH_AFTER) if call.invocation is self._first and is_last else None

    def _may_cross(self, call: Call) -> bool:
        """Return whether this call belongs to the invocation that took over the record, and is its Nth."""
        is_first_taker = self._second is None and call.invocation is not self._first
        return self._done and is_first_taker and call.number == self._crossed

    def _pause(self, invocation: Invocation, seconds: float) -> None:
        invocation.pause(seconds)


def run_preemption(stack: SimulatedStack, pool: ClientPool, name: str) -> list[str]:
    """Run `pair@call[-paused|-crossed[call]]`; return the violations."""
    pair, _, at = name.partition("@")
    at, _, how = at.partition("-")
    number = how.removeprefix("crossed") if how.startswith("crossed") else ""
    how = how.removesuffix(number)
    paused = bool(how) and not number
    crossed = (int(number) if number else 3 + int(at) % 6) if how == "crossed" else 0
    first, second = PAIRS[pair]
    seconds = 20.0 if not paused else LONG + 10 if crossed else 10 * LONG
    of_video = _is_of_video(pair)
    deployment = WITH_VIDEOS if of_video else FIRST
    run = Simulation(stack, pool, seed=11, delivery_profile=DeliveryProfile(skew=0.0), deployment=deployment)
    run.checker.exclusive = not paused
    with run.clock:
        if pair.startswith("delete"):
            run.put(KEY, Content.CLEAN, 9)
            run.run(DAY)
        with run.postponed() as bodies:
            first(run)

        def meanwhile(stopped: Invocation) -> None:
            if second is None or paused:
                again = stopped.delivery.message.body if of_video else bodies[0]
                run.queues["videos" if of_video else "images"].send(again)
            if second is not None:
                second(run)

        run.injector = Preempting(run, int(at), meanwhile, seconds, crossed=crossed, of_video=of_video)
        run.queues["dead" if pair.startswith("fail") else "images"].send(bodies[0])
        run.run(DAY)
        violations = run.violations()
        if not any(part in pair for part in MAY_FAIL):
            failed = [item["reason"] for item in stack.all_items() if item["status"] == "FAILED"]
            violations += [f"it FAILED ({reason}), and nothing was wrong" for reason in failed]
        return violations
