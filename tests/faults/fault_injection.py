"""The faults there are, and who decides where they strike."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tests.faults.simulated_functions import Invocation

ALWAYS = 99  # HTTP attempts: more than any client makes


class Kind(StrEnum):
    """What may happen to one AWS call."""

    CRASH_BEFORE = "crash-before"  # killed, and the request was never sent
    CRASH_AFTER = "crash-after"  # killed once the request was carried out
    LOST = "lost"  # carried out, but no answer comes back
    THROTTLED = "throttled"
    TIMEOUT = "timeout"  # not carried out, and no answer comes back
    ERROR = "error"  # 5xx
    DENIED = "denied"
    LATE = "late"  # no answer, and carried out only some time after
    BROKEN_BODY = "broken-body"  # the answer's body breaks off with an error
    SHORT_BODY = "short-body"  # the answer's body ends early without one
    PARTIAL = "partial"  # a 200 that says in its body that it did not work
    UNDONE = "undone"  # answered as done, and it was not
    HANG = "hang"  # the function's own computing uses up all its time: Lambda kills it
    MEMORY = "memory"  # ... or all its memory


STEP_KINDS = frozenset({Kind.HANG, Kind.MEMORY})
BODY_KINDS = frozenset({Kind.BROKEN_BODY, Kind.SHORT_BODY})
CAN_BE_PARTIAL = frozenset({"DeleteObjects", "CopyObject"})
CRASHES = frozenset({Kind.CRASH_BEFORE, Kind.CRASH_AFTER, Kind.HANG, Kind.MEMORY})


@dataclass(frozen=True)
class Fault:
    """One fault; `attempts` is how many of botocore's HTTP attempts of the call it strikes."""

    kind: Kind
    attempts: int = 1
    seconds: float = 0.0  # of LATE: until it is carried out after all

    def fits(self, operation: str) -> bool:
        """Whether this can happen to a call of that operation."""
        if self.kind in STEP_KINDS:
            return operation == "step"
        if operation == "step":
            return False
        if self.kind in BODY_KINDS:
            return operation == "GetObject"
        if self.kind is Kind.PARTIAL:
            return operation in CAN_BE_PARTIAL
        if self.kind is Kind.UNDONE:
            return operation == "CopyObject"
        if self.kind is Kind.LATE:
            return operation in ("UpdateItem", "Publish")
        return True

    def __str__(self) -> str:
        return f"{self.kind}{'*' if self.attempts > 1 else ''}"


@dataclass
class Call:
    """One AWS call of an invocation, or (operation `step`) a stretch of its computing; `attempt` counts HTTP tries."""

    invocation: "Invocation"
    service: str
    operation: str
    number: int
    params: dict[str, Any] = field(default_factory=dict)
    attempt: int = 0

    def __str__(self) -> str:
        return f"{self.service}.{self.operation}"


class Injector(Protocol):
    """Decides what happens to a call; asked at each HTTP attempt."""

    def choose(self, call: Call) -> Fault | None:
        """Name the fault that strikes this attempt, if any."""
        ...


class NoFaults:
    """Peace."""

    def choose(self, call: Call) -> Fault | None:  # noqa: ARG002
        """Part of `Injector`."""
        return None
