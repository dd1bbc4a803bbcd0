"""`backfill`: bring what was published before to the configuration of now."""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import DecisionError
from media_pipeline.reconciliation import Position, Step
from media_pipeline.records.decisions import Action, decision_id
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Stage
from operations.backfill import Backfill, Candidate, Counts, Mode, Skipped, missing_message
from operations.commands.arguments import FAILED, INTERRUPTED, add_stack, not_negative, positive, share
from operations.deciding_again import RELEASE_REASON
from operations.prices import Prices
from operations.reconcile import of_stack
from operations.retention import Retention
from operations.reviews.desk import Desk
from operations.sending import Pace, Sender, Work
from operations.stack import StackOutputs
from operations.today import Today

if TYPE_CHECKING:
    from operations.commands.arguments import Commands

PROJECT = Path(__file__).parents[2]
RATE, MAX_WAITING, SHARE = 5.0, 0, 0.5
_UNSEEN = Work(Stage.IMAGE, 1.0)
"""What an upload without a record is taken to need: as much as a photo of some 12 MP."""
_SHOWN = 10  # keys that a dry run names


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    backfill = commands.add_parser(
        "backfill",
        help="bring what was published before to the configuration of now",
        description="Have the stack's functions process what is in the buckets and records by the configuration of"
        " `Pulumi.STACK.yaml`, once it is deployed. What is published stays so until what replaces it is complete."
        " Counts first what a run would do, what it costs, and what it cannot do. Holds back while uploads wait; can"
        " be interrupted by Ctrl-C and goes on where it was.",
    )
    add_stack(backfill)
    backfill.add_argument(
        "--mode",
        required=True,
        choices=[mode.value for mode in Mode],
        help="missing: uploads without a record; render: published versions with other sizes, formats or of another"
        " pipeline version, without asking Rekognition; decide: those that today's policy withholds, by the recorded"
        " answers; ask: those whose record does not say what the policy decides, by asking Rekognition",
    )
    backfill.add_argument("--dry-run", action="store_true", help="only count")
    backfill.add_argument("--prefix", default="", help="only object keys that begin so")
    backfill.add_argument(
        "--rate", type=positive, default=RATE, help=f"messages per second, at most (default: {RATE:g})"
    )
    backfill.add_argument(
        "--share",
        type=share,
        default=SHARE,
        help=f"share of the functions' `concurrency` that it keeps busy; the rest stays free for uploads"
        f" (default: {SHARE:g})",
    )
    backfill.add_argument(
        "--max-waiting",
        type=not_negative,
        default=MAX_WAITING,
        help=f"hold back while more messages than this wait in the queue (default: {MAX_WAITING})",
    )
    backfill.add_argument(
        "--after", type=_position, metavar="POSITION", help="continue there, as an interrupted run printed it"
    )
    backfill.add_argument(
        "--release",
        action="store_true",
        help="decide: publish what the policy withheld and would not any more, as your decision",
    )
    backfill.add_argument(
        "--again", action="store_true", help="also what an earlier backfill could not change"
    )
    backfill.add_argument(
        "--all", action="store_true", help="render: also what has the sizes and formats of now"
    )
    backfill.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    today = Today.read(PROJECT, options.stack)
    concurrency = today.config.concurrency
    pace = Pace(
        rate=options.rate,
        image=concurrency.image * options.share,
        video=(concurrency.video or 1) * options.share,
    )
    sender = Sender(
        sqs=boto3.client("sqs", region_name=outputs.region),
        queue_url=outputs.images_queue_url,
        pace=pace,
        max_waiting=options.max_waiting,
    )
    progress = Progress(options, pace)
    try:
        if options.mode == Mode.MISSING:
            _send_missing(options, outputs, sender, progress)
        else:
            _send_rework(options, outputs, today, sender, progress)
    except (KeyboardInterrupt, ClientError, BotoCoreError) as error:
        return progress.interrupted(error)
    progress.end()
    return 0


class Progress:
    """What a run has done so far, and what it says about that."""

    def __init__(self, options: argparse.Namespace, pace: Pace) -> None:
        self._options = options
        self.pace = pace
        self.sent = 0
        self.last: tuple[str, str] | None = options.after
        self.document: dict[str, Any] = {"mode": options.mode, "dry_run": options.dry_run}

    def say(self, line: str) -> None:
        """Print a line for a person."""
        if not self._options.json:
            print(line, flush=True)

    def done(self, position: tuple[str, str]) -> None:
        """Note that everything up to a position is done."""
        self.last = position
        self.sent += 1

    def end(self) -> None:
        """Say how it ended."""
        if self._options.json:
            print(json.dumps({**self.document, "sent": self.sent}, indent=2))
        elif not self._options.dry_run:
            print(f"{self.sent:,} were sent; the stack's functions do the rest.")

    def interrupted(self, error: BaseException) -> int:
        """Say how to go on; return the exit code."""
        by_hand = isinstance(error, KeyboardInterrupt)
        why = "\nInterrupted" if by_hand else f"error: AWS refused or could not be reached: {error}\nEnded"
        print(f"{why} after {self.sent:,}.", file=sys.stderr)
        if self.last is not None:
            print(f"Continue with: {_continuation(self._options, self.last)}", file=sys.stderr)
        return INTERRUPTED if by_hand else FAILED


