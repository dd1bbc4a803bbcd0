"""`hashes`: the list of what a stack does not publish again."""

import argparse
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import boto3

from media_pipeline.moderation.hash_list import ACTIONS, Entry, HashList, Kind
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.records.items import ItemTable
from media_pipeline.records.record import Record
from operations import hash_csv
from operations.alike import ALIKE
from operations.commands.arguments import FAILED, add_stack, whole
from operations.errors import OperationsError
from operations.hashes import Hashes, Wanted
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from operations.commands.arguments import Commands


def add(commands: "Commands") -> None:
    """Declare the command, its parts and their arguments."""
    hashes = commands.add_parser(
        "hashes",
        help="the list of what is not published again: add, remove, list, test, import, export",
        description="The stack's hash list. What has the same bytes as an entry ends as BLOCKED, or in REVIEW, without"
        " a request to Rekognition. What looks like an entry made with --like is sent to review, or blocked where"
        " `lists.like` says so. A change takes effect within a minute, and is written into the logs bucket before.",
    )
    parts = hashes.add_subparsers(dest="part", required=True)
    _add_part(parts)
    removed = parts.add_parser("remove", help="take entries off the list")
    add_stack(removed)
    removed.add_argument("ids", nargs="+", metavar="ID", help="as `hashes list` shows it")
    removed.add_argument("--reason", required=True, help="in a few words; kept in the evidence")
    listed = parts.add_parser("list", help="show the entries, the oldest first")
    add_stack(listed)
    listed.add_argument("--json", action="store_true", help="print one JSON array")
    tested = parts.add_parser("test", help="say which entries a file matches; exit code 1 if any")
    add_stack(tested)
    tested.add_argument("file", type=Path)
    imported = parts.add_parser(
        "import",
        help="add hashes from a CSV file",
        description=f"The first line names the columns: {hash_csv.TYPE} and {hash_csv.VALUE}, and if there are any"
        f" {', '.join(hash_csv.COLUMNS[2:])}.",
    )
    add_stack(imported)
    imported.add_argument("file", type=Path)
    _add_why(imported)
    exported = parts.add_parser("export", help="write the list as a CSV file")
    add_stack(exported)
    exported.add_argument("file", type=Path)


def _add_part(parts: "Commands") -> None:
    added = parts.add_parser("add", help="put a hash on the list")
    add_stack(added)
    what = added.add_mutually_exclusive_group(required=True)
    what.add_argument("--key", help="an object key: what its newest version holds")
    what.add_argument("--file", type=Path, help="a file on this computer")
    what.add_argument("--sha256", type=_digest, help="SHA-256 of an original, in hexadecimal")
    what.add_argument("--pdq", type=_digest, help="PDQ hash of a picture, in hexadecimal")
    added.add_argument(
        "--like",
        action="store_true",
        help="with --key or --file: also by what it looks like, mirrored and evenly cropped (needs Pillow)",
    )
    _add_why(added)


def _add_why(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--reason", required=True, help="in a few words; kept in the entry, in records and as evidence"
    )
    command.add_argument(
        "--action",
        choices=[action.value for action in ACTIONS],
        default=Verdict.BLOCK.value,
        help="what becomes of uploads with it (default: block)",
    )
    command.add_argument(
        "--days",
        type=whole,
        help="after so many days, at midnight UTC, it does not count any more (default: never)",
    )
    command.add_argument("--case", help="the number of the notice or of the case; kept as evidence")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    hashes = Hashes.open(options.stack, outputs)
    if options.part == "add":
        return _report(hashes.add(_wanted(options, outputs, hashes), case=_case(options)))
    return PARTS[options.part](options, hashes)


def _wanted(options: argparse.Namespace, outputs: StackOutputs, hashes: Hashes) -> list[Wanted]:
    looks: list[tuple[str, ...]] = []
    if options.key is not None:
        record = newest(options.key, outputs)
        sha256 = str(record.attributes["sha256"])
        looks = looks_of(record, outputs) if options.like else []
    elif options.file is not None:
        data = _read(options.file)
        sha256 = hashlib.sha256(data).hexdigest()
        looks = [_pictures().of_file(data, str(options.file))] if options.like else []
    elif options.like:
        raise OperationsError("--like takes a picture: give it by --key or --file, or its hash by --pdq")
    else:
        sha256, looks = options.sha256, [(options.pdq,)] if options.pdq else []
    source = source_of(options.key) if options.key is not None else None

    def wanted(kind: Kind, value: str, variants: tuple[str, ...] = ()) -> Wanted:
        return Wanted(
            kind=kind,
            value=value,
            action=Verdict(options.action),
            reason=options.reason,
            variants=variants,
            source_key_sha256=source,
            expires_at=hashes.expiry(options.days),
        )

    exact = [wanted(Kind.SHA256, sha256)] if sha256 else []
    return [*exact, *(wanted(Kind.PDQ, own, tuple(variants)) for own, *variants in looks)]


