"""`python -m local.rehearse [--stack dev] [--command "pulumi up --yes"]`: a shell, or one command, in a rehearsal."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from embedded_aws.serving.process import ServingError
from local.rehearse.engine import NoEngineError
from local.rehearse.folder import RehearsalError
from local.rehearse.session import Rehearsal

DEFAULT_STACK = "dev"
FAILED, MISUSED, INTERRUPTED = 1, 2, 130

_OPENING = """\
Rehearsal of the stack {stack}: the real Pulumi engine against an AWS embedded in this machine.
  It is      this project's own program, packages, functions and permissions: what you deploy here works,
             and what you upload is processed.
  It is not  AWS: no account, no credentials, no network, no costs. Rekognition is a stand-in that only sees
             moderation cards (`make card`). Quotas, delays and the real provider's own checks are not rehearsed.
  Your files are safe: `pulumi config set` changes a copy, in {folder}.
  What the functions print is in {logs}, each e-mail in {outbox}.
"""
_SHELL = """\
  Plain commands work, for example:  pulumi preview   pulumi up   pulumi stack output   pulumi refresh
             pulumi config set --path moderation.block.Violence 80   pulumi destroy
  Leave with `exit`: all of it is removed then, whatever is still deployed.
"""


def main(arguments: list[str] | None = None) -> int:
    """Rehearse; returns the command's exit code, 1 where the rehearsal cannot begin, 2 for an unknown stack."""
    given = _options(arguments)
    signal.signal(signal.SIGTERM, _leave)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, _leave)
    try:
        with Rehearsal(given.stack or DEFAULT_STACK) as rehearsal:
            print(
                _OPENING.format(
                    stack=rehearsal.stack,
                    folder=rehearsal.folder,
                    logs=rehearsal.logs,
                    outbox=rehearsal.outbox,
                ),
                end="",
            )
            if rehearsal.copied.secrets:
                print(
                    "  Left out   secrets, which only your own stack can open: "
                    f"{', '.join(rehearsal.copied.secrets)}. Set them for the rehearsal, if it needs them."
                )
            print(f"  {'Runs       ' + given.command if given.command else _SHELL.strip()}\n", flush=True)
            code = _run(rehearsal, given.command)
        print("The rehearsal is over: its world, state and configuration are removed.", flush=True)
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return MISUSED
    except (NoEngineError, ServingError) as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted: the rehearsal is removed.", file=sys.stderr)
        return INTERRUPTED
    return code


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.rehearse", description=__doc__)
    parser.add_argument(
        "--stack", default="", help=f"dev, prod or one of your own (default: {DEFAULT_STACK})"
    )
    parser.add_argument("--command", default="", help="run this instead of a shell")
    return parser.parse_args(arguments)


def _run(rehearsal: Rehearsal, command: str) -> int:
    with _interrupts_are_the_commands():
        if command:
            done = subprocess.run(  # noqa: S602 - the operator's own line, for the operator's shell
                command, shell=True, cwd=rehearsal.folder, env=rehearsal.environment, check=False
            )
        else:
            environment = {**rehearsal.environment, "PS1": f"[rehearsal {rehearsal.stack}] $ "}
            done = subprocess.run(_shell(), cwd=rehearsal.folder, env=environment, check=False)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def _shell() -> list[str]:
    if os.name == "nt":
        return [os.environ.get("COMSPEC", "cmd.exe")]
    # Without start-up files: they may put back an AWS profile, or a Pulumi backend, that was taken away here.
    bash = shutil.which("bash")
    return [bash, "--noprofile", "--norc", "-i"] if bash else ["/bin/sh", "-i"]


@contextmanager
def _interrupts_are_the_commands() -> Iterator[None]:
    """Leave Ctrl-C to the command: it reaches both processes, and this one waits for the other."""
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
