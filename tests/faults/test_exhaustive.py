"""A share of `make faults`, and that its cases do what their names say."""

import itertools

from tests.faults.event_orders import ORDERS
from tests.faults.exhaustive import (
    ALIKE,
    NAMES,
    PAIRED,
    SINGLES,
    CaseRunner,
    cases,
    covering,
    first_faults,
    pairs,
    run_injections,
)
from tests.faults.fault_injection import CRASHES, FaultKind

SHARE = 6000  # every Nth case; `make faults` runs all of them


def test_a_share_of_all_cases_keeps_the_promise(runner: CaseRunner) -> None:
    names, begins = list(cases(runner)), list(first_faults(runner))
    assert len(names) > 1_000
    share = [*names[::SHARE], *(name for first in begins[::SHARE] for name in pairs(runner, first))]
    assert len(share) > 40
    found = {name: runner.run(name) for name in share}
    assert {name: violations for name, violations in found.items() if violations} == {}


def test_of_faults_that_are_alike_each_call_meets_one_and_every_one_has_its_turn() -> None:
    groups = [{str(fault) for fault in group} for group in ALIKE]
    names = [f"publish/{fault}@{at}" for at in range(1, 13) for group in groups for fault in sorted(group)]
    kept = covering([*names, "publish/crash-after@3", "order:ABDC"])
    assert kept[-2:] == ["publish/crash-after@3", "order:ABDC"]
    for group in groups:
        of_group = [name for name in kept if name.partition("/")[2].partition("@")[0] in group]
        assert [name.partition("@")[2] for name in of_group] == [str(at) for at in range(1, 13)]
        assert len({name.partition("@")[0] for name in of_group}) == len(group)


def test_every_fault_occurs_where_it_is_planned(runner: CaseRunner) -> None:
    for name, fault in NAMES.items():
        if fault not in SINGLES or not fault.fits("UpdateItem"):
            continue
        violations, planned = run_injections(runner.stack, runner.pool, f"reject/{name}@1")
        assert not violations
        assert planned.injected == {1}
        killed = planned.calls[0].invocation.killed
        assert killed == (fault.kind in CRASHES)


def test_every_order_of_the_four_events_is_tried_with_and_without_duplicates() -> None:
    assert {"".join(order) for order in itertools.permutations("ABDC")} <= set(ORDERS)
    assert all(set(order) == set("ABDC") for order in ORDERS)
    assert {FaultKind.CRASH_AFTER, FaultKind.LOST, FaultKind.ERROR} == {fault.kind for fault in PAIRED}
