"""`forget`: remove everything that a stack holds of an object."""

import argparse
from typing import TYPE_CHECKING

import boto3

from media_pipeline.reviews.places import Places
from operations.commands.arguments import FAILED, add_stack, add_wait
from operations.errors import OperationsError
from operations.forget import Forget, Remains
from operations.reviews.desk import Desk, places_of
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from operations.commands.arguments import Commands

WAIT_SECONDS = 300


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    forget = commands.add_parser(
        "forget",
        help="remove everything that a stack holds of an object",
        description="Delete all versions of a key, its renditions, what is in quarantine, Rekognition's answers, and"
        " the content of its records, for good; then say what remains elsewhere and until when. What a person"
        " escalated is held and not forgotten. Exit code 1 where something is left.",
    )
    forget.add_argument("key", help="the object key")
    add_stack(forget)
    forget.add_argument("--case", required=True, help="the number of the request; kept as evidence")
    forget.add_argument("--dry-run", action="store_true", help="only count what would be removed")
    add_wait(forget, WAIT_SECONDS)


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    places: Places = places_of(options.stack, outputs)
    forget = Forget(
        places=places,
        renditions=outputs.renditions,
        dynamodb=boto3.client("dynamodb", region_name=outputs.region),
        s3=boto3.client("s3", region_name=outputs.region),
        has_cdn="cdn_distribution" in outputs.named,
        trail=outputs.named.get("trail_bucket"),
    )
    key = options.key
    records, left = forget.history(key), forget.left(key)
    if not records and not any(left.values()):
        raise OperationsError(f"the stack holds nothing of {key!r}; is it written exactly as in S3?")
    for place, count in {"records": len(records), **left}.items():
        print(f"{count:>6}  {place}")
    if options.dry_run:
        print("Nothing was removed.")
        return 0
    evidence = forget.keep_evidence(key, person=Desk.open(options.stack, outputs).person, case=options.case)
    print(f"Evidence: {evidence} in the logs bucket")
    if not forget.delete_key(key, seconds=options.wait) or not forget.delete_versions(
        key, seconds=options.wait
    ):
        print("The functions are not done with it yet: run the command again in a moment.")
        return FAILED
    forget.empty_records(key)
    if any(forget.left(key).values()):
        print("Something was uploaded under the key meanwhile: run the command again.")
        return FAILED
    print(f"The stack holds nothing of {key!r} any more but what this table says:")
    _print(forget.remains())
    return 0


def _print(remains: list[Remains]) -> None:
    width = max(len(each.what) for each in remains)
    print(f"{'what remains':<{width}}  until")
    for each in remains:
        print(f"{each.what:<{width}}  {each.until}")
