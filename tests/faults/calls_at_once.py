"""Two calls of one invocation at once: every order of their requests and answers, with every fault at either of them.

at-once:publish/PutObject.1-2/abBA/crash-after.2    request 1, request 2, answer 2, answer 1; the second one is struck
at-once:publish/PutObject.1-2/abBA/crash-after.2+   what was sent by then is carried out although the function is dead
at-once:publish/encode/after-request/memory         the function dies of encoding while Rekognition is asked
at-once:publish/encode/after-request/throttled*     Rekognition refuses while the function encodes
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from zlib import crc32

from tests.faults.configurations import FIRST, LAXER, WITH_VIDEOS, WITH_WEBP, Deployment
from tests.faults.fault_injection import ALWAYS, CRASHES, Call, Fault, FaultKind
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import KEY
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.simulation import Simulation

PUT, ASK, ENCODE = "PutObject", "DetectModerationLabels", "encode"
ORDERS = ("aAbB", "abAB", "abBA", "baAB", "baBA", "bBaA")
"""Small letters are requests, capitals are answers, in order of time."""
SLOT = 0.1  # seconds between two of them
FAULTS = (
    Fault(FaultKind.CRASH_BEFORE),
    Fault(FaultKind.CRASH_AFTER),
    Fault(FaultKind.LOST),
    Fault(FaultKind.LOST, ALWAYS),
    Fault(FaultKind.THROTTLED),
    Fault(FaultKind.THROTTLED, ALWAYS),
    Fault(FaultKind.TIMEOUT, ALWAYS),
    Fault(FaultKind.ERROR, ALWAYS),
    Fault(FaultKind.DENIED, ALWAYS),
    Fault(FaultKind.PAUSED, seconds=20.0),
)
STEP_FAULTS = (Fault(FaultKind.MEMORY), Fault(FaultKind.HANG), Fault(FaultKind.MEMORY_ERROR))
_BY_NAME = {str(fault): fault for fault in (*FAULTS, *STEP_FAULTS)}
ENCODED = {"before-request": 0.05, "after-request": 0.15, "after-answer": 0.25}
"""When the second rendition is begun, in seconds since Rekognition is asked: request and answer take 0.1 s each."""
OUTLIVES = "+"


@dataclass(frozen=True)
class Subject:
    """An upload that makes calls at once, and the pairs of them that are tried: operation and both numbers."""

    kind: Content
    deployment: Deployment
    status: str
    pairs: tuple[tuple[str, int, int], ...]


SUBJECTS: Mapping[str, Subject] = {
    "publish": Subject(Content.CLEAN, FIRST, "PUBLISHED", ((PUT, 1, 2),)),
    "publish-four": Subject(Content.CLEAN, WITH_WEBP, "PUBLISHED", ((PUT, 1, 2), (PUT, 2, 4))),
    "transparent": Subject(Content.HIDDEN, LAXER, "PUBLISHED", ((ASK, 1, 2), (ASK, 2, 4))),
    "block": Subject(Content.HIDDEN, FIRST, "BLOCKED", ((ASK, 1, 2),)),
    "video": Subject(Content.VIDEO, WITH_VIDEOS, "PUBLISHED", ((PUT, 1, 2),)),
    "video-block": Subject(Content.WEAPON_VIDEO, WITH_VIDEOS, "BLOCKED", ((ASK, 1, 2),)),
}


def _cases() -> Iterator[str]:
    for name, subject in SUBJECTS.items():
        for (operation, *numbers), order, fault in itertools.product(subject.pairs, ORDERS, FAULTS):
            pair = f"{name}/{operation}.{numbers[0]}-{numbers[1]}/{order}/{fault}"
            for number in numbers:
                yield f"{pair}.{number}"
                if fault.kind in CRASHES:
                    yield f"{pair}.{number}{OUTLIVES}"
    for when, fault in itertools.product(ENCODED, (*STEP_FAULTS, *FAULTS)):
        yield f"publish/{ENCODE}/{when}/{fault}"
        if fault.kind in CRASHES:
            yield f"publish/{ENCODE}/{when}/{fault}{OUTLIVES}"


CASES = tuple(_cases())


@dataclass
class AtOnce:
    """Orders the calls of a pair in the first invocation that makes them, and strikes one of them."""

    operation: str
    numbers: tuple[int, int]
    order: str
    fault: Fault
    struck: int
    _known: dict[Call, int] = field(default_factory=dict)

    def latency(self, call: Call, *, is_answer: bool) -> float:
        """Return the seconds that a request or an answer takes; those of other calls are negligible."""
        number = self._number(call)
        if call.attempt != 1 or number not in self.numbers:
            return 0.001
        letter = "ab"[self.numbers.index(number)]
        sent = self.order.index(letter) + 1
        return SLOT * (self.order.index(letter.upper()) + 1 - sent if is_answer else sent)

    def choose(self, call: Call) -> Fault | None:
        """Return the fault of the call that is struck."""
        is_struck = self._number(call) == self.struck and call.attempt <= self.fault.attempts
        return self.fault if is_struck else None

    def _number(self, call: Call) -> int:
        """Return which of the operation's calls it is, from 1; 0 for one of another operation or invocation."""
        if call.operation != self.operation:
            return 0
        if self._known and call.invocation is not next(iter(self._known)).invocation:
            return 0
        return self._known.setdefault(call, len(self._known) + 1)