def source_of(key: str) -> str:
    """Return the SHA-256 of an object key, by which entries and evidence name it."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def looks_of(record: Record, outputs: StackOutputs) -> list[tuple[str, ...]]:
    """Return the PDQ hashes of what a version shows, with their variants. Raises OperationsError without Pillow."""
    found: list[tuple[str, ...]] = _pictures().of_record(
        boto3.client("s3", region_name=outputs.region),
        record,
        renditions=outputs.renditions,
        quarantine=outputs.quarantine,
    )
    return found


def _pictures() -> ModuleType:
    """Return what hashes pictures. Raises OperationsError where Pillow is missing, which nothing else here needs."""
    try:
        from operations import hash_pictures
    except ImportError as error:
        raise OperationsError(f"pictures are hashed with Pillow: `pip install pillow` ({error})") from error
    return hash_pictures


def newest(key: str, outputs: StackOutputs) -> Record:
    """Return the newest record of a key with a SHA-256. Raises OperationsError where there is none."""
    dynamodb = boto3.client("dynamodb", region_name=outputs.region)
    items = ItemTable(dynamodb=dynamodb, table=outputs.records_table, clock=time.time)
    for record in items.query(key, newest_first=True):
        if record.attributes.get("sha256"):
            return record
    raise OperationsError(
        f"there is no record of {key!r} with a SHA-256; is the key written exactly as in S3?"
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OperationsError(f"the file cannot be read: {error}") from error


def _remove(options: argparse.Namespace, hashes: Hashes) -> int:
    code = 0
    for entry_id in options.ids:
        if hashes.remove(entry_id, reason=options.reason):
            print(f"{entry_id} is off the list. What it blocked stays as it is: a person can approve it.")
        else:
            print(f"{entry_id} is not on the list.")
            code = FAILED
    return code


def _list(options: argparse.Namespace, hashes: Hashes) -> int:
    entries = hashes.entries()
    if options.json:
        print(
            json.dumps(
                [{"id": entry.id, **entry.to_document()} for entry in entries], indent=2, ensure_ascii=False
            )
        )
        return 0
    for entry in entries:
        print(_line(entry))
    print(f"{len(entries)} entries.")
    return 0


def _test(options: argparse.Namespace, hashes: Hashes) -> int:
    known, data, now = HashList(hashes.entries()), _read(options.file), time.time()
    found = known.exact(hashlib.sha256(data).hexdigest(), now=now)
    if found is not None:
        print(f"the same bytes: {_line(found.entry)}")
    like = None
    if known.has_pictures:
        like = known.like(_pictures().as_upload(data, str(options.file)), most=ALIKE, now=now)
    if like is not None:
        print(f"it looks like it, {like.distance} of 256 bits differ: {_line(like.entry)}")
    if found is None and like is None:
        print("No entry matches.")
        return 0
    return FAILED


def _import(options: argparse.Namespace, hashes: Hashes) -> int:
    try:
        # Spreadsheets write a byte order mark.
        with options.file.open(encoding="utf-8-sig", newline="") as file:
            wanted = list(
                hash_csv.read(file, reason=options.reason, action=Verdict(options.action), kinds=tuple(Kind))
            )
    except (OSError, UnicodeDecodeError) as error:
        raise OperationsError(f"the file cannot be read: {error}") from error
    expires_at = hashes.expiry(options.days)
    if expires_at is not None:
        wanted = [Wanted(**{**vars(each), "expires_at": each.expires_at or expires_at}) for each in wanted]
    added = hashes.add(wanted, case=_case(options))
    print(f"{len(added)} of {len(wanted)} hashes were added; the others are on the list already.")
    return 0


def _export(options: argparse.Namespace, hashes: Hashes) -> int:
    try:
        with options.file.open("w", encoding="utf-8", newline="") as file:
            rows = hash_csv.write(hashes.entries(), file)
    except OSError as error:
        raise OperationsError(f"the file cannot be written: {error}") from error
    print(f"{rows} entries are in {options.file}.")
    return 0


PARTS: Mapping[str, Callable[[argparse.Namespace, Hashes], int]] = {
    "remove": _remove,
    "list": _list,
    "test": _test,
    "import": _import,
    "export": _export,
}


def _report(added: list[Entry]) -> int:
    for entry in added:
        print(_line(entry))
    print(f"{len(added)} added; in effect within a minute." if added else "It is on the list already.")
    return 0


def _line(entry: Entry) -> str:
    until = f" until {time.strftime('%Y-%m-%d', time.gmtime(entry.expires_at))}" if entry.expires_at else ""
    asks = f"{entry.kind.value:<6}  {entry.action.value:<6}"
    return f"{entry.id}  {asks}  {entry.value}  {entry.at}{until}  {entry.reason}"


def _case(options: argparse.Namespace) -> dict[str, str]:
    return {"number": options.case} if options.case else {}


def _digest(text: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError("not 64 hexadecimal digits")
    return text.lower()
