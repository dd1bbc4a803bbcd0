"""What the changelog says of a version."""

import re
from dataclasses import dataclass
from pathlib import Path

from scripts.release.errors import ReleaseError


@dataclass(frozen=True)
class Chapter:
    """A version's chapter: its date (`2026-11-21`, None while it is unreleased) and its text."""

    version: str
    date: str | None
    text: str


def chapters(path: Path) -> list[Chapter]:
    """Return every chapter, newest first. Raises ReleaseError for a heading that is not understood."""
    found = []
    for part in re.split(r"^## ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        match = re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d|unreleased)", heading.strip())
        if not match:
            raise ReleaseError(
                f"{path.name} has the heading {heading!r}. Write `## [1.2.3] - 2026-01-31`, or `- unreleased`."
            )
        date = None if match[2] == "unreleased" else match[2]
        found.append(Chapter(match[1], date, text.strip() + "\n"))
    return found


def chapter(path: Path, version: str) -> Chapter:
    """Return the chapter of one version. Raises ReleaseError."""
    for found in chapters(path):
        if found.version == version:
            return found
    raise ReleaseError(
        f"{path.name} has no chapter about {version}. Write what an operator must do, and what changed."
    )
