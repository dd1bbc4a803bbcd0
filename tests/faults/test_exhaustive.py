"""A share of `make faults`, and that its cases are what it says they are."""

import itertools

from tests.faults.event_orders import ORDERS
from tests.faults.exhaustive import (
    NAMES,
    PAIRED,
    SINGLES,
    Bench,
    cases,
    firsts,
    pairs,
    run_cases,
    run_strikes,
)
from tests.faults.fault_injection import CRASHES, Kind
from tests.faults.process_pool import Crew

SHARE = 10  # every so-manieth case; all of them are `make faults`
PROCESSES = 2
CHUNK = 10


def test_a_tenth_of_all_cases_keeps_the_promise(bench: Bench) -> None:
    names, begins = list(cases(bench)), list(firsts(bench))
    assert len(names) > 1_000
    tenth = [*names[::SHARE], *(name for first in begins[::SHARE] for name in pairs(bench, first))]
    assert len(tenth) > 500
    chunks = [tenth[at : at + CHUNK] for at in range(0, len(tenth), CHUNK)]
    with Crew(PROCESSES) as crew:
        results = [result for chunk in crew.each(run_cases, chunks) for result in chunk]
    assert len(results) == len(tenth)
    assert {name: found for name, found in results if found} == {}


def test_every_fault_strikes_where_it_is_planned(bench: Bench) -> None:
    for name, fault in NAMES.items():
        if fault not in SINGLES or not fault.fits("UpdateItem"):
            continue
        violations, planned = run_strikes(bench.cloud, bench.pool, f"reject/{name}@1")
        assert not violations
        assert planned.struck == {1}
        killed = planned.calls[0].invocation.killed
        assert killed == (fault.kind in CRASHES)


def test_every_order_of_the_four_events_is_tried_with_and_without_duplicates() -> None:
    assert {"".join(order) for order in itertools.permutations("ABDC")} <= set(ORDERS)
    assert all(set(order) == set("ABDC") for order in ORDERS)
    assert {Kind.CRASH_AFTER, Kind.LOST, Kind.ERROR} == {fault.kind for fault in PAIRED}
