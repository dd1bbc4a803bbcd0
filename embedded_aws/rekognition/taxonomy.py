"""The labels that Rekognition's moderation model 7 knows, with their parents.

The list is AWS's, of the moderation model's documentation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("taxonomy.json")


@dataclass(frozen=True)
class Term:
    """One label of the taxonomy; `parent` is "" at level 1."""

    name: str
    parent: str
    level: int


@cache
def terms() -> tuple[Term, ...]:
    """Return every label in the order of the file, ancestors before their descendants."""
    document: dict[str, dict[str, list[str]]] = json.loads(_FILE.read_text(encoding="utf-8"))["labels"]
    found: list[Term] = []
    for top, seconds in document.items():
        found.append(Term(top, "", 1))
        for second, thirds in seconds.items():
            found.append(Term(second, top, 2))
            found.extend(Term(third, second, 3) for third in thirds)
    return tuple(found)


@cache
def _by_name() -> dict[str, Term]:
    return {term.name.casefold(): term for term in terms()}


def find(name: str) -> Term | None:
    """Return the label of that name, compared without case, or None where the taxonomy lacks it."""
    return _by_name().get(name.casefold())


def ancestors(name: str) -> tuple[Term, ...]:
    """Return the labels above `name`, the nearest first; none for a level-1 or unknown label."""
    above: list[Term] = []
    term = find(name)
    while term and term.parent:
        term = find(term.parent)
        if term:
            above.append(term)
    return tuple(above)
