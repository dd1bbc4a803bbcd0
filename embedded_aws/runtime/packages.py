"""Deployed zips as folders, unzipped once per content; and the SDK that Lambda's runtime brings along."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

DEFAULT_CACHE = Path(__file__).parents[2] / "build" / "functions"
# What python3.13 and python3.14 on Lambda bring along; layers leave them out, as a set.
SDK_MODULES = ("boto3", "botocore", "s3transfer", "urllib3", "dateutil", "six", "jmespath")
_UNUSED_DAYS = 7


def unzipped(archive: bytes, cache: Path = DEFAULT_CACHE) -> Path:
    """Return the folder that holds the zip's files, made at the first call for these bytes.

    The folder keeps the `.pyc` that the first run compiles. Safe with other processes: the folder appears
    complete or not at all. Raises zipfile.BadZipFile, and OSError where the cache cannot be written.
    """
    folder = cache / hashlib.sha256(archive).hexdigest()[:32]
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        _prune(cache)
        with tempfile.TemporaryDirectory(prefix=".unzip-", dir=cache) as scratch:
            fresh = Path(scratch) / "files"
            with zipfile.ZipFile(io.BytesIO(archive)) as opened:
                opened.extractall(fresh)
            try:
                fresh.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster
                    raise
    os.utime(folder)
    return folder


def _prune(cache: Path) -> None:
    """Remove what no run has used for days, so that rebuilt packages do not fill the disk."""
    oldest = time.time() - _UNUSED_DAYS * 86_400
    for entry in cache.iterdir():
        if entry.stat().st_mtime < oldest:
            shutil.rmtree(entry, ignore_errors=True)


def import_folders(code: Path, layers: Sequence[Path], python: str) -> list[str]:
    """Return what Lambda puts on `sys.path` before the standard library; `python` is like "3.13".

    Layers are merged into /opt there, the later over the earlier: here the later come first.
    """
    folders = [code]
    for layer in reversed(layers):
        folders += [layer / "python" / "lib" / f"python{python}" / "site-packages", layer / "python"]
    return [str(folder) for folder in folders if folder.is_dir()]


def sdk_folders() -> dict[str, str]:
    """Return the folder that each module of the runtime's SDK is imported from in this interpreter."""
    found: dict[str, str] = {}
    for name in SDK_MODULES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"the embedded AWS needs {name}; `make setup` installs it")
        origin = Path(spec.origin)
        found[name] = str(origin.parents[1] if spec.submodule_search_locations else origin.parent)
    return found
