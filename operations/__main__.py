"""`python -m operations COMMAND`: see `--help`."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import PipelineError
from operations.commands import (
    alike,
    backfill,
    budget,
    cost,
    forget,
    hashes,
    key_policy,
    pause,
    plan,
    reconcile,
    redrive,
    restore,
    review,
    show,
    status,
    tail,
    takedown,
    what_if,
)
from operations.commands.arguments import FAILED, Command
from operations.errors import OperationsError

COMMANDS: Mapping[str, Command] = {
    "plan": plan,
    "cost": cost,
    "budget": budget,
    "pause": pause.PAUSE,
    "resume": pause.RESUME,
    "redrive": redrive,
    "reconcile": reconcile,
    "backfill": backfill,
    "status": status,
    "review": review,
    "show": show,
    "tail": tail,
    "alike": alike,
    "what-if": what_if,
    "takedown": takedown,
    "restore": restore,
    "forget": forget,
    "hashes": hashes,
    "key-policy": key_policy,
}
"""By name, in the order in which `--help` lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options)
    except (OperationsError, PipelineError) as error:
        print(f"error: {error}", file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(f"error: AWS refused or could not be reached: {error}", file=sys.stderr)
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations", description="The operator's commands.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS.values():
        command.add(commands)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
