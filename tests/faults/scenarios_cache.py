"""Uploads whose pictures Rekognition answered about before: what they cost, and which answers they are judged by."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.faults.configurations import (
    CACHE_DAYS,
    CACHING,
    CACHING_AS_STRICT,
    CACHING_LAXER,
    CACHING_STRICTER,
    CACHING_VIDEOS,
    Deployment,
)
from tests.faults.fault_injection import CRASHES, Call, Fault, FaultKind
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY, Scenario
from tests.faults.simulation import Simulation

EARLIER, OTHER = "shop/earlier.jpg", "shop/other.jpg"
NEWER_MODEL = "7.1"
OF_THE_CACHE = frozenset({"BatchGetItem", "BatchWriteItem"})


def _nothing(_: Simulation) -> None:
    pass


def _upload(kind: Content) -> Callable[[Simulation], None]:
    def act(run: Simulation) -> None:
        run.put(KEY, kind, 1)

    return act


def _uploaded(kind: Content) -> Callable[[Simulation], None]:
    """Upload the same bytes under another key before."""

    def prepare(run: Simulation) -> None:
        run.put(EARLIER, kind, 1)
        run.run(DAY)

    return prepare


def _then_deployed(kind: Content, deployment: Deployment) -> Callable[[Simulation], None]:
    def prepare(run: Simulation) -> None:
        _uploaded(kind)(run)
        run.deploy(deployment)

    return prepare


def _answered_by_another_model(run: Simulation) -> None:
    _uploaded(Content.CLEAN)(run)
    run.rekognition.model = NEWER_MODEL
    run.put(OTHER, Content.CLEAN, 2)
    run.run(DAY)


def _model_went_back(run: Simulation) -> None:
    """Let a newer model answer once, and the older one, which has answered before, again."""
    before = run.rekognition.model
    _answered_by_another_model(run)
    run.rekognition.model = before


def _long_ago(run: Simulation) -> None:
    """Let the answer become too old, although DynamoDB did not delete it yet, and note the model once more since."""
    _uploaded(Content.CLEAN)(run)
    run.pass_time((CACHE_DAYS - 10) * DAY)
    run.put(OTHER, Content.CLEAN, 2)
    run.run(DAY)
    run.pass_time(15 * DAY)


def _spoilt(run: Simulation) -> None:
    _uploaded(Content.WEAPON)(run)
    if not run.stack.spoil_answers():
        run.checker.add_violation("no answer was kept, so none is spoilt")


def _partly_known(run: Simulation) -> None:
    """Upload a picture of which several proxies are judged, and lose one of the answers."""
    _uploaded(Content.HIDDEN)(run)
    run.stack.spoil_answers(1)


def _partly_known_by_another_model(run: Simulation) -> None:
    _partly_known(run)
    run.rekognition.model = NEWER_MODEL


def _scenario(
    prepare: Callable[[Simulation], None],
    kind: Content,
    status: str,
    asked: int,
    function: str = "process-image",
    deployment: Deployment = CACHING,
) -> Scenario:
    return Scenario(prepare, _upload(kind), status, function, deployment, in_pairs=False, asked=asked)


CACHE: Mapping[str, Scenario] = {
    "cache-first": _scenario(_nothing, Content.CLEAN, "PUBLISHED", 1),
    "cache-again": _scenario(_uploaded(Content.CLEAN), Content.CLEAN, "PUBLISHED", 0),
    "cache-blocked-again": _scenario(_uploaded(Content.HIDDEN), Content.HIDDEN, "BLOCKED", 0),
    "cache-changed-policy": _scenario(
        _then_deployed(Content.FIGHT, CACHING_AS_STRICT), Content.FIGHT, "BLOCKED", 0
    ),
    "cache-more-labels-needed": _scenario(
        _then_deployed(Content.FIGHT, CACHING_STRICTER), Content.FIGHT, "BLOCKED", 1
    ),
    "cache-changed-model": _scenario(_answered_by_another_model, Content.CLEAN, "PUBLISHED", 1),
    "cache-model-went-back": _scenario(_model_went_back, Content.CLEAN, "PUBLISHED", 1),
    "cache-expired": _scenario(_long_ago, Content.CLEAN, "PUBLISHED", 1),
    "cache-unreadable": _scenario(_spoilt, Content.WEAPON, "BLOCKED", 1),
    "cache-partly-known": _scenario(_partly_known, Content.HIDDEN, "PUBLISHED", 1, deployment=CACHING_LAXER),
    "cache-model-changes-meanwhile": _scenario(
        _partly_known_by_another_model, Content.HIDDEN, "PUBLISHED", 4, deployment=CACHING_LAXER
    ),
    "cache-video-again": _scenario(
        _uploaded(Content.VIDEO), Content.VIDEO, "PUBLISHED", 0, "process-video", CACHING_VIDEOS
    ),
}


def cache_problems(
    run: Simulation, scenario: Scenario, struck: Sequence[tuple[Call, Fault]], asked_before: int
) -> Iterator[str]:
    """Yield what is wrong with how often Rekognition was asked, or with what trouble of the cache alone cost."""
    asked = run.checker.answers.requests - asked_before
    if not struck and scenario.asked is not None and asked != scenario.asked:
        yield f"Rekognition was asked {asked} times, not {scenario.asked}"
    stopping = {*CRASHES, FaultKind.PAUSED}
    if struck and all(
        call.operation in OF_THE_CACHE and fault.kind not in stopping for call, fault in struck
    ):
        attempts = {int(item["attempt"]) for item in run.stack.items(KEY)}
        of_one = 2 if scenario.function == "process-video" else 1  # the image function's is the first
        if attempts != {of_one}:
            yield f"trouble with the cache alone cost an attempt: {sorted(attempts)}"
