"""The files that are compared: `../shared/photos`, `../shared/corpus` and `../shared/field`, beside the checkout."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

SHARED = Path(__file__).parents[3] / "shared"
_NOT_MEDIA = frozenset({".json", ".py", ".sh", ".tsv", ""})


def files(shared: Path = SHARED) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every file; the name begins with the folder or archive that it is from."""
    for folder in ("photos", "field"):
        for path in sorted((shared / folder).rglob("*")):
            if path.is_file() and path.suffix not in _NOT_MEDIA:
                yield f"{folder}/{path.relative_to(shared / folder)}", path.read_bytes()
    for archive in sorted((shared / "corpus").glob("*.tar")):
        with tarfile.open(archive) as opened:
            for member in opened:
                content = opened.extractfile(member) if member.isfile() else None
                if content is not None:
                    yield f"{archive.stem}/{member.name}", content.read()