def _send_missing(
    options: argparse.Namespace, outputs: StackOutputs, sender: Sender, progress: Progress
) -> None:
    reconcile = of_stack(outputs, options.rate)
    after = Position(step=Step.UPLOADS, key=options.after[0]) if options.after else None
    found = 0
    for finding in reconcile.find(after=after, only=Step.UPLOADS):
        if not finding.subject.startswith(options.prefix):
            continue
        found += 1
        if options.dry_run:
            if found <= _SHOWN:
                progress.say(f"  {finding.subject!r}")
            continue
        message = missing_message(outputs.uploads_bucket, finding.subject, finding.version, finding.etag)
        sender.send(message, _UNSEEN)
        progress.done((finding.subject, finding.version))
    requests = Prices.read().cost({"rekognition_request": found})
    progress.document |= {"missing": found, "dollars_at_least": round(requests, 2)}
    hours = progress.pace.hours(found, {_UNSEEN.stage: found * _UNSEEN.seconds})
    progress.say(
        f"{found:,} uploads have no record. Rekognition alone takes {requests:,.2f} USD for as many pictures, and"
        f" {hours:,.2f} hours go by at this pace; `operations plan` says more."
    )


def _send_rework(
    options: argparse.Namespace, outputs: StackOutputs, today: Today, sender: Sender, progress: Progress
) -> None:
    dynamodb = boto3.client("dynamodb", region_name=outputs.region)
    s3 = boto3.client("s3", region_name=outputs.region)
    backfill = Backfill(
        outputs=outputs,
        today=today,
        retention=Retention.read(s3, outputs, time.time()),
        dynamodb=dynamodb,
        mode=Mode(options.mode),
        prefix=options.prefix,
        releases=options.release,
        again=options.again,
        everything=options.all,
    )
    counts = backfill.count(after=options.after)
    hours = progress.pace.hours(counts.total, counts.seconds)
    progress.document |= _document(counts, today, hours)
    for line in _lines(counts, options, hours):
        progress.say(line)
    if options.dry_run or not counts.total:
        return
    run = decision_id(time.time())
    desk = Desk.open(options.stack, outputs) if options.release else None
    items = ItemTable(dynamodb=dynamodb, table=outputs.records_table, clock=time.time)
    for candidate in backfill.find(after=options.after):
        if candidate.releases and desk is not None:
            sender.wait_for_turn(candidate.work)
            _release(candidate, desk, items, progress)
            sender.sent(candidate.work)
        else:
            key, _ = candidate.position
            message = candidate.message(outputs.uploads_bucket, run, today.policy.of(key).version)
            sender.send(message, candidate.work)
        progress.done(candidate.position)


def _release(candidate: Candidate, desk: Desk, items: ItemTable, progress: Progress) -> None:
    """Decide that a withheld version is published, with evidence, as a reviewer would.

    What a person decided while the command ran stays as it is.
    """
    record = items.get(*candidate.position)
    if record is None or not candidate.is_as_seen(record):
        progress.say(f"  left as it is, since it changed while this ran: {candidate.position[0]!r}")
        return
    try:
        asked = desk.decisions.ask(record, Action.APPROVE, desk.person, reason=RELEASE_REASON, override=True)
    except DecisionError as error:
        progress.say(f"  left as it is: {error}")
        return
    if asked.missing:
        progress.say(f"  waits for {asked.missing} more to approve it: {record.object_key!r}")


def _document(counts: Counts, today: Today, hours: float) -> dict[str, Any]:
    return {
        "policy_version": today.policy.version,
        "pipeline_version": today.pipeline_version,
        "records": counts.records,
        "as_they_would_be": counts.same,
        "to_send": dict(counts.to_send),
        "left": {skipped.name.lower(): count for skipped, count in counts.skipped.items()},
        "unknown": {unknown.name.lower(): count for unknown, count in counts.unknown.items()},
        "requests": counts.requests,
        "dollars": round(counts.dollars, 2),
        "hours": round(hours, 3),
    }


def _lines(counts: Counts, options: argparse.Namespace, hours: float) -> Iterator[str]:
    if expired := counts.skipped[Skipped.EXPIRED]:
        yield (
            f"{expired:>9,}  cannot be done: {Skipped.EXPIRED.value} (`retention.originals`, `retention.quarantine`)"
        )
    yield f"{counts.records:>9,}  records were looked at"
    yield f"{counts.same:>9,}  are as they would be"
    for skipped, count in counts.skipped.most_common():
        if skipped is not Skipped.EXPIRED:
            yield f"{count:>9,}  are left: {skipped.value}"
    for becomes, count in counts.to_send.most_common():
        yield f"{count:>9,}  {'would be' if options.dry_run else 'are to be'} {becomes}"
    for unknown, count in counts.unknown.most_common():
        yield f"{count:>13,}  {unknown.value}"
    if counts.total:
        prices = Prices.read()
        yield (
            f"{counts.dollars:,.2f} USD at the list prices of {prices.date} in {prices.region}, {counts.requests:,}"
            f" requests to Rekognition among it; {hours:,.2f} hours with {options.share:.0%} of the functions'"
            f" concurrency and at most {options.rate:g} a second."
        )


def _position(text: str) -> tuple[str, str]:
    """Parse what `_continuation` wrote: one JSON array, because a key may begin with a dash."""
    try:
        key, place = map(str, json.loads(text))
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError("not in the form that an interrupted run printed") from error
    return key, place


def _continuation(options: argparse.Namespace, last: tuple[str, str]) -> str:
    command = ["python", "-m", "operations", "backfill", "--stack", options.stack, "--mode", options.mode]
    if options.outputs:
        command += ["--outputs", str(options.outputs)]
    for name in ("dry_run", "release", "again", "all", "json"):
        if getattr(options, name):
            command.append(f"--{name.replace('_', '-')}")
    command += ["--rate", f"{options.rate:g}", "--share", f"{options.share:g}"]
    command += ["--max-waiting", str(options.max_waiting)]
    return shlex.join([*command, f"--prefix={options.prefix}", f"--after={json.dumps(last)}"])
