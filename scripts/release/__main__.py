"""`python -m scripts.release`: build the archives of a version, their papers and their checksums."""

import argparse
import hashlib
import logging
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import pulumi

from components import packaging
from components.packaging import Package, Target, bill, version
from components.packaging.store import PROJECT
from components.stack_files import read_config
from scripts.release import changelog, source
from scripts.release.errors import ReleaseError

STACKS: Final = ("dev", "prod")
SUMS: Final = "SHA256SUMS"
NOTES: Final = "RELEASE-NOTES.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and return the exit code; errors are one message on stderr."""
    parser = argparse.ArgumentParser(prog="python -m scripts.release", description=__doc__)
    parser.add_argument(
        "--tag", default="", help="the tag that is released, such as v1.2.3; without it, a trial"
    )
    parser.add_argument(
        "--out", type=Path, default=PROJECT / "build" / "release", help="a folder for the files"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        number = version.read()
        chapter = changelog.chapter(PROJECT / "CHANGELOG.md", number)
        if options.tag:
            check_tag(options.tag, chapter)
        source.check_clean(PROJECT)
        made = build(PROJECT, number, chapter, options.out / number)
    except pulumi.RunError as error:  # the base of ReleaseError and PackagingError
        print(error, file=sys.stderr)
        return 1
    for path in made:
        print(f"{path.stat().st_size:>12,}  {path.name}")
    print(f"in {options.out / number}{'' if options.tag else ': a trial, since no tag was given'}")
    return 0


def check_tag(tag: str, chapter: changelog.Chapter) -> None:
    """Raise ReleaseError unless tag, version and changelog speak of one released version."""
    if tag != f"v{chapter.version}":
        raise ReleaseError(
            f"The tag is {tag}, and {version.PLACE.name} says {chapter.version}. Tag it v{chapter.version}."
        )
    if chapter.date is None:
        raise ReleaseError(
            f"CHANGELOG.md calls {chapter.version} unreleased. Give it its date, and commit that."
        )


def build(root: Path, number: str, chapter: changelog.Chapter, out: Path) -> list[Path]:
    """Put the files of a release into an empty folder and return them, the checksums last. Raises ReleaseError."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    name = f"media-pipeline-{number}"
    source.write(out / f"{name}.zip", source.members(root, "HEAD", name))
    licence = (root / "LICENSE").read_text("utf-8")
    for package in packages():
        papers = bill.write(package, number, licence)
        for path in (package.path, papers.bill, papers.notice):
            shutil.copyfile(path, out / path.name)
    (out / NOTES).write_text(chapter.text, "utf-8", newline="\n")
    made = sorted(out.iterdir())
    (out / SUMS).write_text(checksums(made), "utf-8", newline="\n")
    return [*made, out / SUMS]


def packages() -> list[Package]:
    """Return the packages that the stacks as shipped are deployed from, each once. Raises ReleaseError."""
    found: dict[Path, Package] = {}
    for stack in STACKS:
        config = read_config(PROJECT, stack)
        target = Target(config.runtime, config.architecture)
        built = packaging.build_stack(target, video=True)
        if not built.has_bytecode:
            raise ReleaseError(f"{packaging.missing(target)}\nA release holds bytecode.")
        found |= {package.path: package for package in built}
    return list(found.values())


def checksums(paths: Iterable[Path]) -> str:
    """Return the lines that `sha256sum --check` reads."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths)


if __name__ == "__main__":
    sys.exit(main())
