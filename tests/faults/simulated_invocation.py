"""One invocation of a simulated function, and the context object that the function gets."""

from dataclasses import dataclass, field

from tests.faults.configurations import Deployment
from tests.faults.fault_injection import Call
from tests.faults.simulated_queues import Delivery
from tests.faults.virtual_time import KilledError, KilledMeanwhileError, VirtualClock

LEASE_MARGIN = 0.25  # of a time-out: a lease outlasts it by a little more


@dataclass(eq=False)
class Invocation:
    """One invocation of a function; also the context object that the function gets."""

    function_name: str
    number: int
    delivery: Delivery
    clock: VirtualClock
    timeout: float  # seconds
    deployment: Deployment
    aws_request_id: str
    deadline: float = 0.0
    began: float = 0.0  # epoch seconds
    alive: bool = True
    killed: bool = False
    timed_out: bool = False  # Lambda ended it
    computing: bool = False  # not in a call
    calls: int = 0
    threads: int = 0  # that run besides the handler's own
    frozen: bool = False  # it stands still: its time-out is not checked
    stood_still: float = 0.0  # seconds in all
    still_until: float = 0.0  # epoch seconds: until then, none of its threads goes on
    paused: bool = False  # it stood still for so long that its lease may end before it does
    fetched: bool = False  # whether it has read the original: from here on it may be decoding
    answers: list[tuple[Call, str]] = field(
        default_factory=list
    )  # of Rekognition, with the picture's SHA-256
    pictures: frozenset[str] | None = None  # SHA-256 of what must be judged; None before rendering

    def __post_init__(self) -> None:
        self.began = self.clock.now
        self.deadline = self.began + self.timeout

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the time-out, as Lambda's context does."""
        return int(max(self.time_left(), 0.0) * 1000)

    def time_left(self) -> float:
        """Return the seconds until Lambda ends the invocation."""
        return self.deadline - self.clock.now

    def sleep(self, seconds: float) -> None:
        """Let time pass. Raises KilledError if the time-out is reached meanwhile."""
        self.clock.sleep(min(seconds, max(self.time_left(), 0.0)))
        while self.clock.now < self.still_until:
            self.clock.sleep(self.still_until - self.clock.now)
        if not self.alive:
            raise KilledMeanwhileError
        if seconds > 0 and self.time_left() <= 0 and not self.frozen:
            self.timed_out = True
            self.die()

    def pause(self, seconds: float) -> None:
        """Stand still, as a frozen machine does: its own clock continues where it stopped, so it notices no delay."""
        self.stood_still += seconds
        self.paused = self.stood_still > LEASE_MARGIN * self.deployment.timeout
        self.frozen = self.frozen or seconds > self.deployment.timeout
        self.still_until = max(self.still_until, self.clock.now + seconds)
        self.deadline += seconds
        self.clock.sleep(seconds)
        if not self.alive:
            raise KilledMeanwhileError

    def die(self) -> None:
        """End the invocation as SIGKILL does: raise KilledError."""
        self.alive = False
        self.killed = True
        raise KilledError

    def __str__(self) -> str:
        return f"{self.function_name}-{self.number}"
