"""Find the files to upload: every regular file below a folder, named by its path in it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class PhotosError(Exception):
    """The folder of photos cannot be used; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One file: `file` is its path relative to the folder in POSIX form, which becomes its object key."""

    file: str
    path: Path


def find(folder: Path, *, leaving_out: Path) -> list[Photo]:
    """Return every regular file below `folder`, hidden ones as well, sorted by path without regard to case.

    Links to files count as files; links to folders are not followed, since they can lead in circles. What lies
    in `leaving_out` (the demo's own output) is left out. Raises PhotosError where there is no such folder, it
    cannot be read, or it holds no file.
    """
    if not folder.exists():
        raise PhotosError(f"There is no folder {folder}: PHOTOS names the folder whose files are uploaded.")
    if not folder.is_dir():
        raise PhotosError(f"{folder} is a file: PHOTOS names a folder whose files are uploaded.")
    photos = sorted(
        _walk(folder, leaving_out.resolve()), key=lambda photo: (photo.file.casefold(), photo.file)
    )
    if not photos:
        raise PhotosError(
            f"There is no file in {folder}: put photos there, or leave PHOTOS out to use the samples."
        )
    return photos


def _walk(folder: Path, leaving_out: Path) -> Iterator[Photo]:
    def refuse(error: OSError) -> None:
        raise PhotosError(f"{error.filename} cannot be read: {error.strerror}.") from error

    for parent, folders, files in os.walk(folder, onerror=refuse):
        here = Path(parent)
        folders[:] = [name for name in folders if (here / name).resolve() != leaving_out]
        for name in files:
            path = here / name
            if path.is_file():  # neither a pipe, which would be read for ever, nor a link that leads nowhere
                yield Photo(file=path.relative_to(folder).as_posix(), path=path)
