"""`make second-opinion`: list in what libvips and FFmpeg disagree with the pipeline, each with its reason.

Exit code 1 where a disagreement is of no kind that `reasons` explains, 2 where a program is missing.
"""

import argparse
import importlib
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.second_opinion import material, reasons, workers
from benchmarks.second_opinion.reasons import Disagreement
from benchmarks.second_opinion.workers import PEERS, Shown

_REPORT_SECONDS = 20.0
_UNEXPLAINED = "UNEXPLAINED"
_OUT = Path("build/second-opinion.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare everything; return the exit code."""
    parser = argparse.ArgumentParser(prog="make second-opinion", description=__doc__)
    parser.add_argument("--share", type=int, default=1, help="every Nth file")
    parser.add_argument("--only", default="", help="only files whose name contains this")
    parser.add_argument("--out", type=Path, default=_OUT, help="for the list of all disagreements")
    given = parser.parse_args(arguments)
    if missing := _missing():
        print(missing, file=sys.stderr)
        return 2
    if not material.SHARED.is_dir():
        print("../shared is absent: nothing to do")
        return 0
    wanted = (
        file
        for number, file in enumerate(material.files())
        if number % given.share == 0 and given.only in file[0]
    )
    began = time.monotonic()
    all_shown = _collected(workers.show_all(wanted, PEERS, os.cpu_count() or 1))
    report = _report(all_shown)
    report["seconds"] = round(time.monotonic() - began)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    _print(report)
    print(f"All disagreements, file by file, are in {given.out}.")
    return 1 if report["kinds"].get(_UNEXPLAINED) else 0


def _missing() -> str:
    """Return a sentence about the program that is missing, if one is."""
    try:
        importlib.import_module("pyvips")
    except (ImportError, OSError):
        return (
            "pyvips cannot be imported: `make second-opinion` installs it with benchmarks/requirements.txt."
        )
    if shutil.which("ffmpeg") is None:
        return "There is no `ffmpeg` on PATH: install it (on Debian: apt-get install ffmpeg), and run this again."
    return ""


def _collected(results: Iterable[Shown]) -> list[Shown]:
    """Wait for all results, and print now and then how many there are."""
    began = printed = time.monotonic()
    collected = []
    for shown in results:
        collected.append(shown)
        if time.monotonic() - printed > _REPORT_SECONDS:
            printed = time.monotonic()
            print(f"{printed - began:5.0f} s: {len(collected):,} files", flush=True)
    return sorted(collected, key=lambda shown: shown.name)


def _report(all_shown: list[Shown]) -> dict[str, Any]:
    found = [one for shown in all_shown for one in reasons.disagreements(shown)]
    listed = [_listed(one) for one in found]
    published = [shown for shown in all_shown if shown.ours.view]
    return {
        "files": len(all_shown),
        "published": len(published),
        "compared": {peer: sum(peer in shown.views for shown in published) for peer in PEERS},
        "agree": {
            peer: sum(
                peer in shown.views and not any(one.shown is shown and one.peer == peer for one in found)
                for shown in published
            )
            for peer in PEERS
        },
        "kinds": dict(Counter(entry["kind"] for entry in listed).most_common()),
        "reasons": {kind.name: kind.reason for kind in reasons.KINDS},
        "disagreements": listed,
    }


def _listed(one: Disagreement) -> dict[str, str]:
    kind = reasons.explained(one)
    return {
        "file": one.shown.name,
        "peer": one.peer,
        "what": one.what,
        "words": one.words,
        "detail": one.detail,
        "kind": kind.name if kind else _UNEXPLAINED,
    }


def _print(report: dict[str, Any]) -> None:
    for name, count in report["kinds"].items():
        print(f"{count:5} {name}: {report['reasons'].get(name, 'none of the reasons known')}")
    for entry in report["disagreements"]:
        if entry["kind"] == _UNEXPLAINED:
            print(
                f"{_UNEXPLAINED}: {entry['file']}, {entry['peer']}, {entry['what']}: {entry['words']} {entry['detail']}"
            )
    for peer in PEERS:
        print(
            f"{peer} agrees about {report['agree'][peer]:,} of {report['compared'][peer]:,} published files"
        )
    print(f"{report['files']:,} files, {report['published']:,} of them published, in {report['seconds']} s")


if __name__ == "__main__":
    sys.exit(main())
