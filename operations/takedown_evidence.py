"""The file that `takedown --evidence` names: opened before anything is done, and never left with less than it had.

A takedown may take several runs of the command; one file can hold all of them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operations.errors import OperationsError

_BEFORE = ("status_before", "renditions", "removed_at")
"""What only the run knows of a version that took it down."""
_OF_ALL_RUNS = frozenset({"sha256", "versions", "hash_list", "earlier_runs"})
"""What a file has once; all the rest is about one run."""


class EvidenceFile:
    """A file, new or of an earlier run about the same contents."""

    def __init__(self, path: Path, *, stack: str, digests: frozenset[str]) -> None:
        """Raise OperationsError where the file cannot be written, or holds something else."""
        self._path = path
        try:
            text = path.read_text("utf-8") if path.is_file() else ""
            with path.open("a"):
                """It can be written."""
        except (OSError, UnicodeDecodeError) as error:
            raise OperationsError(
                f"the evidence file cannot be used, and nothing was done: {error}"
            ) from error
        self._earlier = _parsed(text)
        if self._earlier is None or not _is_about(self._earlier, stack, digests):
            raise OperationsError(
                f"{path} holds something else than the evidence of this takedown, and nothing was done: name another"
                " file"
            )

    def write(self, document: Mapping[str, Any]) -> None:
        """Write what this run did, with what earlier ones did. Raises OperationsError with what was not written."""
        whole = with_earlier(document, self._earlier) if self._earlier else document
        text = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
        try:
            self._path.write_text(text, "utf-8")
        except OSError as error:
            raise OperationsError(
                f"the evidence file could not be written: {error}. It is:\n{text}"
            ) from error


def with_earlier(document: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Return the evidence of a run together with that of earlier ones: each version and each hash once.

    What `earlier` says about its run goes to the end of `earlier_runs`.
    """
    versions = {(each["object_key"], each["version"]): each for each in earlier["versions"]}
    for each in document["versions"]:
        place = (each["object_key"], each["version"])
        before = versions.get(place, {})
        is_same = before.get("decision") == each["decision"]
        known = {name: before[name] for name in _BEFORE if before.get(name)} if is_same else {}
        versions[place] = {**each, **known}
    hashes = {each["id"]: each for each in (*earlier.get("hash_list", ()), *document["hash_list"])}
    last = {name: value for name, value in earlier.items() if name not in _OF_ALL_RUNS}
    return {
        **document,
        "sha256": sorted({*earlier["sha256"], *document["sha256"]}),
        "versions": list(versions.values()),
        "hash_list": list(hashes.values()),
        "earlier_runs": [*earlier.get("earlier_runs", ()), last],
    }


def _parsed(text: str) -> dict[str, Any] | None:
    """Return what a file holds, empty for an empty one; None where that is no evidence."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return None
    has_all = isinstance(found, dict) and {"stack", "sha256", "versions"} <= found.keys()
    return found if has_all else None


def _is_about(earlier: Mapping[str, Any], stack: str, digests: frozenset[str]) -> bool:
    return not earlier or (earlier["stack"] == stack and not digests.isdisjoint(earlier["sha256"]))
