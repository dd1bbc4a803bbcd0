"""What happens in races, beside the acts of scenarios: uploads and deletes of one key, and messages that come late."""

from collections.abc import Callable
from functools import partial

from media_pipeline.records.decisions import Action
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY, KEY
from tests.faults.scenarios_versions import SEQUENCER, cut_off, put, suspend
from tests.faults.simulation import Simulation

Act = Callable[[Simulation], object]


def again(place: int = 0, *, without: tuple[str, ...] = ()) -> Act:
    return lambda run: run.send_event_of(list(run.history.uploads.values())[place], without=without)


def move_again(run: Simulation) -> None:
    run.send_event_of_move(next(iter(run.history.uploads.values())))


def suspend_and_put(run: Simulation) -> None:
    suspend(run)
    run.put(KEY, Content.CLEAN, 1)


def put_and_delete(run: Simulation) -> None:
    run.put(KEY, Content.CLEAN, 1)
    run.run(DAY)
    run.delete(KEY)


def put_and_delete_twice(run: Simulation) -> None:
    put_and_delete(run)
    run.run(DAY)
    run.delete(KEY)


def superseded_and_deleted(run: Simulation) -> None:
    """Let the event of an upload arrive after that of its delete."""
    with run.postponed() as bodies:
        run.put(KEY, Content.CLEAN, 1)
    run.delete(KEY)
    run.run(DAY)
    run.queues["images"].send(bodies[0])


def overwritten_while_cut_off(run: Simulation) -> None:
    """Let an upload whose event had no sequencer be followed by another one before it has its outcome."""
    run.put(KEY, Content.CLEAN, 1)
    run.run(DAY)
    cut_off("UpdateItem", put(Content.WEAPON, 2, KEY, SEQUENCER))(run)
    run.queues["images"].messages.clear()  # it comes later
    run.put(KEY, Content.CLEAN, 3, without=SEQUENCER)


def cut_off_in_its_puts(kind: Content) -> Act:
    """Let an upload be cut off once a rendition, or its picture for reviewers, is there; its message comes later."""

    def act(run: Simulation) -> None:
        cut_off("PutObject", put(kind))(run)
        run.queues["images"].messages.clear()
        run.pass_time(DAY)

    return act


def take_down(run: Simulation) -> None:
    run.reviewers.decide(Action.WITHDRAW)


def later(act: Act, seconds: float = 400.0) -> Act:
    """Do something once whoever took over from a function that stands still has ended."""
    return lambda run: run.clock.after(seconds, partial(act, run))


def nothing(_: Simulation) -> None:
    pass


def kept_message(run: Simulation) -> None:
    """Send a message that was kept."""
    run.send(run.kept_message)
