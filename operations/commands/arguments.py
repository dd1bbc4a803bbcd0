"""Arguments that several commands take, and the exit codes that they return."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from media_pipeline.records.decisions import REASON_CHARACTERS

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

FAILED = 1
INTERRUPTED = 130  # the shell's convention for a run that Ctrl-C ended


class Command(Protocol):
    """What each module beside this one is."""

    def add(self, commands: "Commands") -> None:
        """Declare the command and its arguments."""
        ...

    def run(self, options: argparse.Namespace) -> int:
        """Run the command and return its exit code."""
        ...


def add_stack(command: argparse.ArgumentParser) -> None:
    """Add the arguments that say which stack a command is for."""
    command.add_argument("--stack", required=True, help="name of the Pulumi stack, such as dev")
    command.add_argument(
        "--outputs", type=Path, help="file of `pulumi stack output --json` (default: Pulumi is asked)"
    )


def add_wait(command: argparse.ArgumentParser, seconds: int) -> None:
    """Add the argument that says how long a command waits for the functions; `seconds` is its default."""
    command.add_argument(
        "--wait",
        type=whole,
        default=seconds,
        help=f"seconds to wait for the functions (default: {seconds})",
    )


def reason(text: str) -> str:
    """Parse why something is done, as a record keeps it: 1 to 200 characters."""
    if not 0 < len(text) <= REASON_CHARACTERS:
        raise argparse.ArgumentTypeError(f"it has 1 to {REASON_CHARACTERS} characters, not {len(text):,}")
    return text


def positive(text: str) -> float:
    """Parse a rate in objects per second, above 0 and at most 1000."""
    value = float(text)
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError("between 0 and 1000 objects per second")
    return value


def share(text: str) -> float:
    """Parse a share, above 0 and at most 1."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return value


def whole(text: str) -> int:
    """Parse a whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def not_negative(text: str) -> int:
    """Parse a whole number that may be 0."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return number