@dataclass
class WhileEncoding:
    """Strikes the encoding of the second rendition, or the request to Rekognition, in the first invocation."""

    began: float
    fault: Fault
    _encoded: int = 0
    _asked: Call | None = None

    def latency(self, call: Call, *, is_answer: bool) -> float:  # noqa: ARG002
        """Return the seconds that a request or an answer takes."""
        return SLOT if call.operation == ASK else 0.001

    def encoding(self) -> float:
        """Return the seconds that the next rendition takes: the second one ends when Rekognition has answered."""
        return self.began if self._encoded == 0 else 3 * SLOT

    def choose(self, call: Call) -> Fault | None:
        """Return the fault of the step or call that is struck."""
        if call.operation == ASK:
            self._asked = self._asked or call
            is_struck = call is self._asked and call.attempt <= self.fault.attempts
            return self.fault if self.fault in FAULTS and is_struck else None
        if call.operation != "step" or call.params["name"] != ENCODE:
            return None
        self._encoded += 1
        return self.fault if self.fault in STEP_FAULTS and self._encoded == 2 else None


def run_at_once(stack: SimulatedStack, pool: ClientPool, name: str) -> list[str]:
    """Run a case by its name; return the violations."""
    subject_name, calls, order, struck = name.removesuffix(OUTLIVES).split("/")
    subject = SUBJECTS[subject_name]
    run = Simulation(stack, pool, seed=crc32(name.encode()), deployment=subject.deployment)
    injector: AtOnce | WhileEncoding
    if calls == ENCODE:
        injector = WhileEncoding(ENCODED[order], _BY_NAME[struck])
        run.network.encoding_seconds = injector.encoding
    else:
        operation, _, numbers = calls.partition(".")
        first, second = (int(number) for number in numbers.split("-"))
        fault, _, number = struck.rpartition(".")
        injector = AtOnce(operation, (first, second), order, _BY_NAME[fault], int(number))
    run.injector = injector
    run.network.latency = injector.latency
    run.network.outlives = lambda _: name.endswith(OUTLIVES)
    with run.clock:
        run.put(KEY, subject.kind, 1)
        run.run()
        violations = run.violations()
        status = stack.items(KEY)[-1]["status"]
        if status != subject.status:
            violations.append(f"ended {status}, not {subject.status}")
        if not run.network.injected:
            violations.append("nothing was struck: the two calls were not made")
        return violations
