"""Put, put, delete, put of one key: every order in which S3's events may arrive, each once or twice."""

import itertools
from collections.abc import Callable, Iterator

from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import SimulatedStack
from tests.faults.simulation import Simulation

EVENTS = "ABDC"  # put A, put B, delete, put C


def _orders() -> Iterator[str]:
    for letters in ("".join(order) for order in itertools.permutations(EVENTS)):
        yield letters
        # A duplicate may arrive at any later time: each event's second copy at each later position.
        for at, letter in enumerate(letters):
            for place in range(at + 1, len(letters) + 1):
                yield letters[:place] + letter + letters[place:]
    yield from ("".join(order) for order in sorted(set(itertools.permutations(EVENTS * 2)))[::7])


ORDERS = tuple(dict.fromkeys(_orders()))


def run_order(stack: SimulatedStack, pool: ClientPool, order: str) -> list[str]:
    """Deliver the events in an order such as `ABDCA`, one after the other; return the violations."""
    run = Simulation(stack, pool, seed=7)
    with run.clock:
        bodies: dict[str, str] = {}
        acts: dict[str, Callable[[], object]] = {
            "A": lambda: run.put(KEY, Content.CLEAN, 1),
            "B": lambda: run.put(KEY, Content.WEAPON if order.endswith("A") else Content.CLEAN, 2),
            "D": lambda: run.delete(KEY),
            "C": lambda: run.put(KEY, Content.CLEAN, 3),
        }
        for letter, act in acts.items():
            with run.postponed() as sent:
                act()
            bodies[letter] = sent[0]
        for letter in order:
            run.queues["images"].send(bodies[letter])
            run.run(DAY)
        violations = run.violations()
        newest = max(stack.all_items(), key=lambda item: str(item["sequencer"]))
        if newest["status"] != "PUBLISHED":
            violations.append(f"the newest version ended {newest['status']}")
        return violations
