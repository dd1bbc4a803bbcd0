"""`python -m operations COMMAND`: see `--help`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.errors import OperationsError
from operations.redrive import Kind, Redrive, Stuck
from operations.stack import StackOutputs

INTERRUPTED = 130  # the shell's convention for a run that Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _redrive(options)
    except OperationsError as error:
        print(f"error: {error}", file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(f"error: AWS refused or could not be reached: {error}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description="The operator's commands.")
    commands = parser.add_subparsers(dest="command", required=True)
    redrive = commands.add_parser(
        "redrive",
        help="send stuck objects through the pipeline again",
        description="Sends failed objects, items whose lease is long over, and terminal ones that were never"
        " announced through the pipeline again, from their records.",
    )
    redrive.add_argument("--stack", required=True, help="name of the Pulumi stack, such as dev")
    redrive.add_argument(
        "--status",
        action="append",
        choices=[kind.value for kind in Kind],
        help="which of them; may be given several times (default: all)",
    )
    redrive.add_argument("--key", help="only the versions of this object key")
    redrive.add_argument("--dry-run", action="store_true", help="only say what would be sent")
    redrive.add_argument("--rate", type=_positive, default=10.0, help="objects a second (default: 10)")
    redrive.add_argument("--after", nargs=2, metavar=("KEY", "SEQUENCER"), help="go on behind this record")
    redrive.add_argument(
        "--outputs", type=Path, help="file of `pulumi stack output --json` (default: Pulumi is asked)"
    )
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError("between 0 and 1000 objects a second")
    return value


def _redrive(options: argparse.Namespace) -> int:
    outputs = StackOutputs.find(options.stack, options.outputs)
    redrive = Redrive(
        outputs=outputs, dynamodb=boto3.client("dynamodb"), sqs=boto3.client("sqs"), rate=options.rate
    )
    kinds = frozenset(Kind(value) for value in options.status or list(Kind))
    after = tuple(options.after) if options.after else None
    sent = 0
    last: Stuck | None = None
    try:
        for stuck in redrive.find(kinds, key=options.key, after=after):
            print(f"{stuck.kind.value:<12} attempt {stuck.attempt}  {stuck.sequencer}  {stuck.object_key!r}")
            if not options.dry_run:
                redrive.send(stuck)
            last = stuck
            sent += 1
    except KeyboardInterrupt:
        print(f"\nInterrupted after {sent}.", file=sys.stderr)
        if last is not None:
            print(f"Go on with: {_continuation(options, last)}", file=sys.stderr)
        return INTERRUPTED
    print(f"{sent} {'would be' if options.dry_run else 'were'} sent through again.")
    return 0


def _continuation(options: argparse.Namespace, last: Stuck) -> str:
    command = ["python", "-m", "operations", "redrive", "--stack", options.stack]
    for status in options.status or ():
        command += ["--status", status]
    if options.key:
        command += ["--key", options.key]
    if options.outputs:
        command += ["--outputs", str(options.outputs)]
    if options.dry_run:
        command.append("--dry-run")
    return shlex.join([*command, "--rate", f"{options.rate:g}", "--after", last.object_key, last.sequencer])


if __name__ == "__main__":
    raise SystemExit(main())
