"""The ways of one object, each as a little story that the exhaustive part disturbs at every point."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.faults.configurations import FIRST, WITH_VIDEOS, Deployment
from tests.faults.fault_injection import ALWAYS, Call, Fault, Kind
from tests.faults.sample_uploads import Kind as Content
from tests.faults.simulation import Simulation

DAY = 86_400.0
KEY = "shop/a b+ü.jpg"


@dataclass(frozen=True)
class Scenario:
    """`prepare` happens in peace, `act` sends the message whose way is disturbed; `status` is how it must end."""

    prepare: Callable[[Simulation], None]
    act: Callable[[Simulation], None]
    status: str
    function: str = "process-image"  # the one that is disturbed
    deployment: Deployment = FIRST
    in_pairs: bool = True  # whether two faults are tried on it as well


def _nothing(_: Simulation) -> None:
    pass


def _put(kind: Content, number: int = 1) -> Callable[[Simulation], None]:
    return lambda run: _do(run, lambda: run.put(KEY, kind, number))


def _do(_: Simulation, action: Callable[[], object]) -> None:
    action()


def _published_first(run: Simulation) -> None:
    run.put(KEY, Content.CLEAN, 1)
    run.run(DAY)


def _two_versions_first(run: Simulation) -> None:
    _published_first(run)
    run.put(KEY, Content.CLEAN, 2)
    run.run(DAY)


def _delete_version(run: Simulation) -> None:
    run.delete_version(next(iter(run.ledger.uploads.values())))


def _give_up(kind: Content) -> Callable[[Simulation], None]:
    """The message is received too often before anybody could do anything."""

    def act(run: Simulation) -> None:
        with run.postponed() as bodies:
            run.put(KEY, kind, 1)
        for body in bodies:
            run.queues["dead"].send(body)

    return act


def _give_up_deletion(run: Simulation) -> None:
    with run.postponed() as bodies:
        run.delete(KEY)
    for body in bodies:
        run.queues["dead"].send(body)


class _Down:
    """Fails every call of one function."""

    def __init__(self, function: str) -> None:
        self._function = function

    def choose(self, call: Call) -> Fault | None:
        """Part of `Injector`."""
        is_hit = call.invocation.function_name == self._function and call.operation != "step"
        return Fault(Kind.ERROR, ALWAYS) if is_hit else None


def _handed_over_first(run: Simulation) -> None:
    """The function that a video was handed to could do nothing with it."""
    run.injector = _Down("process-video")
    run.put(KEY, Content.VIDEO, 1)
    run.run(DAY)


def _redrive_without_videos(run: Simulation) -> None:
    run.deploy(FIRST)
    run.redrive()


def _failed_first(run: Simulation) -> None:
    _give_up(Content.CLEAN)(run)
    run.run(DAY)


def _redriven_too_late(run: Simulation) -> None:
    """An operator drove it again, and before that message came, its version was deleted."""
    _failed_first(run)
    run.redrive()
    waiting = run.queues["images"].messages.pop()
    _delete_version(run)
    run.run(DAY)
    run.late = waiting.body


def _redrive_what_is_published(run: Simulation) -> None:
    run.redrive("PUBLISHED")


class _CutOffOnce:
    """Kills the first invocation that puts a rendition, right after that."""

    def __init__(self) -> None:
        self._done = False

    def choose(self, call: Call) -> Fault | None:
        """Part of `Injector`."""
        if self._done or call.operation != "PutObject":
            return None
        self._done = True
        return Fault(Kind.CRASH_AFTER)


def _cut_off_first(kind: Content) -> Callable[[Simulation], None]:
    """A version was allowed and cut off with some of its renditions there; its message waits."""

    def prepare(run: Simulation) -> None:
        run.injector = _CutOffOnce()
        run.put(KEY, kind, 1)
        run.timeline.run(run.timeline.now + 60.0)  # not to the end: its message comes back only later

    return prepare


SCENARIOS: Mapping[str, Scenario] = {
    "publish": Scenario(_nothing, _put(Content.CLEAN), "PUBLISHED"),
    "block": Scenario(_nothing, _put(Content.WEAPON), "BLOCKED"),
    "block-hidden": Scenario(_nothing, _put(Content.HIDDEN), "BLOCKED"),
    "review": Scenario(_nothing, _put(Content.FIGHT), "REVIEW"),
    "reject": Scenario(_nothing, _put(Content.CORRUPT), "REJECTED"),
    # Decoding it kills the function, so its way is four attempts long already.
    "poison": Scenario(_nothing, _put(Content.POISON), "REJECTED", in_pairs=False),
    "reject-video": Scenario(_nothing, _put(Content.VIDEO), "REJECTED"),
    "delete-marker": Scenario(_two_versions_first, lambda run: _do(run, lambda: run.delete(KEY)), "DELETED"),
    "delete-version": Scenario(_published_first, _delete_version, "DELETED"),
    "dead-letter": Scenario(_nothing, _give_up(Content.CLEAN), "FAILED", "dead-letters"),
    "dead-deletion": Scenario(_published_first, _give_up_deletion, "DELETED", "dead-letters"),
    "hand-over": Scenario(_nothing, _put(Content.VIDEO), "PUBLISHED", deployment=WITH_VIDEOS),
    "hand-over-again": Scenario(
        _handed_over_first, lambda run: _do(run, run.redrive), "PUBLISHED", deployment=WITH_VIDEOS
    ),
    "hand-over-withdrawn": Scenario(
        _handed_over_first, _redrive_without_videos, "REJECTED", deployment=WITH_VIDEOS
    ),
    "overwritten-when-cut-off": Scenario(
        _cut_off_first(Content.CLEAN), _put(Content.CLEAN, 2), "PUBLISHED", in_pairs=False
    ),
    "video": Scenario(
        _nothing, _put(Content.VIDEO), "PUBLISHED", "process-video", WITH_VIDEOS, in_pairs=False
    ),
    "video-block": Scenario(
        _nothing, _put(Content.ARMED_VIDEO), "BLOCKED", "process-video", WITH_VIDEOS, in_pairs=False
    ),
    "video-reject": Scenario(
        _nothing, _put(Content.BROKEN_VIDEO), "REJECTED", "process-video", WITH_VIDEOS, in_pairs=False
    ),
    "video-overwritten-when-cut-off": Scenario(
        _cut_off_first(Content.VIDEO),
        _put(Content.VIDEO, 2),
        "PUBLISHED",
        "process-video",
        WITH_VIDEOS,
        in_pairs=False,
    ),
    "redrive-of-deleted": Scenario(
        _redriven_too_late, lambda run: run.queues["images"].send(run.late), "DELETED"
    ),
    "redrive-of-published": Scenario(_published_first, _redrive_what_is_published, "PUBLISHED"),
    "redrive": Scenario(_failed_first, lambda run: _do(run, run.redrive), "PUBLISHED"),
}
