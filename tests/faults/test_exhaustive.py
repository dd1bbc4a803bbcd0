"""A share of `make faults`, and that its cases are what it says they are."""

import itertools

from tests.faults.exhaustive import NAMES, PAIRED, SINGLES, Bench, cases, run_strikes
from tests.faults.injection import CRASHES, Kind
from tests.faults.orders import ORDERS
from tests.faults.scenarios import SCENARIOS

SHARE = 37  # every so-manieth case; all of them are `make faults`


def test_a_share_of_all_single_faults_preemptions_and_orders_keeps_the_promise(bench: Bench) -> None:
    names = list(cases(bench))
    assert len(names) > 1_000
    assert {name: found for name in names[::SHARE] if (found := bench.run(name))} == {}


def test_a_share_of_all_pairs_of_faults_keeps_the_promise(bench: Bench) -> None:
    names = [name for name, fault in NAMES.items() if fault in PAIRED]
    pairs = [
        f"{story}/{first}@{at},{second}@{at + 1 + (at * 5 + number) % 6}"
        for number, (story, first, second) in enumerate(itertools.product(SCENARIOS, names, names))
        for at in range(1, 10)
    ]
    assert {name: found for name in pairs[::SHARE] if (found := bench.run(name))} == {}


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
