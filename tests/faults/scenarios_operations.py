"""The operator's commands and the upload API, with every fault at every call, and commands at any moment of others."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from zlib import crc32

from media_pipeline.events import REDRIVE_SOURCE
from media_pipeline.records.decisions import Action
from tests.faults.api_client import UPLOAD_API
from tests.faults.fault_injection import Call, Fault
from tests.faults.operators import OPERATOR
from tests.faults.record_items import version_of
from tests.faults.s3_events import PUT, event
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY, ONE_OBJECT, Scenario
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import RENDITIONS, SimulatedStack
from tests.faults.simulation import Simulation

HOUR = 3600.0
LATER = 2 * HOUR  # `reconcile` leaves alone what is younger than an hour
CALLS = 15
HELD = 20.0  # seconds for which the first invocation is held while a command runs


def _published(run: Simulation) -> None:
    run.put(KEY, Content.CLEAN, 1)
    run.run(DAY)


def _twice(command: Callable[[Simulation], None]) -> Callable[[Simulation], None]:
    """Run a command, and once more later: one that was interrupted is started again."""

    def act(run: Simulation) -> None:
        command(run)
        run.clock.after(LATER, lambda: command(run))

    return act


_reconcile = _twice(lambda run: run.operator.reconcile())
_redrive = _twice(lambda run: run.operator.redrive())


def _event_was_lost(run: Simulation) -> None:
    with run.postponed():
        run.put(KEY, Content.CLEAN, 1).lacks_sequencer = True
    run.pass_time(LATER)


def _event_before_a_review_was_lost(run: Simulation) -> None:
    """Lose the event of an upload that is current once the next one has been moved to quarantine."""
    _event_was_lost(run)
    run.put(KEY, Content.FIGHT, 2)
    run.run(DAY)
    run.pass_time(LATER)


def _stray_rendition(run: Simulation) -> None:
    _published(run)
    upload = run.history.by_number[1]
    (data, *_) = run.stack.objects(RENDITIONS).values()
    run.stack.put_rendition(f"{upload.prefix}old-00000000.jpg", data)
    run.pass_time(LATER)


def _lost_rendition(run: Simulation) -> None:
    _published(run)
    run.stack.lose_rendition(min(run.stack.objects(RENDITIONS)))
    run.pass_time(LATER)


def _lost_rendition_of(kind: Content, *actions: Action) -> Callable[[Simulation], None]:
    """Lose a rendition of what a person's decisions published, so that its original is in quarantine."""

    def act(run: Simulation) -> None:
        run.put(KEY, kind, 1)
        run.run(DAY)
        for action in actions:
            run.reviewers.decide(action)
            run.run(DAY)
        run.stack.lose_rendition(min(run.stack.objects(RENDITIONS)))
        run.pass_time(LATER)

    return act


def publish_again(run: Simulation) -> None:
    """Send the message by which `reconcile` has the first upload published again."""
    upload = next(iter(run.history.uploads.values()))
    (item,) = (one for one in run.stack.items(upload.key) if version_of(one) == upload.version)
    attempt = int(item["attempt"])
    run.history.restored.add((upload.key, str(item["sequencer"]), attempt))
    described = event(PUT, upload.key, str(item["version_id"]), "", etag=str(item["etag"]))
    del described["s3"]["object"]["sequencer"]
    described |= {"eventSource": REDRIVE_SOURCE, "redrive": {"attempt": attempt, "restores": True}}
    run.send(json.dumps({"Records": [described]}))


APPROVED_AND_LOST = _lost_rendition_of(Content.FIGHT, Action.APPROVE)
_RESTORED = _lost_rendition_of(Content.CLEAN, Action.WITHDRAW, Action.RESTORE)


def _rejected_above(run: Simulation) -> None:
    """Upload a picture, and a corrupt one over it: readers still see the first."""
    _published(run)
    run.put(KEY, Content.CORRUPT, 2)
    run.run(DAY)
    run.pass_time(LATER)


def _rejected_above_and_undeleted(run: Simulation) -> None:
    """Undelete a key whose current version was rejected: that brings none of its renditions back."""
    for number, kind in enumerate((*[Content.CLEAN] * 3, Content.CORRUPT), start=1):
        run.put(KEY, kind, number)
        run.run(DAY)
    run.delete(KEY)
    run.run(DAY)
    run.pass_time(LATER)
    run.undelete(KEY)
    run.run(DAY)
    run.pass_time(LATER)


def _deleted(run: Simulation) -> None:
    _published(run)
    run.delete(KEY)
    run.run(DAY)
    run.pass_time(LATER)


def _failed(run: Simulation) -> None:
    with run.postponed() as bodies:
        run.put(KEY, Content.CLEAN, 1)
    run.queues["dead"].send(bodies[0])
    run.run(DAY)


def _original_gone(run: Simulation) -> None:
    """Remove an original before it is processed, without an event: its retention was over."""
    with run.postponed() as bodies:
        upload = run.put(KEY, Content.CLEAN, 1)
    upload.outlived = True
    run.stack.delete_version(KEY, upload.version)
    run.queues["images"].send(bodies[0])
    run.run(DAY)


