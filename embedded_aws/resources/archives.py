"""Pulumi's archives as the bytes that a provider would upload."""

import io
import zipfile
from pathlib import Path
from typing import Any

from pulumi import AssetArchive, FileArchive

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say; equal contents give equal bytes


class ArchiveError(ValueError):
    """An archive that cannot be read."""


class HashedArchive(FileArchive):
    """A zip or folder with the engine's hash of its contents, which outlives the file; equal where those are."""

    def __init__(self, path: str, contents_hash: str) -> None:
        super().__init__(path)
        self.contents_hash = contents_hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HashedArchive) and self.contents_hash == other.contents_hash

    def __hash__(self) -> int:
        return hash(self.contents_hash)

    def __repr__(self) -> str:
        return f"archive {Path(self.path).name} ({self.contents_hash[:7]})"


def archive_identity(archive: Any) -> bytes | str:
    """Return what is equal for equal contents: the engine's hash where there is one, else the bytes themselves."""
    return archive.contents_hash if isinstance(archive, HashedArchive) else archive_bytes(archive)


def archive_bytes(archive: Any) -> bytes:
    """Return a zip file's own bytes, or a zip of a folder or of an archive of assets.

    Relative paths are the program's working directory's. Raises ArchiveError naming a missing path.
    """
    if isinstance(archive, FileArchive):
        path = Path(archive.path)
        if path.is_file():
            return path.read_bytes()
        if path.is_dir():
            return _zip({str(file.relative_to(path).as_posix()): file.read_bytes() for file in _files(path)})
        raise ArchiveError(f"the archive {path} does not exist")
    if isinstance(archive, AssetArchive):
        return _zip(_members(archive))
    raise ArchiveError(f"archives of the kind {type(archive).__name__} are not supported")


def _members(archive: Any) -> dict[str, bytes]:
    from pulumi import FileArchive, FileAsset, StringAsset

    members: dict[str, bytes] = {}
    for name, asset in archive.assets.items():
        if isinstance(asset, StringAsset):
            members[name] = asset.text.encode()
        elif isinstance(asset, FileAsset):
            path = Path(asset.path)
            if not path.is_file():
                raise ArchiveError(f"the file {path} does not exist")
            members[name] = path.read_bytes()
        elif isinstance(asset, FileArchive) and Path(asset.path).is_dir():
            folder = Path(asset.path)
            members |= {
                f"{name}/{file.relative_to(folder).as_posix()}": file.read_bytes() for file in _files(folder)
            }
        else:
            raise ArchiveError(f"{name}: assets of the kind {type(asset).__name__} are not supported")
    return members


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(members):
            target.writestr(zipfile.ZipInfo(name, _EPOCH), members[name])
    return buffer.getvalue()
