"""`takedown`: remove an object and all identical copies from publication, with evidence."""

import argparse
import re
import shlex
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3

from media_pipeline.errors import Reason
from media_pipeline.moderation.hash_list import Kind
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.records.record import Record, iso_time
from operations.alike import ALIKE
from operations.alike import Alike as AlikeSearch
from operations.alike import Found as Alike
from operations.commands.alike import distance
from operations.commands.arguments import FAILED, add_stack, add_wait, reason
from operations.commands.hashes import looks_of, newest, source_of
from operations.errors import OperationsError
from operations.hashes import Hashes, Listed, Wanted
from operations.reviews.desk import Desk
from operations.stack import StackOutputs
from operations.takedown import (
    Found,
    Place,
    Takedown,
    TakenDown,
    Target,
    hours_since,
    joined,
    key_of_id,
    place_of,
    taken_down_before,
)
from operations.takedown_evidence import EvidenceFile

if TYPE_CHECKING:
    from operations.commands.arguments import Commands

WAIT_SECONDS = 120
DIGESTS_AT_ONCE = 100  # DynamoDB: IN takes at most 100 values
SECOND_LOOK_SECONDS = 120
"""After that, nothing is published by the list as it was before: it is read once a minute, and a picture is processed
within another one. A video may take as long as `timeout.video`."""
BY_BYTES, BY_LOOK = "bytes", "look"


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
    what.add_argument(
        "--like",
        metavar="KEY",
        help="an object key, as --key, and what looks like its newest published picture: list it, then choose",
    )
    takedown.add_argument(
        "--distance",
        type=distance,
        default=ALIKE,
        metavar="BITS",
        help=f"with --like: bits of 256 that may differ (default: {ALIKE})",
    )
    chosen = takedown.add_mutually_exclusive_group()
    chosen.add_argument(
        "--choose", nargs="+", metavar="KEY", help="with --like: those that are taken down too"
    )
    chosen.add_argument("--all", action="store_true", help="with --like: all that look like it are")
    takedown.add_argument(
        "--remember",
        nargs="?",
        const=BY_BYTES,
        choices=(BY_BYTES, BY_LOOK),
        help=f"put what is taken down on the hash list, by its bytes, or also by what the key shows ({BY_LOOK})",
    )
    takedown.add_argument(
        "--second-look",
        type=seconds,
        default=SECOND_LOOK_SECONDS,
        metavar="SECONDS",
        help="with --remember: how long after that to look once more, for what was being processed by the old list"
        f" (default: {SECOND_LOOK_SECONDS})",
    )
    takedown.add_argument(
        "--reason",
        type=reason,
        required=True,
        help="in a few words; kept in the record and the evidence",
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
    digests, alike = _digests(options, outputs, takedown)
    if len(digests) > DIGESTS_AT_ONCE:
        raise OperationsError(
            f"these are {len(digests)} different contents, and {DIGESTS_AT_ONCE} can be taken down at once: do it in"
            " parts, by --sha256"
        )
    for each in alike:
        print(
            f"{each.distance:>3} bits differ     {each.status:<10} {each.sha256[:8]:<8}  {each.object_key!r}"
        )
    if options.dry_run or (alike and not options.all and not options.choose):
        return _dry_run(options, takedown, digests)
    # Before anything is done: a file that cannot be written would be noticed at the end only.
    file = options.evidence and EvidenceFile(options.evidence, stack=options.stack, digests=digests)
    begun = time.time()
    remembered = _remember(options, outputs, digests) if options.remember else None
    done = _sweep(options, desk, takedown, digests)
    if remembered is not None:
        # Also where all of it was on the list before: the run that put it there may have been cut off.
        time.sleep(max(0.0, min(remembered.since + options.second_look - time.time(), options.second_look)))
        done = list(joined(done, _sweep(options, desk, takedown, digests)).values())
    left = takedown.find(digests)
    # What was too slow to be waited for may be done by now.
    late = [(each.record, each.decision) for each in done if not each.removed_at]
    done = list(joined(done, takedown.wait(late, seconds=0)).values())
    outcome = _Outcome(digests, done, left, remembered, begun)
    code = _report(options, outcome)
    if file:
        file.write(_evidence(options, desk.person, outcome))
    return code


def _digests(
    options: argparse.Namespace, outputs: StackOutputs, takedown: Takedown
) -> tuple[frozenset[str], list[Alike]]:
    """Return the SHA-256s to take down, and what looks like the key."""
    key = key_of_id(options.id) if options.id else options.key or options.like
    digests = takedown.digests(Target(key=key, sha256=options.sha256))
    if not options.like:
        if options.choose or options.all:
            raise OperationsError("--choose and --all are for what --like finds")
        return digests, []
    search = AlikeSearch(
        dynamodb=boto3.client("dynamodb", region_name=outputs.region), table=outputs.records_table
    )
    alike = [each for each in search.to_key(key, most=options.distance) if each.sha256 not in digests]
    keys = {each.object_key for each in alike}
    if strangers := sorted(set(options.choose or ()) - keys):
        raise OperationsError(f"{strangers[0]!r} is not among what looks like {key!r}")
    chosen = keys if options.all else set(options.choose or ())
    return digests | {each.sha256 for each in alike if each.object_key in chosen}, alike


def _dry_run(options: argparse.Namespace, takedown: Takedown, digests: frozenset[str]) -> int:
    found = takedown.find(digests)
    for record in found.to_withdraw:
        print(_line("would be taken down", record))
    for record in found.pending:
        print(_line("asked for already", record))
    _print_others(found.blocked, found)
    print(f"{_versions(len(found.to_withdraw))} would be taken down.")
    if options.dry_run:
        return 0
    print(
        "Nothing was. Say with --choose KEY ... which of those that look like it are taken down too, or --all."
    )
    return FAILED


def _remember(options: argparse.Namespace, outputs: StackOutputs, digests: frozenset[str]) -> Listed:
    """Put what is taken down on the hash list, before anything is removed: what it shows is still there."""
    key = key_of_id(options.id) if options.id else options.key or options.like
    source = source_of(key) if key is not None else None
    hashes = Hashes.open(options.stack, outputs)
    looks: list[tuple[str, ...]] = []
    if options.remember == BY_LOOK:
        if key is None:
            raise OperationsError(f"--remember {BY_LOOK} needs a key: --sha256 names no picture")
        try:
            looks = looks_of(newest(key, outputs), outputs)
        except OperationsError:
            # Run again, nothing of it is published any more; the first run put what it shows on the list.
            if not _is_look_listed(hashes, source):
                raise
    wanted = [
        Wanted(
            kind=Kind.SHA256,
            value=each,
            action=Verdict.BLOCK,
            reason=options.reason,
            source_key_sha256=source,
        )
        for each in sorted(digests)
    ]
    wanted += [
        Wanted(
            kind=Kind.PDQ,
            value=own,
            action=Verdict.BLOCK,
            reason=options.reason,
            variants=tuple(variants),
            source_key_sha256=source,
        )
        for own, *variants in looks
    ]
    return hashes.ensure(wanted, case=_case(options))


def _is_look_listed(hashes: Hashes, source: str | None) -> bool:
    return any(
        entry.kind is Kind.PDQ
        and entry.source_key_sha256 == source
        and entry.action is Verdict.BLOCK
        and entry.expires_at is None
        for entry in hashes.entries()
    )


def _sweep(
    options: argparse.Namespace, desk: Desk, takedown: Takedown, digests: frozenset[str]
) -> list[TakenDown]:
    return takedown.sweep(
        digests, person=desk.person, reason=options.reason, case=_case(options), seconds=options.wait
    )


class _Outcome(NamedTuple):
    digests: frozenset[str]
    done: list[TakenDown]
    left: Found
    remembered: Listed | None
    begun: float

    @property
    def remaining(self) -> set[Place]:
        """Which versions are not taken down."""
        late = {each.place for each in self.done if not each.removed_at}
        return late | {place_of(record) for record in self.left.remaining}

    @property
    def removed(self) -> list[TakenDown]:
        """What was taken down; not what was published again meanwhile."""
        return [each for each in self.done if each.place not in self.remaining]


def _report(options: argparse.Namespace, outcome: _Outcome) -> int:
    left, removed = outcome.left, outcome.removed
    places = {each.place for each in outcome.done}
    for each in outcome.done:
        print(_line("taken down" if each in removed else "NOT removed yet", each.record))
    for record in (*left.to_withdraw, *left.pending):
        if place_of(record) not in places:
            print(_line("NOT removed yet", record))
    _print_others([record for record in left.blocked if place_of(record) not in places], left)
    now = time.time()
    since = f", {hours_since(options.received, now):.1f} h after the notice" if options.received else ""
    print(f"{_versions(len(removed))} taken down in {now - outcome.begun:.1f} s{since}.")
    if outcome.remembered is not None:
        print(f"{len(outcome.remembered.added)} hashes were put on the hash list.")
    for line in sorted({_what_to_do(record, options.stack) for record in left.cut_off}):
        print(line)
    if outcome.remaining:
        print(f"{_versions(len(outcome.remaining))} not taken down yet: run the command again in a moment.")
        return FAILED
    return 0


def _what_to_do(record: Record, stack: str) -> str:
    """Say how files of what has FAILED are removed."""
    if record.attributes.get("reason") == Reason.ORIGINAL_GONE and not record.is_withdrawn:
        return (
            f"Files of {record.object_key!r} are left, whose original is gone: delete that key in the uploads bucket,"
            " and the functions remove them."
        )
    redrive = ["python", "-m", "operations", "redrive", "--stack", stack, "--status", "FAILED"]
    return (
        "Not taken down, because the functions gave up on it. When they work again:"
        f" {shlex.join([*redrive, f'--key={record.object_key}'])}"
    )


def _evidence(options: argparse.Namespace, person: str, outcome: _Outcome) -> dict[str, Any]:
    now = time.time()
    listed = outcome.remembered.present if outcome.remembered else []
    before = taken_down_before(outcome.left, {each.place: each for each in outcome.done})
    return {
        "stack": options.stack,
        "asked_for": {"key": options.key, "id": options.id, "sha256": options.sha256, "like": options.like},
        "sha256": sorted(outcome.digests),
        "reason": options.reason,
        "case": options.case,
        "received": options.received,
        "person": person,
        "on_behalf_of": options.person,
        "began_at": iso_time(outcome.begun),
        "ended_at": iso_time(now),
        "seconds": round(now - outcome.begun, 3),
        "hours_since_received": round(hours_since(options.received, now), 2) if options.received else None,
        "versions": [each.document() for each in (*outcome.done, *before)],
        "hash_list": [{"id": entry.id, **entry.to_document()} for entry in listed],
    }


def _case(options: argparse.Namespace) -> dict[str, str]:
    named = {"number": options.case, "received": options.received, "on_behalf_of": options.person}
    return {name: value for name, value in named.items() if value}


def _print_others(blocked: list[Record], found: Found) -> None:
    for what, records in (
        ("withheld already", blocked),
        ("still open", found.open),
        ("FAILED, NOT removed", found.cut_off),
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


def seconds(text: str) -> int:
    """Parse a number of seconds from 0 on."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("not a number of seconds")
    return number
