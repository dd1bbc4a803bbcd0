"""`python -m operations COMMAND`: see `--help`."""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3
import pulumi
from botocore.exceptions import BotoCoreError, ClientError

from components.stack_files import read_config
from operations.errors import OperationsError
from operations.plan import Limits, Plan
from operations.reconcile import Reconcile, places
from operations.redrive import Kind, Position, Redrive
from operations.stack import StackOutputs
from operations.status import Status

PROJECT = Path(__file__).parent.parent
FAILED = 1
INTERRUPTED = 130  # the shell's convention for a run that Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        commands = {"redrive": _redrive, "reconcile": _reconcile, "status": _status, "plan": _plan}
        return commands[options.command](options)
    except OperationsError as error:
        print(f"error: {error}", file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(f"error: AWS refused or could not be reached: {error}", file=sys.stderr)
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description="The operator's commands.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_plan(commands)
    redrive = commands.add_parser(
        "redrive",
        help="send stuck objects through the pipeline again",
        description="Send objects through the pipeline again, from their records: failed ones, those whose lease"
        " expired long ago, and terminal ones that were never announced.",
    )
    _add_stack(redrive)
    redrive.add_argument(
        "--status",
        action="append",
        choices=[kind.value for kind in Kind],
        help="which objects; may be given several times (default: all)",
    )
    redrive.add_argument("--key", help="only the versions of this object key")
    redrive.add_argument("--dry-run", action="store_true", help="only list what would be sent")
    redrive.add_argument("--rate", type=_positive, default=10.0, help="objects per second (default: 10)")
    redrive.add_argument(
        "--after",
        type=_position,
        metavar="POSITION",
        help="continue after this record, as an interrupted run printed it",
    )
    redrive.add_argument(
        "--gone", action="store_true", help="failed ones whose original is gone too (reason original_gone)"
    )
    reconcile = commands.add_parser(
        "reconcile",
        help="compare buckets and records, and repair what differs",
        description="Compare the buckets with the records table: uploads without a record are processed, renditions"
        " that no record lists are deleted, published versions whose renditions are missing are published again."
        " What is younger than an hour is left alone. The command can be interrupted and started again.",
    )
    _add_stack(reconcile)
    reconcile.add_argument("--dry-run", action="store_true", help="only list what would be repaired")
    reconcile.add_argument("--rate", type=_positive, default=10.0, help="repairs per second (default: 10)")
    status = commands.add_parser(
        "status",
        help="show what the stack is doing, and what of it needs a person",
        description="Show the depth of every queue, how many records need a person, the state of every function, and"
        " which e-mail subscriptions are not confirmed. Changes nothing.",
    )
    _add_stack(status)
    return parser


def _add_stack(command: argparse.ArgumentParser) -> None:
    """Add the arguments that say which stack a command is for."""
    command.add_argument("--stack", required=True, help="name of the Pulumi stack, such as dev")
    command.add_argument(
        "--outputs", type=Path, help="file of `pulumi stack output --json` (default: Pulumi is asked)"
    )


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError("between 0 and 1000 objects per second")
    return value


def _redrive(options: argparse.Namespace) -> int:
    outputs = StackOutputs.find(options.stack, options.outputs)
    redrive = Redrive(
        outputs=outputs,
        dynamodb=boto3.client("dynamodb", region_name=outputs.region),
        sqs=boto3.client("sqs", region_name=outputs.region),
        rate=options.rate,
    )
    kinds = frozenset(Kind(value) for value in options.status or list(Kind))
    last: Position | None = options.after
    sent = 0
    try:
        for stuck in redrive.find(kinds, key=options.key, after=last, gone=options.gone):
            print(f"{stuck.kind.value:<12} attempt {stuck.attempt}  {stuck.sequencer}  {stuck.object_key!r}")
            if not options.dry_run:
                redrive.send(stuck)
            last = stuck.position
            sent += 1
    except (KeyboardInterrupt, ClientError, BotoCoreError) as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        why = (
            "\nInterrupted" if interrupted else f"error: AWS refused or could not be reached: {error}\nEnded"
        )
        print(f"{why} after {sent}.", file=sys.stderr)
        if last is not None:
            print(f"Continue with: {_continuation(options, last)}", file=sys.stderr)
        return INTERRUPTED if interrupted else FAILED
    print(f"{sent} {'would be' if options.dry_run else 'were'} sent through again.")
    return 0


def _reconcile(options: argparse.Namespace) -> int:
    outputs = StackOutputs.find(options.stack, options.outputs)
    reconcile = Reconcile(
        places=places(outputs),
        s3=boto3.client("s3", region_name=outputs.region),
        dynamodb=boto3.client("dynamodb", region_name=outputs.region),
        sqs=boto3.client("sqs", region_name=outputs.region),
        rate=options.rate,
    )
    found = 0
    try:
        for finding in reconcile.find():
            print(f"{finding.difference.value:<12} {finding.version}  {finding.subject!r}")
            if not options.dry_run:
                reconcile.repair(finding)
            found += 1
    except KeyboardInterrupt:
        print(
            f"\nInterrupted after {found}. Start it again: what is repaired is not found again.",
            file=sys.stderr,
        )
        return INTERRUPTED
    print(f"{found} {'would be' if options.dry_run else 'were'} repaired.")
    return 0


def _status(options: argparse.Namespace) -> int:
    outputs = StackOutputs.find(options.stack, options.outputs)
    status = Status(
        outputs=outputs,
        awslambda=boto3.client("lambda", region_name=outputs.region),
        dynamodb=boto3.client("dynamodb", region_name=outputs.region),
        sns=boto3.client("sns", region_name=outputs.region),
        sqs=boto3.client("sqs", region_name=outputs.region),
    )
    problems = 0
    for line in status.lines():
        print(f"{'!' if line.problem else ' '} {line.subject:<32} {line.state}")
        if line.problem:
            print(f"    {line.problem}")
            problems += 1
    print(f"{problems or 'Nothing'} {'need' if problems > 1 else 'needs'} a person.")
    return 0


def _add_plan(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    plan = commands.add_parser(
        "plan",
        help="say how long an import takes, what it costs, and the right concurrency",
        description="Compute hours, dollars and the right `concurrency.image` of an import of pictures, from the"
        " stack's file and the account's own quotas. Needs no deployed stack; changes nothing.",
    )
    plan.add_argument("--stack", required=True, help="name of the Pulumi stack, such as dev")
    plan.add_argument("--objects", required=True, type=_whole, help="number of pictures")
    plan.add_argument(
        "--requests", type=_whole, default=1, help="requests to Rekognition for each (default: 1, a photo)"
    )
    plan.add_argument(
        "--seconds",
        type=_positive,
        help="billed seconds of each, as `make bench-path` prints (default: estimated)",
    )


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def _plan(options: argparse.Namespace) -> int:
    try:
        config = read_config(PROJECT, options.stack)
    except pulumi.RunError as error:  # the base of ConfigError, whose messages are for people
        raise OperationsError(str(error)) from error
    limits = Limits.read(
        boto3.client("lambda", region_name=config.region),
        boto3.client("service-quotas", region_name=config.region),
    )
    plan = Plan(
        config=config,
        limits=limits,
        objects=options.objects,
        requests=options.requests,
        seconds=options.seconds,
    )
    for line in plan.lines():
        print(line)
    return 0


def _position(text: str) -> Position:
    """Parse what `_continuation` wrote: one JSON array, because a key may begin with a dash."""
    try:
        object_key, sequencer, updated_at = map(str, json.loads(text))
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError("not in the form that an interrupted run printed") from error
    return Position(object_key=object_key, sequencer=sequencer, updated_at=updated_at)


def _continuation(options: argparse.Namespace, last: Position) -> str:
    command = ["python", "-m", "operations", "redrive", "--stack", options.stack]
    for status in options.status or ():
        command += ["--status", status]
    if options.key:
        command.append(f"--key={options.key}")
    if options.outputs:
        command += ["--outputs", str(options.outputs)]
    if options.gone:
        command.append("--gone")
    if options.dry_run:
        command.append("--dry-run")
    behind = json.dumps([last.object_key, last.sequencer, last.updated_at])
    return shlex.join([*command, "--rate", f"{options.rate:g}", f"--after={behind}"])


if __name__ == "__main__":
    raise SystemExit(main())
