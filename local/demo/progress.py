"""The progress at the terminal while the demo runs; plain lines where there is no terminal."""

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from local.demo.outcomes import Outcome

COLOURS = {
    "PUBLISHED": "green",
    "BLOCKED": "red",
    "REVIEW": "yellow",
    "REJECTED": "magenta",
    "FAILED": "bold red",
}


class Reporter(Protocol):
    """Receives everything that happens; methods may be called on any thread."""

    def phase(self, title: str, total: int | None) -> None:
        """Begin a new phase of `total` steps; None where their number is not known."""

    def step(self, name: str) -> None:
        """Count one step of the phase: a resource was created or deleted."""

    def settled(self, outcome: Outcome) -> None:
        """Show that one object is done."""

    def show(self, text: str) -> None:
        """Show a line that stays."""

    def close(self) -> None:
        """Give the terminal back. A second call does nothing."""


def reporter(console: Console) -> "Reporter":
    """Return a live display for a terminal, plain lines for anything else."""
    return Live(console) if console.is_terminal and not console.is_dumb_terminal else Lines(console)


class Warnings(logging.Handler):
    """Shows the embedded AWS's warnings with the progress, rather than across it."""

    def __init__(self, reporter: "Reporter") -> None:
        super().__init__(logging.WARNING)
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        """Show one warning."""
        self._reporter.show(record.getMessage())


def one_line(text: str) -> str:
    """Show what terminals would obey or break, and not print, as `\\n`, `\\x1b`: names of files may hold anything."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def counted(outcomes: Iterable[Outcome]) -> str:
    """Return `8 published, 1 blocked`, the most frequent first."""
    count = Counter((outcome.status or "no record").lower() for outcome in outcomes)
    return ", ".join(f"{number} {status}" for status, number in count.most_common())


class Lines:
    """One line for each phase and each object."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def phase(self, title: str, total: int | None) -> None:
        """Show the phase that begins."""
        self.show(f"{title} ..." if total is None else f"{title} ({total}) ...")

    def step(self, name: str) -> None:
        """Show nothing: there are too many for a log."""

    def settled(self, outcome: Outcome) -> None:
        """Show one line with the outcome."""
        self.show(" ".join(_described(outcome)))

    def show(self, text: str) -> None:
        """Print the line as it is: object keys are not markup, and are not cut to a width."""
        self._console.print(Text(text), soft_wrap=True)

    def close(self) -> None:
        """Do nothing: there is no terminal to give back."""


class Live:
    """A bar for each phase, with the objects by status; each object's line scrolls by above it."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=console,
        )
        self._task: TaskID | None = None
        self._total: int | None = None
        self._done = 0
        self._summary = ""
        self._outcomes: list[Outcome] = []
        self._progress.start()

    def phase(self, title: str, total: int | None) -> None:
        """Finish the bar of the last phase and start another."""
        self._finish_task()
        self._total, self._done, self._summary = total, 0, ""
        self._task = self._progress.add_task(title, total=total, count="", note="")

    def step(self, name: str) -> None:
        """Move the bar on."""
        self._advance(note=name)

    def settled(self, outcome: Outcome) -> None:
        """Print the object's line above the bar, and count it by status beside the bar."""
        self._outcomes.append(outcome)
        status, rest = _described(outcome)
        line = Text(f"  {status} ", style=COLOURS.get(status.strip(), "bold"))
        self._progress.console.print(line.append(rest, style="default"), overflow="ellipsis", no_wrap=True)
        self._summary = counted(self._outcomes)
        self._advance(note=self._summary)

    def show(self, text: str) -> None:
        """Print above the bars."""
        self._progress.console.print(Text(text))

    def close(self) -> None:
        """Stop drawing and show the cursor again."""
        self._finish_task()
        self._progress.stop()

    def _advance(self, note: str) -> None:
        self._done += 1
        count = str(self._done) if self._total is None else f"{self._done}/{self._total}"
        if self._task is not None:
            self._progress.update(self._task, advance=1, count=count, note=note)

    def _finish_task(self) -> None:
        if self._task is not None:
            if self._total is None:  # now it is known
                self._progress.update(self._task, total=self._done, completed=self._done)
            self._progress.update(self._task, note=self._summary)
            self._progress.stop_task(self._task)
            self._task = None


def _described(outcome: Outcome) -> tuple[str, str]:
    """Return the status, padded, and the rest of the line."""
    status = f"{outcome.status or 'NO RECORD':9}"
    rest = one_line(outcome.upload.file)
    if outcome.renditions:
        rest += f"  {len(outcome.renditions)} renditions"
    if "total" in outcome.milliseconds:
        rest += f", {outcome.milliseconds['total']:.0f} ms"
    if outcome.detail:
        rest += f"  {one_line(outcome.detail)}"
    return status, rest
