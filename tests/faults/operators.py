"""The operator's own commands, `redrive`, `reconcile` and `takedown`, run inside a simulation.

Each AWS call of a command is a call of an invocation named `operator`, so it takes time and can fail. A command that
fails or is killed ends; what it already did stays.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from botocore.exceptions import BotoCoreError, ClientError

from operations.reconcile import Reconcile, places
from operations.redrive import Kind, Redrive
from operations.stack import StackOutputs
from operations.takedown import Takedown, Target
from tests.faults.fault_injection import Call
from tests.faults.history import identity
from tests.faults.record_items import Item, is_undecided, version_of
from tests.faults.reviewers import PERSON
from tests.faults.simulated_functions import ClientPool, ClientSet
from tests.faults.simulated_invocation import Invocation
from tests.faults.simulated_stack import QUARANTINE, RENDITIONS, TABLE, UPLOADS

if TYPE_CHECKING:
    from tests.faults.simulation import Simulation

OPERATOR = "operator"
RATE = 10.0  # objects per second, as the commands do by default
LOOK_SECONDS, TAKEDOWN_SECONDS = 2.0, 120.0
SETTLED = 60.0  # seconds after which a command must know of an outcome
REPLACING = ("PUBLISHED", "BLOCKED", "REVIEW", "DELETED")


class Operator:
    """Runs commands, and checks what they send."""

    def __init__(self, run: "Simulation", pool: ClientPool) -> None:
        self._run = run
        self._pool = pool
        self._clients: ClientSet | None = None
        self._gone = False

    def redrive(self, *, gone: bool = False) -> None:
        """Start `python -m operations redrive [--gone]`."""
        self._gone = self._gone or gone

        def command(invocation: Invocation, clients: ClientSet) -> None:
            redrive = Redrive(
                outputs=self._outputs(),
                dynamodb=clients.clients.dynamodb,
                sqs=clients.clients.sqs,
                rate=RATE,
                clock=lambda: self._run.clock.now,
                sleep=invocation.sleep,
            )
            for stuck in redrive.find(frozenset(Kind), key=None, after=None, gone=gone):
                redrive.send(stuck)

        self._start(command)

    def reconcile(self) -> None:
        """Start `python -m operations reconcile`."""

        def command(invocation: Invocation, clients: ClientSet) -> None:
            reconcile = Reconcile(
                places=places(self._outputs()),
                s3=clients.clients.s3,
                dynamodb=clients.clients.dynamodb,
                sqs=clients.clients.sqs,
                rate=RATE,
                clock=lambda: self._run.clock.now,
                sleep=invocation.sleep,
            )
            for finding in reconcile.find():
                reconcile.repair(finding)

        self._start(command)

    def take_down(self) -> None:
        """Start `python -m operations takedown` for the first upload; what it says it removed must be removed."""

        def command(invocation: Invocation, clients: ClientSet) -> None:
            aws, clock = clients.clients, self._run.clock
            takedown = Takedown(
                dynamodb=aws.dynamodb,
                s3=aws.s3,
                table=TABLE,
                renditions=RENDITIONS,
                decisions=self._run.reviewers.asking(aws.dynamodb, aws.s3, aws.sqs),
                clock=lambda: clock.now,
                sleep=lambda _: invocation.sleep(LOOK_SECONDS),
            )
            key = next(iter(self._run.history.uploads.values())).key
            digests = takedown.digests(Target(key=key))
            takedown.sweep(digests, person=PERSON, reason="notice", case={}, seconds=TAKEDOWN_SECONDS)
            if not takedown.find(
                digests
            ).remaining:  # else its exit code is 1, and the operator runs it again
                self._check_taken_down(key)

        self._start(command)

    def sent(self, call: Call) -> None:
        """Note and check a message that a command sent to the pipeline."""
        history = self._run.history
        for record in json.loads(call.params["MessageBody"])["Records"]:
            described, redrive = record["s3"]["object"], record.get("redrive")
            key, wanted = (
                unquote_plus(described["key"]),
                identity(described.get("versionId"), described.get("eTag")),
            )
            item = next((one for one in self._run.stack.items(key) if version_of(one) == wanted), None)
            if (upload := history.uploads.get((key, wanted))) and not described.get("sequencer"):
                upload.lacks_sequencer = True
            if redrive is None or item is None:
                continue
            attempt = int(redrive["attempt"])
            if redrive.get("restores"):
                history.restored.add((key, str(item["sequencer"]), attempt))
                self._check_restored(item)
                continue
            history.redriven.add((key, str(item["sequencer"]), attempt))
            history.dead_lettered.discard((key, wanted))
            if item.get("reason") == "original_gone" and not self._gone:
                self._run.checker.add_violation(
                    f"redrive sent {key}, whose original is gone, without being asked"
                )

    def _check_restored(self, item: Item) -> None:
        """Check that nothing newer has taken the record's place for readers, at least not for a while."""
        before = _iso(self._run.clock.now - SETTLED)
        for other in self._run.stack.items(str(item["object_key"])):
            is_newer = str(other["sequencer"]) > str(item["sequencer"]) and not other.get("undone")
            if is_newer and other["status"] in REPLACING and str(other.get("finished_at", "")) < before:
                self._run.checker.add_violation(
                    f"reconcile restores {item['object_key']} {item['sequencer']}, which {other['status']} hides"
                )

    def _check_taken_down(self, key: str) -> None:
        """Check that nothing of a key is published, or about to be."""
        files = [name for name in self._run.stack.objects(RENDITIONS) if name.startswith(f"{key}/")]
        published = [item for item in self._run.stack.items(key) if _is_published(item)]
        if files or published:
            self._run.checker.add_violation(f"a takedown says that {key} is removed, and it is not")

    def _outputs(self) -> StackOutputs:
        return StackOutputs(
            uploads_bucket=UPLOADS,
            records_table=TABLE,
            images_queue_url=self._run.queues["images"].url,
            renditions_bucket=RENDITIONS,
            named={"quarantine_bucket": QUARANTINE},
        )

    def _start(self, command: Callable[[Invocation, ClientSet], None]) -> None:
        if self._clients is None:
            self._clients = self._pool.take(60.0)
        clients = self._clients
        invocation = self._run.functions.outside(OPERATOR)

        def body() -> None:
            try:
                command(invocation, clients)
            except (ClientError, BotoCoreError):
                pass  # the command ends with an error that the operator reads
            finally:
                invocation.alive = False

        self._run.clock.spawn(body, invocation)


def _is_published(item: Item) -> bool:
    """Return whether readers see a version, or will once its decision is carried out."""
    is_wanted = (item.get("decision") or {}).get("action") in ("approve", "restore")
    return item["status"] == "PUBLISHED" or (is_wanted and is_undecided(item))


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
