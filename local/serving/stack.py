"""`python -m local.serving.stack`: a stack of this project, deployed into the embedded AWS and kept up until Ctrl-C."""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

from local.deploy import DeployError, deploy, stack_region
from local.serving.served import ServedWorld

PROJECT = Path(__file__).resolve().parents[2]
FAILED, INTERRUPTED = 1, 130
# Read by components/packaging: the functions run on this machine, not on AWS's.
PACKAGES_FOR_HERE = {"MEDIA_PIPELINE_PACKAGES_FOR": "host"}


def main(arguments: list[str] | None = None) -> int:
    """Serve; returns 0 after Ctrl-C or SIGTERM, 1 where the stack cannot be deployed."""
    parser = argparse.ArgumentParser(prog="make serve", description=__doc__)
    parser.add_argument("--stack", default="dev")
    parser.add_argument("--out", type=Path, default=Path("build/serve"))
    given = parser.parse_args(arguments)
    asked = Event()
    # Only a note: an exception thrown into whatever runs just then would leave that half done.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: asked.set())
    try:
        return serve(given.stack, given.out, asked)
    except DeployError as error:
        print(f"The stack {given.stack} was not deployed:\n{error}", file=sys.stderr)
        return FAILED


def serve(stack: str, out: Path, asked: Event) -> int:
    """Deploy the stack, write `out/env` and keep everything up until `asked` is set.

    Raises DeployError with the program's own message.
    """
    os.environ.update(PACKAGES_FOR_HERE)
    file = out / "env"
    out.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)  # whoever waits for it must not find an earlier one's
    print(f"Deploying stack {stack} ...", flush=True)
    with ServedWorld(stack_region(PROJECT, stack), logs=out / "logs") as served:
        try:
            if asked.is_set():
                return INTERRUPTED
            deployment = deploy(PROJECT, stack, served.world)
            credentials = served.world.environment(served.world.admin)
            _write(file, {**credentials, **_named(deployment.outputs)})
            print(_ready(file, stack), flush=True)
            asked.wait()
            removed = len(deployment.resources)
        finally:
            file.unlink(missing_ok=True)
    print(f"The embedded AWS with the stack's {removed} resources is removed.", flush=True)
    return 0


def _named(outputs: Mapping[str, Any]) -> dict[str, str]:
    """Stack outputs as environment variables: `uploads_bucket` as UPLOADS_BUCKET."""
    return {name.upper(): str(value) for name, value in outputs.items()}


def _write(file: Path, variables: Mapping[str, str]) -> None:
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))
    whole = file.with_suffix(".part")
    whole.write_text(lines, encoding="utf-8")
    whole.replace(file)  # at once: it is never seen half written


def _ready(file: Path, stack: str) -> str:
    return f"""\
Stack {stack} is up, in an AWS embedded in this machine. Its Rekognition is a stand-in that reads moderation cards.
In another terminal:
  . {shlex.quote(str(file))}
  aws s3 cp photo.jpg "s3://$UPLOADS_BUCKET/photo.jpg"
  aws s3 ls --recursive "s3://$RENDITIONS_BUCKET/"
Ctrl-C removes all of it."""


if __name__ == "__main__":
    sys.exit(main())
