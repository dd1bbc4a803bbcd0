"""Uploads over the day's budget of judged pictures: they wait, are judged on the next day, and nothing is exceeded."""

from collections.abc import Callable, Mapping

from tests.faults.configurations import FOUR_A_DAY, ONE_A_DAY
from tests.faults.fault_injection import ALWAYS, Call, Fault, FaultKind, Injector
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY, Scenario
from tests.faults.simulation import Simulation

OTHER = "shop/other.jpg"


def _nothing(_: Simulation) -> None:
    pass


def _spent(run: Simulation) -> None:
    """Spend the day's budget on another upload, a minute after the day began."""
    run.pass_time(DAY - run.clock.now % DAY + 60)
    run.put(OTHER, Content.CLEAN, 1)
    run.run(DAY)


def _upload(run: Simulation) -> None:
    run.put(KEY, Content.CLEAN, 2)


def _upload_hidden(run: Simulation) -> None:
    run.put(KEY, Content.HIDDEN, 2)


class _FirstRequestFails:
    """Refuses the first request to Rekognition, beside what another injector chooses; the answers to `lost` are lost.

    `lost` is the number of HTTP requests of it that are carried out before AWS refuses the others.
    """

    def __init__(self, injector: Injector | None, lost: int) -> None:
        self._injector = injector
        self._lost = lost
        self._first: Call | None = None

    def choose(self, call: Call) -> Fault | None:
        """Fail the first request however often it is sent. Part of `Injector`."""
        chosen = self._injector.choose(call) if self._injector else None
        if call.operation == "DetectModerationLabels":
            self._first = self._first or call
        if call != self._first:
            return chosen
        return Fault(FaultKind.LOST) if call.attempt <= self._lost else Fault(FaultKind.ERROR, ALWAYS)


def _refused_then_another(lost: int) -> Callable[[Simulation], None]:
    """Upload two pictures a minute after a day began, of which one can be judged on that day.

    What is given back after the refused request is worth one request, whatever becomes of the answer; and nothing is
    where AWS carried it out before.
    """

    def act(run: Simulation) -> None:
        run.pass_time(DAY - run.clock.now % DAY + 60)
        run.injector = _FirstRequestFails(run.injector, lost)
        run.put(OTHER, Content.CLEAN, 1)
        run.pass_time(5.0)
        run.put(KEY, Content.CLEAN, 2)

    return act


def _eight_at_once(run: Simulation) -> None:
    """Send the messages of eight uploads at the same moment, so that they ask for the budget at the same moment."""
    with run.postponed() as bodies:
        for number in range(1, 8):
            run.put(f"shop/{number}.jpg", Content.CLEAN, number)
        run.put(KEY, Content.CLEAN, 8)
    for body in bodies:
        run.queues["images"].send(body)


BUDGET: Mapping[str, Scenario] = {
    "budget-spent": Scenario(_spent, _upload, "PUBLISHED", deployment=ONE_A_DAY, in_pairs=False, asked=1),
    "budget-race": Scenario(
        _nothing, _eight_at_once, "PUBLISHED", deployment=FOUR_A_DAY, in_pairs=False, faults=False, asked=8
    ),
    "budget-given-back": Scenario(
        _nothing, _refused_then_another(0), "PUBLISHED", deployment=ONE_A_DAY, in_pairs=False, faults=False
    ),
    "budget-refused-after-lost": Scenario(
        _nothing, _refused_then_another(1), "PUBLISHED", deployment=ONE_A_DAY, in_pairs=False, faults=False
    ),
    # One of its pictures each day, and none twice.
    "budget-in-parts": Scenario(
        _nothing, _upload_hidden, "BLOCKED", deployment=ONE_A_DAY, in_pairs=False, faults=False
    ),
}
