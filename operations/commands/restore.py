"""`restore`: undo a takedown that was a mistake."""

import argparse
from typing import TYPE_CHECKING

import boto3

from media_pipeline.errors import DecidedError
from media_pipeline.records.decisions import Action
from media_pipeline.reviews.asking import DECIDABLE
from operations.commands.arguments import add_stack, reason
from operations.errors import OperationsError
from operations.reviews.desk import Desk
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from operations.commands.arguments import Commands


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    restore = commands.add_parser(
        "restore",
        help="undo a takedown that was a mistake",
        description="Have the newest version of a key that was taken down published again, from quarantine. What the"
        " policy withholds goes back to where it was, such as to review. The decision is written into the logs bucket"
        " before it takes effect.",
    )
    restore.add_argument("key", help="the object key")
    add_stack(restore)
    restore.add_argument(
        "--reason",
        type=reason,
        required=True,
        help="in a few words; kept in the record and the evidence",
    )
    restore.add_argument("--case", help="the number of the case")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    desk = Desk.open(options.stack, outputs)
    taken_down = (
        record
        for record in desk.waiting.versions(options.key)
        if record.status in DECIDABLE[Action.RESTORE] and record.was_taken_down
    )
    record = next(taken_down, None)
    if record is None:
        raise OperationsError(f"no version of {options.key!r} was taken down")
    if record.attributes.get("original") != "quarantine":
        raise OperationsError(f"quarantine has no original of {options.key!r}: have it uploaded again")
    quarantine = outputs.quarantine
    copy = f"{record.object_key}/{record.version}"
    s3 = boto3.client("s3", region_name=outputs.region)
    listed = s3.list_objects_v2(Bucket=quarantine, Prefix=copy, MaxKeys=1).get("Contents", ())
    if not any(entry["Key"] == copy for entry in listed):
        raise OperationsError(
            f"the original of {options.key!r} in quarantine has expired: have it uploaded again"
        )
    case = {"number": options.case} if options.case else {}
    try:
        asked = desk.decisions.ask(record, Action.RESTORE, desk.person, reason=options.reason, case=case)
    except DecidedError as error:
        raise OperationsError(str(error)) from error
    print(f"restore of {record.object_key!r} is recorded as {asked.decision.id}.")
    if not asked.sent:
        print("The functions were not notified: `python -m operations redrive` does it.")
    return 0
