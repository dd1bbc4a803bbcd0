"""Scenarios: what can happen to one object. `exhaustive` injects its faults at every call of each of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from botocore.awsrequest import AWSResponse

from tests.faults.configurations import BY_CATEGORY, BY_PATH, FIRST, WITH_CROPS, WITH_VIDEOS, Deployment
from tests.faults.error_responses import error
from tests.faults.fault_injection import ALWAYS, Call, Fault, FaultKind
from tests.faults.sample_uploads import Content
from tests.faults.simulation import Simulation

DAY = 86_400.0
KEY = "shop/a b+ü.jpg"
API_KEY = "api/k5ahn2u4cfb7wyq3zt6oxmjd2eilrvg7"  # a key that takes one upload


@dataclass(frozen=True)
class Scenario:
    """`prepare` runs without faults, `act` sends the message whose processing is disturbed; it must end in `status`.

    `status` is "PUBLISHED", or "PUBLISHED or DELETED" where it depends on which message comes first.
    """

    prepare: Callable[[Simulation], None]
    act: Callable[[Simulation], None]
    status: str
    function: str = "process-image"  # whose calls fail
    deployment: Deployment = FIRST
    in_pairs: bool = True  # whether pairs of faults are tried as well
    late_calls: bool = True  # whether a call may be carried out after its function gave up on it
    faults: bool = True  # whether any are: only the picture differs from that of another scenario
    asked: int | None = None  # how often Rekognition is asked while `act` is carried out without a fault


def _nothing(_: Simulation) -> None:
    pass


def _put(kind: Content, number: int = 1, key: str = KEY) -> Callable[[Simulation], None]:
    def act(run: Simulation) -> None:
        run.put(key, kind, number)

    return act


def _put_first(kind: Content, key: str) -> Callable[[Simulation], None]:
    def prepare(run: Simulation) -> None:
        run.put(key, kind, 1)
        run.run(DAY)

    return prepare


def _delete_key(run: Simulation) -> None:
    run.delete(KEY)


def _redrive(run: Simulation) -> None:
    run.redrive()


def _published_first(run: Simulation) -> None:
    run.put(KEY, Content.CLEAN, 1)
    run.run(DAY)


def _two_versions_first(run: Simulation) -> None:
    _published_first(run)
    run.put(KEY, Content.CLEAN, 2)
    run.run(DAY)


def _delete_version(run: Simulation) -> None:
    run.delete_version(next(iter(run.history.uploads.values())))


def _dead_letter(kind: Content) -> Callable[[Simulation], None]:
    """Send an upload's message to the dead letters: no attempt ever started."""

    def act(run: Simulation) -> None:
        with run.postponed() as bodies:
            run.put(KEY, kind, 1)
        for body in bodies:
            run.queues["dead"].send(body)

    return act


def _dead_letter_deletion(run: Simulation) -> None:
    with run.postponed() as bodies:
        run.delete(KEY)
    for body in bodies:
        run.queues["dead"].send(body)


class _FailingFunction:
    """Fails every call of one function."""

    def __init__(self, function: str) -> None:
        self._function = function

    def choose(self, call: Call) -> Fault | None:
        """Return an error for every call of the function."""
        fails = call.invocation.function_name == self._function and call.operation != "step"
        return Fault(FaultKind.ERROR, ALWAYS) if fails else None


def _handed_over_first(run: Simulation) -> None:
    """Hand a video over to a function whose calls all fail."""
    run.injector = _FailingFunction("process-video")
    run.put(KEY, Content.VIDEO, 1)
    run.run(DAY)


def _redrive_without_videos(run: Simulation) -> None:
    run.deploy(FIRST)
    run.redrive()


def _failed_first(run: Simulation) -> None:
    _dead_letter(Content.CLEAN)(run)
    run.run(DAY)


def _refused_first(run: Simulation) -> None:
    """Upload a picture with several to judge, of which Rekognition does not take those with a weapon."""
    usual = run.network.local["rekognition"]

    def refuse(call: Call) -> AWSResponse:
        _, seen = run.rekognition.see(call)
        if seen.kind != Content.WEAPON:
            return usual(call)
        next(iter(run.history.uploads.values())).refused = True
        return error("rekognition", 400, "InvalidImageFormatException")

    run.network.local["rekognition"] = refuse
    run.put(KEY, Content.HIDDEN, 1)
    run.run(DAY)
    run.network.local["rekognition"] = usual


def _event_again(run: Simulation) -> None:
    run.send_event_of(next(iter(run.history.uploads.values())))


def _redriven_too_late(run: Simulation) -> None:
    """Redrive a FAILED object whose version is deleted before the redrive's message arrives."""
    _failed_first(run)
    run.redrive()
    waiting = run.queues["images"].messages.pop()
    _delete_version(run)
    run.run(DAY)
    run.kept_message = waiting.body


