"""`review`: the console for what waits for a person, and the same from a shell."""

import argparse
import contextlib
import json
import signal
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from media_pipeline.errors import DecidedError, DecisionError
from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Action
from media_pipeline.reviews.asking import may_look
from media_pipeline.reviews.documents import summary, whole
from media_pipeline.reviews.waiting import MOST, PAGE
from operations.commands.arguments import add_stack
from operations.commands.arguments import whole as whole_number
from operations.commands.review_people import PEOPLE, run_people
from operations.commands.review_people import declare as declare_people
from operations.commands.review_report import declare as declare_report
from operations.commands.review_report import run_report
from operations.errors import OperationsError
from operations.reviews.desk import Desk
from operations.reviews.rights import policy
from operations.reviews.server import Console
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from media_pipeline.records.record import Record
    from operations.commands.arguments import Commands

LINE = "{since:<24}  {labels:<40}  {object_key!r}{state}"
SECONDS_BETWEEN_LOOKS = 0.2


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    review = commands.add_parser(
        "review",
        help="decide what waits for a person: in the browser, or list, show, decide, report",
        description="Decide what the policy sent to review. Without list, show, decide or report it opens the console:"
        " a page on 127.0.0.1 that this command serves until Ctrl-C. A decision is recorded under your own AWS identity"
        " and carried out by the stack's functions.",
    )
    review.add_argument("--stack", help="name of the Pulumi stack, such as dev")
    review.add_argument(
        "--outputs", type=Path, help="file of `pulumi stack output --json` (default: Pulumi is asked)"
    )
    review.add_argument(
        "--port", type=int, default=0, help="of the console; 0, the default, is any that is free"
    )
    review.add_argument("--no-browser", action="store_true", help="only print the console's link")
    what = review.add_subparsers(
        dest="what", metavar="list|show|decide|escalate|release|policy|report|invite|remove|people"
    )
    rights = what.add_parser("policy", help="print the IAM policy of somebody who may review, and no more")
    add_stack(rights)
    listed = what.add_parser("list", help="list what waits, oldest first")
    add_stack(listed)
    listed.add_argument(
        "--state",
        type=str.upper,
        choices=list(map(str, Attention)),
        default=str(Attention.REVIEW),
        help="why it waits: review (the default), appeal, check, second (for a second look), or escalated",
    )
    listed.add_argument("--label", help="only what has this label, or one below it")
    listed.add_argument(
        "--limit", type=whole_number, default=PAGE, help=f"at most so many, up to {MOST} (default: {PAGE})"
    )
    listed.add_argument("--cursor", help="continue where an earlier list ended")
    shown = what.add_parser("show", help="show everything that is known of one object")
    decided = what.add_parser("decide", help="approve or reject one object")
    escalated = what.add_parser(
        "escalate", help="hold one object as evidence: it stays in quarantine, unseen"
    )
    released = what.add_parser("release", help="end the hold of one object: it waits again, and may expire")
    for command in (shown, decided, escalated, released):
        command.add_argument("key", help="the object key; its newest version that waits is meant")
        add_stack(command)
    decided.add_argument("action", choices=[Action.APPROVE.value, Action.REJECT.value])
    for command in (decided, escalated, released):
        command.add_argument("--reason", help="in a few words")
        command.add_argument("--note", help="for whoever looks at the decision later")
    decided.add_argument(
        "--override",
        action="store_true",
        help="approve although the policy blocked it, or replace a decision that is not carried out yet",
    )
    escalated.set_defaults(action=Action.ESCALATE.value, override=True)
    released.set_defaults(action=Action.RELEASE.value, override=False)
    declare_people(what)
    for command in (listed, shown, decided, escalated, released, declare_report(what)):
        command.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    if not options.stack:
        raise OperationsError("--stack is missing: the name of the Pulumi stack, such as dev")
    if options.what == "report":
        return run_report(options)
    if options.what == "policy":
        outputs = StackOutputs.find(options.stack, options.outputs)
        print(json.dumps(policy(options.stack, outputs), indent=2))
        return 0
    if options.what in PEOPLE:
        return run_people(options)
    desk = Desk.open(options.stack, StackOutputs.find(options.stack, options.outputs))
    if options.what is None:
        return _console(desk, options)
    try:
        return {"list": _list, "show": _show}.get(options.what, _decide)(desk, options)
    except DecidedError as error:
        who = f" {error.by} decided to {error.action} at {error.at}." if error.by else ""
        raise OperationsError(f"{error}.{who}") from error
    except DecisionError as error:
        raise OperationsError(str(error)) from error


