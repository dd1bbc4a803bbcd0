"""The command line: its options, its messages when something goes wrong, its exit code."""

import argparse
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.demo.interrupts import EXIT_CODE, InterruptedRunError, Interrupts
from local.demo.output import Output, OutputError
from local.demo.photos import Photo, PhotosError, find

if TYPE_CHECKING:
    from local.demo.outcomes import Run

PROJECT = Path(__file__).resolve().parents[2]

OK, FAILED, MISUSED = 0, 1, 2
DEFAULT_STACK = "dev"
DEFAULT_OUT = "build/demo"

_STACK_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # as Pulumi allows them


class StackNameError(Exception):
    """The stack does not exist; the message names those that do."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command; `photos` is None for the samples that the project draws."""

    stack: str
    photos: Path | None
    out: Path


def main(arguments: list[str] | None = None, *, interrupts: Interrupts | None = None) -> int:
    """Run the demo. Exit code 0: every object reached a terminal record, none failed, nothing is left over.

    1: it did not come to that; 2: the arguments cannot be used; 130: interrupted.
    """
    options = _options(arguments)
    interrupts = interrupts or Interrupts()
    try:
        return _demo(options, interrupts)
    except (PhotosError, OutputError, StackNameError) as error:
        print(error, file=sys.stderr)
        return MISUSED
    except InterruptedRunError as error:
        out = _shown(options.out)
        removed = f"removed {error.removed}, and the unfinished results in {out}" if error.removed else None
        print(f"Interrupted: {removed or 'there was nothing to remove'}.", file=sys.stderr)
        return EXIT_CODE
    except BrokenPipeError:  # whoever read the output has gone, as in `make demo | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor can the interpreter flush it
        return FAILED


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m local.demo",
        description="Deploy a stack into the embedded AWS, send photos through it, write a report, destroy it.",
    )
    parser.add_argument(
        "--stack", default="", help=f"dev, prod or one of your own (default: {DEFAULT_STACK})"
    )
    parser.add_argument(
        "--photos", metavar="FOLDER", default="", help="its files are uploaded (default: samples)"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", default="", help=f"for the results (default: {DEFAULT_OUT})"
    )
    given = parser.parse_args(arguments)
    return Options(
        stack=given.stack or DEFAULT_STACK,
        photos=Path(given.photos).absolute() if given.photos else None,
        out=Path(given.out or PROJECT / DEFAULT_OUT).absolute(),
    )


def _demo(options: Options, interrupts: Interrupts) -> int:
    _check_stack(options.stack)
    output = Output(options.out)
    output.check(photos=options.photos)
    photos = None if options.photos is None else find(options.photos, leaving_out=options.out)

    # These take a second or two, and until here nothing is made that an interrupt would have to remove.
    from rich.console import Console

    from embedded_aws.deployment.deploy import DeployError
    from local.demo.progress import Warnings
    from local.demo.progress import reporter as make_reporter
    from local.demo.run import run
    from local.demo.samples import PLAN

    interrupts.begin()
    with interrupts.ending_with(output.discard):
        try:
            output.prepare()
            reporter = make_reporter(Console(highlight=False))
            logging.getLogger().addHandler(Warnings(reporter))
            try:
                with _drawn_unless(photos) as chosen:
                    result = run(
                        options.stack,
                        chosen,
                        output,
                        plan=PLAN if photos is None else None,
                        interrupts=interrupts,
                        reporter=reporter,
                    )
                interrupts.check()
            finally:
                reporter.close()
        except BaseException as error:
            output.discard()
            if isinstance(error, DeployError):
                print(f"The stack {options.stack} was not deployed:\n{error}", file=sys.stderr)
                return FAILED
            raise
    interrupts.finish()
    return _conclude(result, options)


def _check_stack(name: str) -> None:
    if _STACK_NAME.fullmatch(name) and (PROJECT / f"Pulumi.{name}.yaml").is_file():
        return
    known = sorted(
        path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in PROJECT.glob("Pulumi.*.yaml")
    )
    raise StackNameError(
        f"There is no stack {name!r}: it would need a file Pulumi.{name}.yaml beside Pulumi.yaml. "
        f"There are: {', '.join(known)}."
    )


@contextmanager
def _drawn_unless(photos: list[Photo] | None) -> Iterator[list[Photo]]:
    """Yield the photos that were found, else samples in a temporary folder."""
    if photos is not None:
        yield photos
        return
    from local.demo import samples

    with tempfile.TemporaryDirectory(prefix="demo-photos-") as name:
        folder = Path(name)
        samples.draw(folder)
        yield find(folder, leaving_out=folder / "nothing")


def _conclude(result: "Run", options: Options) -> int:
    from local.demo.progress import one_line
    from local.demo.report import costs

    seconds = result.seconds
    print(
        f"Deployed in {seconds.deploy:.1f} s, processed in {seconds.process:.1f} s, destroyed in "
        f"{seconds.destroy:.1f} s; {len(result.leftovers) or 'nothing'} left over."
    )
    if result.backups:
        print("What is left over is DynamoDB's backup of the records table, which it deletes after 35 days.")
    if waiting := sum(outcome.status == "REVIEW" for outcome in result.outcomes):
        print(
            f"{waiting} {'waits' if waiting == 1 else 'wait'} for a person: `make serve` keeps a stack up and says how"
            " to open the console in which to decide."
        )
    if sentence := costs(result):
        print(sentence)
    print(f"Moderation here is a stand-in. Look at {_shown(options.out / 'report.html')}")
    for trouble in result.troubles:
        print(f"PROBLEM: {one_line(trouble)}", file=sys.stderr)
    return FAILED if result.troubles else OK


def _shown(path: Path) -> str:
    """Return a path, relative to the working directory where it is below it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
