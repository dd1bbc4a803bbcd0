"""The kinds of faults, and the protocol that decides where they occur."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tests.faults.simulated_invocation import Invocation

ALWAYS = 99  # HTTP attempts: more than any client makes


class FaultKind(StrEnum):
    """What can happen to one AWS call, or to a step of the function's own computation."""

    CRASH_BEFORE = "crash-before"  # the function is killed before the request is sent
    CRASH_AFTER = "crash-after"  # the function is killed after the request was carried out
    LOST = "lost"  # carried out, but the response is lost
    THROTTLED = "throttled"
    TIMEOUT = "timeout"  # not carried out, no response
    ERROR = "error"  # 5xx
    DENIED = "denied"
    LATE = "late"  # no response, carried out some time later
    BROKEN_BODY = "broken-body"  # the response body ends early with an error
    SHORT_BODY = "short-body"  # the response body ends early without an error
    PARTIAL = "partial"  # HTTP 200 with an error in the body
    UNDONE = "undone"  # reported as done although it was not
    PAUSED = "paused"  # the machine stands still before the call, and continues later
    HANG = "hang"  # the function computes until Lambda's time-out kills it
    MEMORY = "memory"  # the function exceeds its memory and is killed
    MEMORY_ERROR = "memory-error"  # the function gets no more memory, and goes on


STEP_KINDS = frozenset({FaultKind.HANG, FaultKind.MEMORY, FaultKind.MEMORY_ERROR})
BODY_KINDS = frozenset({FaultKind.BROKEN_BODY, FaultKind.SHORT_BODY})
CAN_BE_PARTIAL = frozenset({"DeleteObjects", "CopyObject"})
CRASHES = frozenset({FaultKind.CRASH_BEFORE, FaultKind.CRASH_AFTER, FaultKind.HANG, FaultKind.MEMORY})


@dataclass(frozen=True)
class Fault:
    """One fault. `attempts`: how many of botocore's HTTP attempts of the call fail."""

    kind: FaultKind
    attempts: int = 1
    seconds: float = (
        0.0  # of LATE: until the call is carried out; of PAUSED and LOST: until the machine continues
    )

    def fits(self, operation: str) -> bool:
        """Return whether this can happen to a call of that operation."""
        if self.kind in STEP_KINDS:
            return operation == "step"
        if operation == "step":
            return False
        if self.kind in BODY_KINDS:
            return operation == "GetObject"
        if self.kind is FaultKind.PARTIAL:
            return operation in CAN_BE_PARTIAL
        if self.kind is FaultKind.LOST and self.seconds:
            return operation == "PutObject"
        if self.kind is FaultKind.UNDONE:
            return operation == "CopyObject"
        if self.kind is FaultKind.LATE:
            return operation in ("UpdateItem", "Publish")
        return True

    def __str__(self) -> str:
        return f"{self.kind}{'*' if self.attempts > 1 else ''}"


@dataclass(eq=False)
class Call:
    """One AWS call of an invocation, or (operation `step`) part of its computation; `attempt` counts HTTP attempts."""

    invocation: "Invocation"
    service: str
    operation: str
    number: int
    params: dict[str, Any] = field(default_factory=dict)
    attempt: int = 0
    answered: bool = False  # whether the function got the response
    read_timeout: float = 0.0  # seconds after which the client gives up on a response

    def __str__(self) -> str:
        return f"{self.service}.{self.operation}"


class Injector(Protocol):
    """Decides what happens to a call; asked at every HTTP attempt."""

    def choose(self, call: Call) -> Fault | None:
        """Return the fault of this attempt, or None."""
        ...


class NoFaults:
    """Injects nothing."""

    def choose(self, call: Call) -> Fault | None:  # noqa: ARG002
        """Return None."""
        return None
