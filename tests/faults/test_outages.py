"""Long troubles: nothing is lost, nothing goes out unchecked, and all is done afterwards without a person."""

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.faults.configurations import OTHER_SIZES, STRICTER
from tests.faults.conftest import Laboratory
from tests.faults.fault_injection import Call, Fault, Kind
from tests.faults.fault_profile import Climate, Outage, StormyWeather
from tests.faults.sample_uploads import Kind as Content
from tests.faults.simulation import Simulation, Weather

MINUTE, HOUR = 60.0, 3_600.0
WEATHER = Weather(duplicate_events=0.2, duplicate_deliveries=0.1)


def _calm_but(*outages: Outage) -> StormyWeather:
    return StormyWeather(Climate(WEATHER, 0.0, outages, redeploys=False, videos_from=math.inf), seed=0)


def _trouble(laboratory: Laboratory, *outages: Outage, objects: int = 8) -> Simulation:
    storms = _calm_but(*outages)
    run = laboratory.simulation(seed=5, weather=WEATHER, injector=storms)
    storms.attend(run)
    kinds: Iterator[Content] = itertools.cycle((Content.CLEAN, Content.WEAPON, Content.FIGHT, Content.TEXT))
    with run.timeline:
        for number, kind in zip(range(objects), kinds, strict=False):
            run.timeline.after(number * 20.0, partial(_put, run, kind, number))
        run.run()
    return run


def _put(run: Simulation, kind: Content, number: int) -> None:
    run.put(f"{number}", kind, number)


def _statuses(run: Simulation) -> list[str]:
    return [
        str(item["status"]) for item in sorted(run.cloud.all_items(), key=lambda item: item["object_key"])
    ]


EXPECTED = ["PUBLISHED", "BLOCKED", "REVIEW", "REJECTED"] * 2


@pytest.mark.parametrize(
    ("services", "minutes", "kind", "share"),
    [
        (("dynamodb",), 10, Kind.THROTTLED, 1.0),
        (("dynamodb",), 10, Kind.THROTTLED, 0.8),
        (("rekognition",), 60, Kind.ERROR, 1.0),
        (("rekognition", "sqs"), 60, Kind.THROTTLED, 0.9),
        (("s3",), 20, Kind.TIMEOUT, 1.0),
        (("sns",), 60, Kind.ERROR, 1.0),
        (("dynamodb",), 60, Kind.DENIED, 1.0),
        (("s3", "sns"), 60, Kind.DENIED, 1.0),
    ],
)
def test_an_outage_delays_and_loses_nothing(
    laboratory: Laboratory, services: tuple[str, ...], minutes: int, kind: Kind, share: float
) -> None:
    outages = [Outage(service, 10, 10 + minutes * MINUTE, kind, share) for service in services]
    run = _trouble(laboratory, *outages)
    assert run.judge() == []
    assert _statuses(run) == EXPECTED
    assert run.network.struck


def test_half_a_day_without_rekognition_ends_failed_and_a_redrive_brings_everything_home(
    laboratory: Laboratory,
) -> None:
    run = _trouble(laboratory, Outage("rekognition", 10, 12 * HOUR, Kind.DENIED, 1.0))
    assert run.judge() == []
    # The very first picture came before the trouble.
    assert _statuses(run) == ["PUBLISHED", "FAILED", "FAILED", "REJECTED"] + ["FAILED"] * 3 + ["REJECTED"]
    run.timeline.now += 12 * HOUR
    assert run.redrive() > 0
    run.run()
    assert run.judge() == []
    assert _statuses(run) == EXPECTED


class _OnCall:
    """Does something right before the first call of an operation."""

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
    laboratory: Laboratory, operation: str
) -> None:
    on_call = _OnCall(operation)
    run = laboratory.simulation(seed=1, injector=on_call)
    on_call.act = partial(run.put, "same", Content.CLEAN, 2)
    with run.timeline:
        run.put("same", Content.CLEAN, 1)
        run.run()
        assert run.judge() == []  # every rendition was traced to its original by its pixels when it was put
    items = run.cloud.items("same")
    hashes = [item["sha256"] for item in items if item["status"] == "PUBLISHED"]
    assert items[-1]["status"] == "PUBLISHED"
    assert len(set(hashes)) == len(hashes)


def test_a_stored_verdict_survives_a_stricter_policy_and_other_sizes_between_two_attempts(
    laboratory: Laboratory,
) -> None:
    for deployment, kind, expected in (
        (STRICTER, Content.FIGHT, "REVIEW"),
        (OTHER_SIZES, Content.CLEAN, "PUBLISHED"),
    ):
        struck = _Once("CopyObject" if kind is Content.FIGHT else "PutObject")
        run = laboratory.simulation(seed=2, injector=struck)
        struck.act = partial(run.deploy, deployment)
        with run.timeline:
            run.put("x", kind, 1)
            run.run()
            assert run.judge() == []
        (item,) = run.cloud.items("x")
        assert item["status"] == expected
        assert item["attempt"] == 2
        asked = [call for call in run.functions.invocations if call.calls]
        assert len(run.ledger.judged[1]) == 1
        assert len(asked) >= 2


class _Once(_OnCall):
    """... and kills the invocation there."""

    def choose(self, call: Call) -> Fault | None:
        if call.operation == self.operation and not self._done:
            self._done = True
            self.act()
            return Fault(Kind.CRASH_AFTER)
        return None


def test_a_queue_that_is_consumed_slowly_is_worked_off(laboratory: Laboratory) -> None:
    run = laboratory.simulation(seed=3, weather=Weather(concurrency=2, duplicate_deliveries=0.3))
    with run.timeline:
        for number in range(30):
            run.put(f"{number}", Content.TEXT, number)
        run.run()
        assert run.judge() == []
    assert set(_statuses(run)) == {"REJECTED"}
