"""`takedown`: remove an object and all identical copies from publication, with evidence."""

import argparse
import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from media_pipeline.records.record import Record, iso_time
from operations.commands.arguments import FAILED, add_stack, add_wait
from operations.errors import OperationsError
from operations.reviews.desk import Desk
from operations.stack import StackOutputs
from operations.takedown import SWEEPS, Found, Takedown, TakenDown, Target, hours_since, key_of_id

if TYPE_CHECKING:
    from media_pipeline.records.decisions import Decision
    from operations.commands.arguments import Commands

WAIT_SECONDS = 120
DIGESTS_AT_ONCE = 100  # DynamoDB: IN takes at most 100 values


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    takedown = commands.add_parser(
        "takedown",
        help="remove an object and all identical copies from publication, with evidence",
        description="Take down what has the same bytes as an object, under whatever key: the stack's functions remove"
        " its renditions and move its original to quarantine. What was asked, by whom and when is written into the"
        " logs bucket before it takes effect. Exit code 1 where something is left.",
    )
    add_stack(takedown)
    what = takedown.add_mutually_exclusive_group(required=True)
    what.add_argument("--key", help="an object key: what all its versions hold is taken down")
    what.add_argument("--id", type=_image_id, help="the `image_id` of an upload through the API")
    what.add_argument("--sha256", type=_digest, help="the SHA-256 of an original, in hexadecimal")
    takedown.add_argument(
        "--reason", required=True, help="in a few words; kept in the record and the evidence"
    )
    takedown.add_argument("--case", help="the number of the notice or of the case")
    takedown.add_argument(
        "--received", type=_time, help="when the notice came, such as 2026-11-28T09:00:00+01:00"
    )
    takedown.add_argument("--person", help="on whose behalf; your own AWS identity is recorded in any case")
    takedown.add_argument("--evidence", type=Path, metavar="FILE", help="write what was done as JSON")
    takedown.add_argument("--dry-run", action="store_true", help="only list what would be taken down")
    add_wait(takedown, WAIT_SECONDS)


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    desk = Desk.open(options.stack, outputs)
    takedown = Takedown(
        dynamodb=boto3.client("dynamodb", region_name=outputs.region),
        s3=boto3.client("s3", region_name=outputs.region),
        table=outputs.records_table,
        renditions=outputs.renditions,
        decisions=desk.decisions,
    )
    key = key_of_id(options.id) if options.id else options.key
    digests = takedown.digests(Target(key=key, sha256=options.sha256))
    if len(digests) > DIGESTS_AT_ONCE:
        raise OperationsError(f"{key!r} had {len(digests)} different contents; take them down by --sha256")
    if options.dry_run:
        found = takedown.find(digests)
        for record in found.to_withdraw:
            print(_line("would be taken down", record))
        _print_others(found.blocked, found)
        print(f"{_versions(len(found.to_withdraw))} would be taken down.")
        return 0
    begun = time.time()
    case = _case(options)
    done: list[TakenDown] = []
    for _ in range(SWEEPS):
        found = takedown.find(digests)
        if not found.to_withdraw:
            break
        asked: list[tuple[Record, Decision]] = []
        for record in found.to_withdraw:
            decision = takedown.withdraw(record, person=desk.person, reason=options.reason, case=case)
            if decision is not None:
                asked.append((record, decision))
        done += takedown.wait(asked, seconds=options.wait)
    left = takedown.find(digests)
    for each in done:
        print(_line("taken down" if each.removed_at else "NOT removed yet", each.record))
    _print_others([record for record in left.blocked if not _was_done(record, done)], left)
    document = _evidence(options, desk.person, digests, done, begun)
    if options.evidence:
        options.evidence.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    removed = sum(each.removed_at is not None for each in done)
    since = f", {document['hours_since_received']:.1f} h after the notice" if options.received else ""
    print(f"{_versions(removed)} taken down in {document['seconds']:.1f} s{since}.")
    remaining = len(done) - removed + len(left.to_withdraw) + len(left.open)
    if remaining:
        print(f"{_versions(remaining)} not taken down yet: run the command again in a moment.")
        return FAILED
    return 0


def _evidence(
    options: argparse.Namespace, person: str, digests: frozenset[str], done: list[TakenDown], begun: float
) -> dict[str, Any]:
    now = time.time()
    return {
        "stack": options.stack,
        "asked_for": {"key": options.key, "id": options.id, "sha256": options.sha256},
        "sha256": sorted(digests),
        "reason": options.reason,
        "case": options.case,
        "received": options.received,
        "person": person,
        "on_behalf_of": options.person,
        "began_at": iso_time(begun),
        "ended_at": iso_time(now),
        "seconds": round(now - begun, 3),
        "hours_since_received": round(hours_since(options.received, now), 2) if options.received else None,
        "versions": [each.document() for each in done],
    }


def _case(options: argparse.Namespace) -> dict[str, str]:
    named = {"number": options.case, "received": options.received, "on_behalf_of": options.person}
    return {name: value for name, value in named.items() if value}


def _was_done(record: Record, done: list[TakenDown]) -> bool:
    return any(
        (each.record.object_key, each.record.sequencer) == (record.object_key, record.sequencer)
        for each in done
    )


def _print_others(blocked: list[Record], found: Found) -> None:
    for what, records in (
        ("withheld already", blocked),
        ("still open", found.open),
        ("failed, unpublished", found.failed),
    ):
        for record in records:
            print(_line(what, record))


def _line(what: str, record: Record) -> str:
    digest = str(record.attributes.get("sha256") or "")[:8]
    return f"{what:<20} {record.status.value:<10} {digest:<8}  {record.version}  {record.object_key!r}"


def _versions(count: int) -> str:
    return f"{count} version{'' if count == 1 else 's'}"


def _digest(text: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError("not 64 hexadecimal digits")
    return text.lower()


def _image_id(text: str) -> str:
    if not re.fullmatch("[a-z2-7]{32}", text):
        raise argparse.ArgumentTypeError("not an image_id, which has 32 characters of a-z and 2-7")
    return text


def _time(text: str) -> str:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("not a time in ISO 8601") from error
    if parsed.tzinfo is None:
        raise argparse.ArgumentTypeError("a time with its offset from UTC, such as 2026-11-28T09:00:00+01:00")
    return text
