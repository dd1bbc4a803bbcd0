"""`hashes`: the list of what a stack does not publish again."""

import argparse
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from media_pipeline.moderation.hash_list import ACTIONS, Entry, HashList, Kind
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.records.items import ItemTable
from operations import hash_csv
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
        " a request to Rekognition. A change takes effect within a minute, and is written into the logs bucket before.",
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
        "--days", type=whole, help="after so many days it does not count any more (default: never)"
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
    source = None
    if options.key is not None:
        sha256 = _of_key(options.key, outputs)
        source = hashlib.sha256(options.key.encode(errors="surrogatepass")).hexdigest()
    else:
        sha256 = options.sha256 or _of_file(options.file)
    return [
        Wanted(
            kind=Kind.SHA256,
            value=sha256,
            action=Verdict(options.action),
            reason=options.reason,
            source_key_sha256=source,
            expires_at=hashes.expiry(options.days),
        )
    ]


def _of_key(key: str, outputs: StackOutputs) -> str:
    dynamodb = boto3.client("dynamodb", region_name=outputs.region)
    items = ItemTable(dynamodb=dynamodb, table=outputs.records_table, clock=time.time)
    for record in items.query(key, newest_first=True):
        if record.attributes.get("sha256"):
            return str(record.attributes["sha256"])
    raise OperationsError(
        f"there is no record of {key!r} with a SHA-256; is the key written exactly as in S3?"
    )


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
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
    known = HashList(hashes.entries())
    found = known.exact(_of_file(options.file), now=time.time())
    if found is None:
        print("No entry matches.")
        return 0
    print(f"the same bytes: {_line(found.entry)}")
    return FAILED


def _import(options: argparse.Namespace, hashes: Hashes) -> int:
    try:
        with options.file.open(encoding="utf-8", newline="") as file:
            wanted = list(
                hash_csv.read(
                    file, reason=options.reason, action=Verdict(options.action), kinds=(Kind.SHA256,)
                )
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
