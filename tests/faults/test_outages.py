"""Long outages: nothing is lost, nothing is published without a verdict, and all work is done afterwards."""

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.faults.configurations import OTHER_SIZES, STRICTER
from tests.faults.conftest import SimulationFactory
from tests.faults.delivery_profile import DeliveryProfile
from tests.faults.fault_injection import Call, Fault, FaultKind
from tests.faults.fault_profile import FaultProfile, Outage, RandomFaults
from tests.faults.sample_uploads import Content
from tests.faults.simulation import Simulation

MINUTE, HOUR = 60.0, 3_600.0
DELIVERY = DeliveryProfile(duplicate_events=0.2, duplicate_deliveries=0.1)


def _only(*outages: Outage) -> RandomFaults:
    return RandomFaults(FaultProfile(DELIVERY, 0.0, outages, redeploys=False, videos_from=math.inf), seed=0)


def _run_with(simulations: SimulationFactory, *outages: Outage, objects: int = 8) -> Simulation:
    faults = _only(*outages)
    run = simulations.new(seed=5, delivery_profile=DELIVERY, injector=faults)
    faults.attach(run)
    kinds: Iterator[Content] = itertools.cycle((Content.CLEAN, Content.WEAPON, Content.FIGHT, Content.TEXT))
    with run.clock:
        for number, kind in zip(range(objects), kinds, strict=False):
            run.clock.after(number * 20.0, partial(_put, run, kind, number))
        run.run()
    return run


def _put(run: Simulation, kind: Content, number: int) -> None:
    run.put(f"{number}", kind, number)


def _statuses(run: Simulation) -> list[str]:
    return [
        str(item["status"]) for item in sorted(run.stack.all_items(), key=lambda item: item["object_key"])
    ]


EXPECTED = ["PUBLISHED", "BLOCKED", "REVIEW", "REJECTED"] * 2


@pytest.mark.parametrize(
    ("services", "minutes", "kind", "share"),
    [
        (("dynamodb",), 10, FaultKind.THROTTLED, 1.0),
        pytest.param(("dynamodb",), 10, FaultKind.THROTTLED, 0.8, marks=pytest.mark.long),
        (("rekognition",), 60, FaultKind.ERROR, 1.0),
        pytest.param(("rekognition", "sqs"), 60, FaultKind.THROTTLED, 0.9, marks=pytest.mark.long),
        (("s3",), 20, FaultKind.TIMEOUT, 1.0),
        pytest.param(("sns",), 60, FaultKind.ERROR, 1.0, marks=pytest.mark.long),
        pytest.param(("dynamodb",), 60, FaultKind.DENIED, 1.0, marks=pytest.mark.long),
        (("s3", "sns"), 60, FaultKind.DENIED, 1.0),
    ],
)
def test_an_outage_delays_and_loses_nothing(
    simulations: SimulationFactory, services: tuple[str, ...], minutes: int, kind: FaultKind, share: float
) -> None:
    outages = [Outage(service, 10, 10 + minutes * MINUTE, kind, share) for service in services]
    run = _run_with(simulations, *outages)
    assert run.violations() == []
    assert _statuses(run) == EXPECTED
    assert run.network.injected


@pytest.mark.long
def test_objects_fail_after_half_a_day_without_rekognition_and_a_redrive_completes_them(
    simulations: SimulationFactory,
) -> None:
    run = _run_with(simulations, Outage("rekognition", 10, 12 * HOUR, FaultKind.DENIED, 1.0))
    assert run.violations() == []
    # The first picture was processed before the outage.
    assert _statuses(run) == ["PUBLISHED", "FAILED", "FAILED", "REJECTED"] + ["FAILED"] * 3 + ["REJECTED"]
    run.clock.now += 12 * HOUR
    assert run.redrive() > 0
    run.run()
    assert run.violations() == []
    assert _statuses(run) == EXPECTED


class _OnCall:
    """Calls `act` right before the first call of an operation."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.act: Callable[[], object] = list
        self._done = False

    def choose(self, call: Call) -> Fault | None:
        if call.operation == self.operation and not self._done:
            self._done = True
            self.act()
        return None


@pytest.mark.parametrize("operation", ["GetObject", "DetectModerationLabels", "PutObject", "Publish"])
def test_a_picture_overwritten_while_it_is_processed_keeps_its_own_bytes(
    simulations: SimulationFactory, operation: str
) -> None:
    on_call = _OnCall(operation)
    run = simulations.new(seed=1, injector=on_call)
    on_call.act = partial(run.put, "same", Content.CLEAN, 2)
    with run.clock:
        run.put("same", Content.CLEAN, 1)
        run.run()
        assert (
            run.violations() == []
        )  # every rendition was traced to its original by its pixels when it was put
    items = run.stack.items("same")
    hashes = [item["sha256"] for item in items if item["status"] == "PUBLISHED"]
    assert items[-1]["status"] == "PUBLISHED"
    assert len(set(hashes)) == len(hashes)


def test_a_stored_verdict_survives_a_stricter_policy_and_counts_for_no_other_sizes(
    simulations: SimulationFactory,
) -> None:
    for deployment, kind, expected, judged_under in (
        (STRICTER, Content.FIGHT, "REVIEW", {"first"}),
        (OTHER_SIZES, Content.CLEAN, "PUBLISHED", {"first", "other-sizes"}),
    ):
        killing = _KillOnCall("CopyObject" if kind is Content.FIGHT else "PutObject")
        run = simulations.new(seed=2, injector=killing)
        killing.act = partial(run.deploy, deployment)
        with run.clock:
            run.put("x", kind, 1)
            run.run()
            assert run.violations() == []
        (item,) = run.stack.items("x")
        assert item["status"] == expected
        assert item["attempt"] == 2
        asked = [call for call in run.functions.invocations if call.calls]
        assert run.history.judged[1] == judged_under
        assert len(asked) >= 2


class _KillOnCall(_OnCall):
    """Calls `act`, and kills the invocation right after the call."""

    def choose(self, call: Call) -> Fault | None:
        if call.operation == self.operation and not self._done:
            self._done = True
            self.act()
            return Fault(FaultKind.CRASH_AFTER)
        return None


def test_a_backlog_is_processed_although_the_concurrency_is_low(simulations: SimulationFactory) -> None:
    run = simulations.new(seed=3, delivery_profile=DeliveryProfile(concurrency=2, duplicate_deliveries=0.3))
    with run.clock:
        for number in range(30):
            run.put(f"{number}", Content.TEXT, number)
        run.run()
        assert run.violations() == []
    assert set(_statuses(run)) == {"REJECTED"}
