"""The source of a commit as one zip, whose bytes depend on the commit alone.

`git archive` gives the files. They are stored without compression in a zip of the packages' own form: two versions of
zlib, or of git, make different bytes of the same files.
"""

import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from components.packaging import archive
from components.packaging.archive import Member
from scripts.release.errors import ReleaseError

_EXECUTABLE: Final = 0o100


def git(root: Path, *arguments: str) -> bytes:
    """Return what git prints. Raises ReleaseError."""
    # autocrlf would give archives other line ends on Windows.
    command = ["git", "-C", str(root), "-c", "core.autocrlf=false", *arguments]
    try:
        return subprocess.run(command, check=True, capture_output=True).stdout
    except FileNotFoundError:
        raise ReleaseError("git is not on PATH: a release is made from a commit. Install git.") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise ReleaseError(f"`git {' '.join(arguments)}` failed: {said}") from None


def check_clean(root: Path) -> None:
    """Raise ReleaseError if files differ from the commit: the packages are built from the files."""
    if changed := git(root, "status", "--porcelain").decode(errors="replace").splitlines():
        shown = ", ".join(line[3:] for line in changed[:3])
        raise ReleaseError(f"{len(changed)} files differ from the commit ({shown}). Commit or remove them.")


def members(root: Path, commit: str, prefix: str) -> list[Member]:
    """Return the files of a commit below a folder named `prefix`. Raises ReleaseError."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(git(root, "archive", "--format=tar", commit))) as tar:
        for entry in tar:
            if entry.isdir():
                continue
            file = tar.extractfile(entry) if entry.isreg() else None
            if file is None:
                raise ReleaseError(f"{entry.name} is a link: an archive of the source has files only.")
            stored = archive.stored(f"{prefix}/{entry.name}", file.read())
            is_executable = bool(entry.mode & _EXECUTABLE)
            found.append(
                Member(stored.path, stored.raw, stored.crc, stored.size, stored.method, is_executable)
            )
    return found


def write(path: Path, contents: Sequence[Member]) -> None:
    """Write the zip."""
    with path.open("wb") as file:
        archive.write(contents, file)