def _console(desk: Desk, options: argparse.Namespace) -> int:
    ended = Event()
    try:
        console = Console(desk.api(), person=desk.person, port=options.port)
    except OSError as error:
        raise OperationsError(f"port {options.port} cannot be used: {error.strerror}") from error
    # Also where the shell that started it in the background had it ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with console, contextlib.suppress(KeyboardInterrupt):
        print(f"The console of {desk.stack}, for {desk.person}. The link works once:\n  {console.link}")
        print("Ctrl-C ends it.", flush=True)
        if not options.no_browser:
            webbrowser.open(console.link)
        # Not one long wait: a signal that another thread gets does not end it.
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            """It serves until the signal."""
    print()
    return 0


def _list(desk: Desk, options: argparse.Namespace) -> int:
    try:
        page = desk.waiting.page(
            Attention(options.state), limit=options.limit, label=options.label, cursor=options.cursor
        )
    except ValueError as error:
        raise OperationsError(f"--cursor: {error}") from error
    found = [
        summary(record, needed=desk.decisions.approvals_needed(record))
        for record in page.records
        if may_look(record, desk.person)
    ]
    if options.json:
        print(json.dumps({"items": found, "cursor": page.cursor}, indent=2, default=str))
        return 0
    for each in found:
        print(_line(each))
    more = f" More: --cursor {page.cursor}" if page.cursor else ""
    print(f"{len(found)} {'waits' if len(found) == 1 else 'wait'} for a person.{more}")
    return 0


def _show(desk: Desk, options: argparse.Namespace) -> int:
    record = desk.waiting.of_key(options.key)
    document = whole(
        record,
        desk.waiting.history(record.object_key),
        needed=desk.decisions.approvals_needed(record),
    )
    if options.json:
        print(json.dumps(document, indent=2, default=str))
        return 0
    print(_line(document))
    for name in ("status", "reason", "why", "content_type", "bytes", "duration", "version", "sha256"):
        if document[name] is not None:
            print(f"  {name:<14}{document[name]}")
    for label in document["labels"]:
        print(f"  {label['confidence']:>5.1f}  {_path(label)}")
    for decision in document["decisions"]:
        print(f"  {decision['at']}  {decision['action']} by {decision['person']}")
    for each in document["approvals"]:
        print(f"  {each['at']}  approved by {each['person']}; {document['needed']} different persons must")
    if document["replaced"]:
        print("  A newer version took its place: an approval publishes nothing.")
    return 0


def _decide(desk: Desk, options: argparse.Namespace) -> int:
    record: Record = desk.waiting.of_key(options.key, held=options.action == Action.RELEASE)
    asked = desk.decisions.ask(
        record,
        Action(options.action),
        desk.person,
        reason=options.reason,
        note=options.note,
        override=options.override,
    )
    if options.json:
        print(
            json.dumps(
                {"decision": asked.decision.to_document(), "sent": asked.sent, "missing": asked.missing},
                indent=2,
            )
        )
    else:
        print(f"{asked.decision.action.value} of {record.object_key!r} is recorded as {asked.decision.id}.")
        if asked.missing:
            print(f"{_persons(asked.missing)} more must approve it before it is published.")
    if not asked.sent:
        print("The functions were not notified: `python -m operations redrive` does it.")
    return 0


def _persons(count: int) -> str:
    return "1 person" if count == 1 else f"{count} persons"


def _line(document: Mapping[str, Any]) -> str:
    pending = document["decision"]
    state = f"  ({pending['action']} asked for by {pending['person']})" if pending else ""
    if hold := document["hold"]:
        state += f"  (held: escalated by {hold['person']})"
    if given := document["approvals"]:
        state += f"  (approved by {len(given)} of {document['needed']})"
    return LINE.format(
        since=document["since"] or "",
        labels=", ".join(f"{each['name']} {each['confidence']:.0f}" for each in document["labels"][:2]),
        object_key=document["object_key"],
        state=state,
    )


def _path(label: Mapping[str, Any]) -> str:
    return f"{label['parent']} > {label['name']}" if label["parent"] else str(label["name"])
