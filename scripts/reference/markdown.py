"""Markdown documents that a program writes."""

import textwrap
from collections.abc import Iterable, Sequence

NOTICE = "<!-- Generated: change the code it comes from, then run `make reference`. -->"


def document(title: str, *parts: str) -> str:
    """Return a document: the notice, its title, and the parts; text is wrapped, tables are not."""
    wrapped = (part if part.startswith("|") else _wrapped(part) for part in parts)
    return "\n\n".join((NOTICE, f"# {title}", *wrapped)) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a cell's vertical bars are escaped, its line breaks become spaces."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines)


def code(value: object) -> str:
    """Return a value in backticks; an empty text for an empty value."""
    return f"`{value}`" if str(value) else ""


def _wrapped(text: str) -> str:
    return textwrap.fill(text, width=120, break_long_words=False, break_on_hyphens=False)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