def _redrive_what_is_published(run: Simulation) -> None:
    run.redrive("PUBLISHED")


class KillAfterFirstRendition:
    """Kills the first invocation that puts a rendition, right after that call."""

    def __init__(self) -> None:
        self._done = False

    def choose(self, call: Call) -> Fault | None:
        """Return a crash after the first PutObject."""
        if self._done or call.operation != "PutObject":
            return None
        self._done = True
        return Fault(FaultKind.CRASH_AFTER)


def _cut_off_first(kind: Content, key: str = KEY) -> Callable[[Simulation], None]:
    """Cut off an allowed version with some of its renditions put; its message is still hidden."""

    def prepare(run: Simulation) -> None:
        run.injector = KillAfterFirstRendition()
        run.put(key, kind, 1)
        run.clock.run(run.clock.now + 60.0)  # not to the end: its message becomes visible later

    return prepare


def _evasion(kind: Content) -> Scenario:
    """Put a picture that was drawn to evade the judge: no fault is needed for a mistake to show."""
    return Scenario(_nothing, _put(kind), "BLOCKED", deployment=WITH_CROPS, in_pairs=False, faults=False)


ONE_OBJECT: Mapping[str, Scenario] = {
    "publish": Scenario(_nothing, _put(Content.CLEAN), "PUBLISHED"),
    "block": Scenario(_nothing, _put(Content.WEAPON), "BLOCKED"),
    "block-hidden": Scenario(_nothing, _put(Content.HIDDEN), "BLOCKED"),
    "block-grey-only": _evasion(Content.GREY_ONLY),
    "block-long-frame": _evasion(Content.LONG_FRAME),
    "block-long-crop": _evasion(Content.LONG_CROP),
    "block-surer-parent": Scenario(
        _nothing,
        _put(Content.SURER_PARENT),
        "BLOCKED",
        deployment=BY_CATEGORY,
        in_pairs=False,
        faults=False,
    ),
    "block-by-path": Scenario(
        _nothing, _put(Content.FIGHT), "BLOCKED", deployment=BY_PATH, in_pairs=False, faults=False
    ),
    "review": Scenario(_nothing, _put(Content.FIGHT), "REVIEW"),
    "reject": Scenario(_nothing, _put(Content.CORRUPT), "REJECTED"),
    # Decoding it kills the function: it takes four attempts even without a fault.
    "poison": Scenario(_nothing, _put(Content.POISON), "REJECTED", in_pairs=False),
    "reject-video": Scenario(_nothing, _put(Content.VIDEO), "REJECTED"),
    "delete-marker": Scenario(_two_versions_first, _delete_key, "DELETED"),
    "second-upload": Scenario(
        _put_first(Content.CLEAN, API_KEY), _put(Content.CLEAN, 2, API_KEY), "REJECTED", in_pairs=False
    ),
    "second-upload-after-a-block": Scenario(
        _put_first(Content.WEAPON, API_KEY), _put(Content.CLEAN, 2, API_KEY), "REJECTED", in_pairs=False
    ),
    "second-upload-when-cut-off": Scenario(
        _cut_off_first(Content.CLEAN, API_KEY), _put(Content.CLEAN, 2, API_KEY), "REJECTED", in_pairs=False
    ),
    "delete-version": Scenario(_published_first, _delete_version, "DELETED"),
    "dead-letter": Scenario(_nothing, _dead_letter(Content.CLEAN), "FAILED", "dead-letters"),
    "dead-letter-and-late-duplicate": Scenario(_failed_first, _event_again, "FAILED", in_pairs=False),
    "dead-deletion": Scenario(_published_first, _dead_letter_deletion, "DELETED", "dead-letters"),
    "hand-over": Scenario(_nothing, _put(Content.VIDEO), "PUBLISHED", deployment=WITH_VIDEOS),
    "hand-over-again": Scenario(_handed_over_first, _redrive, "PUBLISHED", deployment=WITH_VIDEOS),
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
        _nothing, _put(Content.WEAPON_VIDEO), "BLOCKED", "process-video", WITH_VIDEOS, in_pairs=False
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
        _redriven_too_late, lambda run: run.queues["images"].send(run.kept_message), "DELETED"
    ),
    "redrive-of-published": Scenario(_published_first, _redrive_what_is_published, "PUBLISHED"),
    "redrive": Scenario(_failed_first, _redrive, "PUBLISHED"),
    # The picture that was answered is not asked about again.
    "redrive-of-refused": Scenario(
        _refused_first, _redrive, "BLOCKED", in_pairs=False, faults=False, asked=3
    ),
}
