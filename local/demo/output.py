"""The output folder: cleared of an earlier demo's results, never of anything else."""

import os
import shutil
from pathlib import Path

MARKER = ".media-pipeline-demo"
MARKER_TEXT = "The demo made this folder and replaces its results in it with every run.\n"

REPORTS = ("report.json", "report.html")
FOLDERS = ("renditions", "originals", "logs", "outbox", "evidence")


class OutputError(Exception):
    """The output folder cannot be used; the message says why and what to do."""


class Output:
    """A folder that belongs to the demo: it carries a marker, and only what the demo writes is ever removed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._was_there = root.is_dir()

    def check(self, *, photos: Path | None) -> None:
        """Raise OutputError where the folder cannot be the demo's; nothing is touched.

        That is where it is not a folder, holds what the demo would clear and did not write, or where the photos
        themselves would be cleared or mixed with the results.
        """
        if photos is not None and self._takes_in(photos.resolve()):
            raise OutputError(
                f"OUT={self.root} holds the photos ({photos}), and the demo clears it: choose another OUT."
            )
        if self.root.exists() and not self.root.is_dir():
            raise OutputError(f"OUT={self.root} is a file: choose a folder, or a name that is still free.")
        foreign = [name for name in (*REPORTS, *FOLDERS) if os.path.lexists(self.root / name)]
        if foreign and not (self.root / MARKER).is_file():
            raise OutputError(
                f"OUT={self.root} was not made by the demo, which would replace what is in it "
                f"({', '.join(foreign)}): choose another OUT, or empty it."
            )

    def _takes_in(self, photos: Path) -> bool:
        root = self.root.resolve()
        return photos == root or any(photos.is_relative_to(root / name) for name in FOLDERS)

    def prepare(self) -> None:
        """Make the folder, or clear it of an earlier demo's results. Raises OutputError where that cannot be."""
        try:
            self._clear()
            self.root.mkdir(parents=True, exist_ok=True)
            (self.root / MARKER).write_text(MARKER_TEXT, encoding="utf-8")
            for name in FOLDERS:
                (self.root / name).mkdir()
        except OSError as error:
            raise OutputError(
                f"OUT={self.root} cannot be written: {error.strerror} ({error.filename})."
            ) from error

    def discard(self) -> None:
        """Take back what `prepare` made and what was written since; an unfinished run leaves no results."""
        self._clear()
        (self.root / MARKER).unlink(missing_ok=True)
        if not self._was_there and self.root.is_dir() and not any(self.root.iterdir()):
            self.root.rmdir()

    def place(self, folder: str, name: str) -> Path:
        """Return where to write the file `folder/name` (POSIX); its parent is created.

        Raises OutputError where the name would lead out of that folder: names come from object keys.
        """
        base = (self.root / folder).resolve()
        path = (base / name).resolve()
        if path == base or not path.is_relative_to(base):
            raise OutputError(f"{name!r} does not lie in {folder}")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def relative(self, path: Path) -> str:
        """Return a path in the folder as the reports give it: relative, in POSIX form."""
        return path.relative_to(self.root.resolve()).as_posix()

    def _clear(self) -> None:
        for name in REPORTS:
            (self.root / name).unlink(missing_ok=True)
        for name in FOLDERS:
            path = self.root / name
            if path.is_symlink():
                path.unlink()
            elif path.is_dir():
                shutil.rmtree(path)
