"""People who decide about what was withheld, by the pipeline's own asking side, inside a simulation.

`decide` asks at once and without faults; `ask` as an invocation named `reviewer`, whose calls take time and can fail.
What was decided is noted from the evidence, before it can have any effect.
"""

import json
import random
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.api.appeals import Appeals
from media_pipeline.errors import DecisionError
from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.records.decisions import Action
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Record
from media_pipeline.reviews.asking import Decisions
from media_pipeline.reviews.places import Places
from tests.faults.api_client import APPEAL_DAYS, APPEAL_TEXT
from tests.faults.history import AskedDecision, Upload
from tests.faults.record_items import version_of
from tests.faults.simulated_functions import ClientPool, ClientSet
from tests.faults.simulated_stack import LOGS, QUARANTINE, TABLE, UPLOADS

if TYPE_CHECKING:
    from tests.faults.simulation import Simulation

REVIEWER = "reviewer"
PERSON = "arn:aws:iam::123456789012:user/reviewer"


class Reviewers:
    """Asks for decisions; `lost_messages` makes each message to the workers get lost."""

    def __init__(self, run: "Simulation", pool: ClientPool) -> None:
        self._run = run
        self._pool = pool
        self._clients: ClientSet | None = None
        self._rng = random.Random("reviewers")  # the users of a seed do the same whatever people decide
        self.lost_messages = False
        self.rule = ApprovalRule()
        """How many persons must approve, as the asking side knows it."""

    def decide(self, action: Action, upload: Upload | None = None, *, person: str = PERSON) -> bool:
        """Ask for a decision about an upload, the first one by default; return whether that was possible.

        What the policy blocked is overridden.
        """
        upload = upload or next(iter(self._run.history.uploads.values()))
        record = self._record(upload)
        if record is None:
            return False
        try:
            self.asking(self._run.stack.dynamodb, self._run.stack.s3, self).ask(
                record, action, person, override=True
            )
        except DecisionError:
            return False
        finally:
            self.note_evidence()
            self._run.checker.decided(upload.key)
        return True

    def appeal(self) -> None:
        """Note an appeal about the first upload, as the upload API does."""
        upload = next(iter(self._run.history.uploads.values()))
        items = ItemTable(dynamodb=self._run.stack.dynamodb, table=TABLE, clock=lambda: self._run.clock.now)
        record = self._record(upload)
        assert record is not None
        appeals = Appeals(items=items, days=APPEAL_DAYS, clock=lambda: self._run.clock.now)
        appeals.appeal(record, APPEAL_TEXT)

    def ask(self, action: Action, *, person: str = PERSON, override: bool = True) -> None:
        """Start to ask for a decision about the first upload, as the console does; again where it was cut off."""
        upload = next(iter(self._run.history.uploads.values()))
        if self._clients is None:
            self._clients = self._pool.take(60.0)
        clients = self._clients.clients
        invocation = self._run.functions.outside(REVIEWER)

        def body() -> None:
            try:
                record = self._record(upload)
                if record is not None:
                    asking = self.asking(clients.dynamodb, clients.s3, clients.sqs)
                    asking.ask(record, action, person, override=override)
            except (DecisionError, ClientError, BotoCoreError):
                pass  # what a person is shown
            finally:
                invocation.alive = False

        self._run.clock.spawn(body, invocation)

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, Any]:  # noqa: N803 - as in boto3
        """Stand in for SQS where a decision is asked for at once."""
        if not self.lost_messages:
            self._run.send(MessageBody)
        return {"MessageId": QueueUrl}

    def _record(self, upload: Upload) -> Record | None:
        stack = self._run.stack
        found = [item for item in stack.items(upload.key) if version_of(item) == upload.version]
        items = ItemTable(dynamodb=stack.dynamodb, table=TABLE, clock=lambda: self._run.clock.now)
        return items.get(upload.key, str(found[-1]["sequencer"])) if found else None

    def asking(self, dynamodb: Any, s3: Any, sqs: Any) -> Decisions:
        """Return the asking side with other clients."""
        places = Places(
            stack="faults",
            uploads_bucket=UPLOADS,
            quarantine_bucket=QUARANTINE,
            logs_bucket=LOGS,
            records_table=TABLE,
            images_queue_url=self._run.queues["images"].url,
            approvals=self.rule,
        )
        clock, rng = self._run.clock, self._rng
        return Decisions(
            places=places, dynamodb=dynamodb, s3=s3, sqs=sqs, clock=lambda: clock.now, random=rng.randbytes
        )

    def note_evidence(self) -> None:
        """Note what was decided, from what the asking side wrote down."""
        for body in self._run.stack.objects(LOGS).values():
            written = json.loads(body)
            self._run.history.decisions[written["id"]] = AskedDecision(
                id=written["id"],
                action=written["action"],
                person=written["person"],
                version=written["version"],
                sha256=written["sha256"],
            )
