"""`python -m components.packaging package | fetch`: the packages without the rest of the program."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pulumi

from components.packaging import bill, store, version
from components.packaging.bytecode import missing
from components.packaging.errors import storage_error
from components.packaging.layer import fetch
from components.packaging.stack import IMAGE_LOCK, VIDEO_LOCK, build_stack
from components.packaging.store import PROJECT
from components.packaging.target import ARCHITECTURES, GLIBC, Target
from components.stack_files import read_config


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are one message on stderr."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if options.command == "package":
            _package(options.stack, options.json)
        else:
            _fetch(options.target)
    except (
        pulumi.RunError
    ) as error:  # the base of ConfigError and PackagingError, whose messages are for people
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; no partial file was kept.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m components.packaging", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    package = commands.add_parser("package", help="build the zips for AWS that a preview of the stack would")
    package.add_argument("--stack", default="dev", help="the stack whose runtime and architecture count")
    package.add_argument("--json", type=Path, help="a file for name, path, bytes and sha256 of each zip")
    wheels = commands.add_parser(
        "fetch", help="fetch wheels into the cache, so that later no network is needed"
    )
    wheels.add_argument(
        "--for",
        dest="target",
        choices=("host", "aws"),
        default="host",
        help="this machine, or all AWS targets",
    )
    return parser


def _package(stack: str, report: Path | None) -> None:
    config = read_config(PROJECT, stack)
    target = Target(config.runtime, config.architecture)
    packages = build_stack(target, video=config.video.enabled)
    if not packages.has_bytecode:
        print(missing(target), file=sys.stderr)
    licence = (PROJECT / "LICENSE").read_text("utf-8")
    rows = []
    for package in packages:
        papers = bill.write(package, version.read(), licence)
        path = _relative(package.path)
        print(f"{package.name}  {path}  {package.bytes:,} bytes  sha256 {package.sha256}")
        print(
            f"    holds what {_relative(papers.bill)} says, under the licences in {_relative(papers.notice)}"
        )
        rows.append(
            {
                "name": package.name,
                "path": path,
                "bytes": package.bytes,
                "sha256": package.sha256,
                "bill_of_materials_sha256": store.sha256_of(papers.bill),
                "notice_sha256": store.sha256_of(papers.notice),
            }
        )
    if report:
        try:
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise storage_error(report, error) from None


def _fetch(target: str) -> None:
    is_host = target == "host"
    targets = [Target.host()] if is_host else [Target(run, arch) for run in GLIBC for arch in ARCHITECTURES]
    for each in targets:
        for lock in (
            IMAGE_LOCK,
            VIDEO_LOCK,
        ):  # also for parts that are not enabled yet: later there may be no network
            for wheel in fetch(lock, each):
                print(f"{each.label}  {wheel}")


def _relative(path: Path) -> str:
    return Path(os.path.relpath(path, PROJECT)).as_posix()


if __name__ == "__main__":
    sys.exit(main())
