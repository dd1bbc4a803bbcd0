"""Uploads of what is, was, or is being put on the stack's hash list."""

import hashlib
from collections.abc import Callable, Mapping

from media_pipeline.moderation.hash_list import Entry, Kind
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.records.decisions import decision_id
from media_pipeline.records.hash_list import PARTITION, HashListTable
from media_pipeline.records.record import iso_time
from tests.faults.configurations import LISTING, LISTING_OBSERVING, LISTING_VIDEOS, Deployment
from tests.faults.fault_injection import ALWAYS, Call, Fault, FaultKind
from tests.faults.history import Listed
from tests.faults.reviewers import PERSON
from tests.faults.sample_uploads import Content, draw
from tests.faults.scenarios import DAY, KEY, KillAfterFirstRendition, Scenario
from tests.faults.simulated_stack import TABLE
from tests.faults.simulation import Simulation
from tests.faults.virtual_time import START

OTHER = "shop/other.jpg"
A_WHILE = 120.0  # seconds: twice as long as an environment may know an old list
SLOWEST = 290.0  # seconds: AWS refuses what is signed by a clock that is five minutes slow
PAGES, ITEMS_ON_A_PAGE, SECONDS_OF_A_PAGE = 25, 3, 2.5  # together, as long as a function may run
HOUR = 3600.0
Act = Callable[[Simulation], None]


def _table(run: Simulation) -> HashListTable:
    return HashListTable(dynamodb=run.stack.dynamodb, table=TABLE, clock=lambda: run.clock.now)


def put_on_list(
    action: Verdict = Verdict.BLOCK, kind: Content = Content.CLEAN, number: int = 1, *, slow: float = 0.0
) -> Act:
    """Put the bytes of an upload on the list, by a clock that is so many seconds slow."""

    def act(run: Simulation) -> None:
        now, digest = run.clock.now, hashlib.sha256(draw(kind, number)).hexdigest()
        entry = Entry(
            id=decision_id(now - slow, lambda length: len(run.history.listed).to_bytes(length)),
            kind=Kind.SHA256,
            value=digest,
            action=action,
            reason="notice",
            person=PERSON,
            at=iso_time(now),
        )
        _table(run).add([entry])
        run.history.listed.append(Listed(entry.id, digest, action.value, since=now - START))

    return act


def _put_on_a_long_list(run: Simulation) -> None:
    """Put the bytes of an upload on a list that no function can read in one go, and that was made hours ago."""
    began = run.clock.now - HOUR
    others = [
        Entry(
            id=decision_id(began + number, lambda length: bytes(length)),
            kind=Kind.SHA256,
            value=f"{number:064x}",
            action=Verdict.BLOCK,
            reason="notice",
            person=PERSON,
            at=iso_time(began + number),
        )
        for number in range(PAGES * ITEMS_ON_A_PAGE)
    ]
    _table(run).add(others)
    put_on_list()(run)
    usual = run.network.latency

    def latency(call: Call, *, is_answer: bool) -> float:
        is_slow = is_answer and _reads_the_list(call)
        return SECONDS_OF_A_PAGE if is_slow else usual(call, is_answer=is_answer)

    run.network.latency = latency


def _reads_the_list(call: Call) -> bool:
    key = call.params.get("ExpressionAttributeValues", {}).get(":key", {})
    return call.operation == "Query" and key.get("S") == PARTITION


def _take_off(run: Simulation) -> None:
    for entry in run.history.listed:
        _table(run).remove(entry.id)
        entry.until = run.clock.now - START


def _upload(kind: Content = Content.CLEAN, number: int = 1, key: str = KEY) -> Act:
    def act(run: Simulation) -> None:
        run.put(key, kind, number)

    return act


def _one_after_the_other(*acts: Act) -> Act:
    """Do each to its end, and let a while pass."""

    def act(run: Simulation) -> None:
        for each in acts:
            each(run)
            run.run(DAY)
            run.pass_time(A_WHILE)

    return act


def _warm(*acts: Act) -> Act:
    """Let an environment read the empty list first."""
    return _one_after_the_other(_upload(number=2, key=OTHER), *acts)


def _warm_and_put(*, slow: float) -> Act:
    """Let an environment read the empty list, and put something on it at once; then let a while pass."""

    def act(run: Simulation) -> None:
        run.put(OTHER, Content.CLEAN, 2)
        run.clock.after(A_WHILE / 2, lambda: put_on_list(slow=slow)(run))
        run.run(DAY)
        run.pass_time(A_WHILE)

    return act


def _delete(run: Simulation) -> None:
    run.delete(KEY)


def _undelete(run: Simulation) -> None:
    run.undelete(KEY)


def _cut_off(run: Simulation) -> None:
    """Cut an allowed version off with some of its renditions put, and put it on the list then."""
    run.injector = KillAfterFirstRendition()
    run.put(KEY, Content.CLEAN, 1)
    run.clock.run(run.clock.now + 60.0)  # not to the end: its message becomes visible later
    put_on_list()(run)


class _Unreadable:
    """Refuses every read of the list until a time in epoch seconds."""

    def __init__(self, until: float) -> None:
        self._until = until

    def choose(self, call: Call) -> Fault | None:
        """Return an error for a read of the list."""
        is_refused = _reads_the_list(call) and call.invocation.began < self._until
        return Fault(FaultKind.ERROR, ALWAYS) if is_refused else None


def _uploaded_while_the_list_is_unreadable(run: Simulation) -> None:
    run.injector = _Unreadable(run.clock.now + A_WHILE)
    run.put(KEY, Content.CLEAN, 1)


def _scenario(
    prepare: Act,
    act: Act,
    status: str,
    asked: int,
    deployment: Deployment = LISTING,
    *,
    faults: bool = True,
) -> Scenario:
    return Scenario(
        prepare, act, status, "process-image", deployment, in_pairs=False, faults=faults, asked=asked
    )


def _nothing(_: Simulation) -> None:
    pass


LISTS: Mapping[str, Scenario] = {
    "list-block": _scenario(put_on_list(), _upload(), "BLOCKED", 0, faults=False),
    "list-unreadable": _scenario(
        put_on_list(), _uploaded_while_the_list_is_unreadable, "BLOCKED", 0, faults=False
    ),
    "list-of-many-pages": _scenario(_put_on_a_long_list, _upload(), "BLOCKED", 0, faults=False),
    "list-review": _scenario(put_on_list(Verdict.REVIEW), _upload(), "REVIEW", 1, faults=False),
    "list-added-since": _scenario(_warm_and_put(slow=SLOWEST), _upload(), "BLOCKED", 0),
    "list-removed-since": _scenario(
        _warm(put_on_list(), _upload(number=3, key=OTHER), _take_off), _upload(), "PUBLISHED", 1, faults=False
    ),
    "list-when-observing": _scenario(
        put_on_list(kind=Content.WEAPON),
        _upload(Content.WEAPON),
        "BLOCKED",
        0,
        LISTING_OBSERVING,
        faults=False,
    ),
    "list-undelete": _scenario(
        _one_after_the_other(_upload(), _delete, put_on_list()), _undelete, "DELETED", 0, faults=False
    ),
    "list-when-cut-off": _scenario(_cut_off, _nothing, "BLOCKED", 0, faults=False),
    "list-video": Scenario(
        put_on_list(kind=Content.VIDEO),
        _upload(Content.VIDEO),
        "BLOCKED",
        "process-video",
        LISTING_VIDEOS,
        in_pairs=False,
        faults=False,
        asked=0,
    ),
}
