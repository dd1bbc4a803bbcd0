"""Checks of the day's budget, without any code of the pipeline: never more requests on a day than it allows."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.fault_injection import Call

DAY = 86_400.0
CLOCKS = 60.0  # seconds about a day's turn, in which clocks that differ and calls that take time may count otherwise


@dataclass
class BudgetChecker:
    """Counts the requests to Rekognition by day; botocore's repetitions of one are one."""

    add_violation: Callable[[str], None]
    when: Callable[[], float]
    """Epoch seconds."""
    _asked: Counter[int] = field(default_factory=Counter)
    _known: set[Call] = field(default_factory=set)

    def asked(self, call: Call) -> None:
        """Note a request."""
        most, now = call.invocation.deployment.judged_per_day, self.when()
        if not most or call in self._known or not CLOCKS < now % DAY < DAY - CLOCKS:
            return
        self._known.add(call)
        day = int(now // DAY)
        self._asked[day] += 1
        if self._asked[day] > most:
            self.add_violation(
                f"{call.invocation} asks for picture {self._asked[day]} of a day that has {most}"
            )