def _upload(kind: Content) -> Callable[[Simulation], None]:
    def act(run: Simulation) -> None:
        # Events arrive so soon that an upload is processed before the API gives up on an answer.
        run.delivery_profile = replace(run.delivery_profile, usual_delay=0.1)
        run.api.upload(kind, 1)

    return act


def _uploaded(run: Simulation) -> None:
    _upload(Content.CLEAN)(run)
    run.run(DAY)


def _delete_upload(run: Simulation) -> None:
    run.delete(run.history.by_number[1].key)


def _by_operator(
    prepare: Callable[[Simulation], None], act: Callable[[Simulation], None], status: str
) -> Scenario:
    return Scenario(prepare, act, status, OPERATOR, in_pairs=False)


def _nothing(_: Simulation) -> None:
    pass


OPERATIONS: Mapping[str, Scenario] = {
    "reconcile-lost-event": _by_operator(_event_was_lost, _reconcile, "PUBLISHED"),
    "reconcile-lost-event-below-a-review": _by_operator(
        _event_before_a_review_was_lost, _reconcile, "SUPERSEDED"
    ),
    "reconcile-stray-rendition": _by_operator(_stray_rendition, _reconcile, "PUBLISHED"),
    "reconcile-lost-rendition": _by_operator(_lost_rendition, _reconcile, "PUBLISHED"),
    "reconcile-lost-rendition-of-approved": Scenario(
        APPROVED_AND_LOST, _reconcile, "PUBLISHED", in_pairs=False
    ),
    "reconcile-lost-rendition-of-restored": Scenario(
        _RESTORED, _reconcile, "PUBLISHED", in_pairs=False, faults=False
    ),
    "reconcile-rejected-above": _by_operator(_rejected_above, _reconcile, "REJECTED"),
    "reconcile-rejected-above-and-undeleted": _by_operator(
        _rejected_above_and_undeleted, _reconcile, "DELETED"
    ),
    "reconcile-deleted": _by_operator(_deleted, _reconcile, "DELETED"),
    "redrive-command": _by_operator(_failed, _redrive, "PUBLISHED"),
    "redrive-of-gone": _by_operator(_original_gone, _redrive, "FAILED"),
    "redrive-of-gone-asked": _by_operator(
        _original_gone, _twice(lambda run: run.operator.redrive(gone=True)), "FAILED"
    ),
    "api-upload": Scenario(_nothing, _upload(Content.CLEAN), "PUBLISHED", UPLOAD_API, in_pairs=False),
    "api-upload-blocked": Scenario(_nothing, _upload(Content.WEAPON), "BLOCKED", UPLOAD_API, in_pairs=False),
    "api-delete": Scenario(
        _uploaded,
        _delete_upload,
        "DELETED",
        in_pairs=False,
    ),
    "api-form": Scenario(
        _nothing, lambda run: run.api.ask_for_form(Content.CLEAN, 1), "PUBLISHED", UPLOAD_API, in_pairs=False
    ),
}

COMMANDS: Mapping[str, Callable[[Simulation], None]] = {
    "redrive": lambda run: run.operator.redrive(),
    "reconcile": lambda run: run.operator.reconcile(),
}
DISTURBED = (
    "publish",
    "block",
    "review",
    "overwritten-when-cut-off",
    "delete-marker",
    "delete-version",
    "dead-letter",
    "redrive",
    "video",
)
AT_ANY_MOMENT = tuple(
    f"{scenario}/{command}@{at}{how}"
    for scenario in DISTURBED
    for command in COMMANDS
    for at in range(1, CALLS + 1)
    for how in ("", "-paused")
)


class _Disturbing:
    """Holds an invocation before its Nth call while a command runs; `seconds` later it goes on."""

    def __init__(
        self, run: Simulation, function: str, at: int, command: Callable[[], None], seconds: float
    ) -> None:
        self._run = run
        self._function = function
        self._at = at
        self._command = command
        self._seconds = seconds
        self._calls = 0
        self._done = False

    def choose(self, call: Call) -> Fault | None:
        """Let time pass before the call; return None."""
        if self._done or call.operation == "step" or call.invocation.function_name != self._function:
            return None
        self._calls += 1
        if self._calls == self._at:
            self._done = True
            self._run.clock.after(max(self._seconds - HELD, 0.0), self._command)
            call.invocation.pause(self._seconds)
        return None


def run_disturbed(stack: SimulatedStack, pool: ClientPool, name: str) -> list[str]:
    """Run `scenario/command@call[-paused]`; return the violations. `paused`: the machine stands still for hours."""
    scenario_name, _, rest = name.partition("/")
    command, _, at = rest.removesuffix("-paused").partition("@")
    scenario, seconds = ONE_OBJECT[scenario_name], LATER if rest.endswith("-paused") else HELD
    run = Simulation(stack, pool, seed=crc32(name.encode()), deployment=scenario.deployment)
    with run.clock:
        scenario.prepare(run)
        run.injector = _Disturbing(run, scenario.function, int(at), lambda: COMMANDS[command](run), seconds)
        scenario.act(run)
        run.run()
        if any(item["status"] == "FAILED" for item in stack.all_items()):
            run.operator.redrive()
            run.run()
        return run.violations()
