"""`make corpus-videos`: odd, broken and hostile videos through the deployed video function, one after the other.

Each must end in time in exactly one terminal, announced record that is not FAILED, open no file but itself, and leave
nothing in /tmp; published videos must play. The archive is in ../shared; videos that refer to others are generated.
"""

import argparse
import io
import json
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from tests.video import access_monitor, odd_videos
from tests.video.stack import ROOT, StuckError, VideoStack

ARCHIVE = ROOT.parent / "shared" / "corpus" / "odd-videos.tar"
LONGEST = 30.0  # seconds for one file
MOST_MEMORY = 700  # MB resident in the function's process, at its peak
PATIENCE = 90.0  # seconds before a file counts as stuck
_ENDS = frozenset({"PUBLISHED", "REJECTED"})


def archived(share: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every Nth file of the archive (N: `share`); nothing if it is absent."""
    if not ARCHIVE.exists():
        return
    with tarfile.open(ARCHIVE) as archive:
        for number, member in enumerate(one for one in archive if one.isfile()):
            extracted = archive.extractfile(member)
            if extracted is not None and number % share == 0:
                yield member.name, extracted.read()


def examine(
    stack: VideoStack, monitor: access_monitor.AccessMonitor, name: str, data: bytes
) -> dict[str, Any]:
    """Upload one file and check the result. Return name, status, reason, detail, seconds and the violations."""
    monitor.accesses()
    began = time.monotonic()
    seen = len(stack.batches)
    stack.put(name, data)
    violations: list[str] = []
    try:
        item = stack.outcome_of(name, PATIENCE)
    except StuckError as stuck:
        return {"name": name, "status": "STUCK", "violations": [str(stuck)], "seconds": PATIENCE}
    seconds = time.monotonic() - began
    status = str(item["status"])
    if status not in _ENDS:
        violations.append(f"{name} ended {status}: {item.get('reason')}, {item.get('detail')}")
    if seconds > LONGEST:
        violations.append(f"{name} took {seconds:.1f} s")
    if (attempts := int(item["attempt"])) > 2:
        violations.append(f"{name} took {attempts} attempts")
    violations += [f"{name}: {what}" for what in monitor.accesses()]
    errors = [batch.invocation.error for batch in stack.batches[seen:] if batch.invocation.error]
    violations += [f"{name}: a function failed: {error}" for error in errors]
    renditions = stack.renditions(name)
    listed = {rendition["key"] for rendition in item.get("renditions") or ()}
    if status == "PUBLISHED" and listed != renditions.keys():
        violations.append(f"{name}: listed are {sorted(listed)}, there are {sorted(renditions)}")
    if status != "PUBLISHED" and renditions:
        violations.append(f"{name} is {status} and has renditions")
    for key, rendition in renditions.items():
        if key.endswith(".mp4"):
            violations += [f"{name}: {what}" for what in _faults_of(rendition)]
    violations += [f"{name}: /tmp holds {left}" for left in stack.scratch_files()]
    return {
        "name": name,
        "status": status,
        "reason": item.get("reason"),
        "detail": item.get("detail"),
        "seconds": round(seconds, 2),
        "violations": violations,
    }


def _faults_of(video: bytes) -> list[str]:
    """Return what is wrong with a published video: it must play to its end, and show nothing of other files."""
    try:
        with av.open(io.BytesIO(video), "r", format="mp4") as container:
            frames = 0
            for frame in container.decode(video=0):
                frames += 1
                small = frame.reformat(width=2, height=2, format="rgb24")
                red, green, blue = bytes(small.planes[0])[:3]
                if red > 200 and green < 60 and blue > 200:
                    return ["it shows another file's video"]
            return [] if frames else ["it has no frame"]
    except av.error.FFmpegError as error:
        return [f"it does not play: {error}"]


def run(share: int, *, with_odd: bool = True) -> tuple[list[dict[str, Any]], int]:
    """Process everything in one stack; return the result of each file, and the peak of memory in MB."""
    results = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        access_monitor.AccessMonitor(Path(scratch) / "references") as monitor,
        VideoStack() as stack,
    ):
        for name, data in archived(share):
            results.append(_told(examine(stack, monitor, name, data)))
        made = access_monitor.inputs(monitor, Path(scratch))
        if with_odd:
            made |= odd_videos.inputs(Path(scratch))
        for number, (name, data) in enumerate(made.items()):
            if number % share == 0:
                results.append(_told(examine(stack, monitor, f"made/{name}", data)))
        return results, stack.peak_megabytes()


def _told(result: dict[str, Any]) -> dict[str, Any]:
    detail = result.get("detail") or ""
    print(f"{result['seconds']:6.2f} s  {result['status']:9} {result['name']}  {detail}", flush=True)
    return result


def main() -> int:
    """Process the corpus; exit code 1 if there is any violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=1, help="every Nth file")
    parser.add_argument("--json", type=Path, default=Path("build/corpus-videos.json"))
    arguments = parser.parse_args()
    if not ARCHIVE.exists():
        print(f"{ARCHIVE.name} is not there: only generated videos are tried")
    results, peak = run(arguments.share)
    violations = [violation for result in results for violation in result["violations"]]
    if peak > MOST_MEMORY:
        violations.append(f"the peak is {peak} MB, more than {MOST_MEMORY} MB")
    slowest = max(results, key=lambda result: float(result["seconds"]))
    report = {
        "files": len(results),
        "archived": sum(result["name"].startswith("video/") for result in results),
        "statuses": dict(Counter(str(result["status"]) for result in results)),
        "reasons": dict(Counter(str(result["reason"]) for result in results if result.get("reason"))),
        "slowest": {"name": slowest["name"], "seconds": slowest["seconds"]},
        "peak_megabytes": peak,
        "violations": len(violations),
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({**report, "results": results}, indent=1) + "\n", "utf-8")
    print("\n".join(violations))
    print(report)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
