"""`make corpus`: odd, broken and hostile pictures from other projects' test suites through the real image worker.

Each must end in exactly one terminal, announced record, in a process that never crashes; renditions carry no EXIF,
GPS position or comments. The archive is in ../shared, beside the checkout; without it there is nothing to do.

`wall` is the wall-clock time from the message to its acknowledgement, including moto's responses to some twenty calls.
`processor` is the CPU time of it, `function` the function's own measure (`milliseconds.total` of the record): on a
busy machine only these two are meaningful.
"""

import argparse
import io
import json
import multiprocessing
import os
import resource
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from PIL import Image

from tests.faults.configurations import Deployment
from tests.faults.error_responses import answer
from tests.faults.fault_injection import Call
from tests.faults.record_items import TERMINAL
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import RENDITIONS, SimulatedStack
from tests.faults.simulation import Simulation

ARCHIVE = Path(__file__).parents[3] / "shared" / "corpus" / "odd-images.tar"
AS_IN_DEV = Deployment(
    "corpus",
    {"mode": "enforce", "block": {"Weapons": 90}},
    {"large": 2048, "medium": 1024, "small": 512, "thumbnail": 150},
    {},
    formats=("jpeg", "webp"),
    pixels=50_000_000,
    bytes=26_214_400,
    frames=200,
)
LONGEST_P99 = 1.0  # seconds
MOST_MEMORY = 512  # MB above what the process takes before the first file
FILE_TIMEOUT = 60.0  # seconds for one file: the function's own time-out
START_TIMEOUT = 60.0  # seconds; the imports take one, on a busy machine many
TIME_LIMIT = 1800.0  # seconds for the whole run
REPORT_SECONDS = 10.0
MOST_CRASHES = 20  # more are not the fault of single files
NO_LABELS = json.dumps({"ModerationLabels": [], "ModerationModelVersion": "7.0"}).encode()


class _CorpusSimulation(Simulation):
    """Uploads any bytes, without invariants: those know only the sample uploads."""

    def upload(self, key: str, data: bytes) -> None:
        version, etag = self.stack.put(key, data)
        self._send_event("ObjectCreated:Put", key, version, self._next_sequencer(), etag=etag)

    def carried_out(self, call: Call, response: AWSResponse) -> None:
        """Check nothing."""

    def _acknowledged(self, message: Any) -> None:
        """Check nothing."""

    def _rekognition(self, call: Call) -> AWSResponse:
        with Image.open(io.BytesIO(call.params["Image"]["Bytes"])) as proxy:
            proxy.load()  # Rekognition would refuse a picture that does not decode
        return answer(200, {"Content-Type": "application/x-amz-json-1.1"}, NO_LABELS)


@dataclass(frozen=True, kw_only=True)
class FileResult:
    """The result of one file; `wall`, `processor` and `function` in seconds, `megabytes`: the process's peak so far."""

    name: str
    status: str
    wall: float
    processor: float
    function: float
    megabytes: float
    violations: tuple[str, ...]


@dataclass
class Findings:
    """The results of all files."""

    idle: float = 0.0  # megabytes
    crashes: int = 0
    results: list[FileResult] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def peak(self) -> float:
        """Return the peak of memory in megabytes above idle."""
        return max((one.megabytes for one in self.results), default=self.idle) - self.idle

    def p99(self, clock: str) -> float:
        """Return the 99th percentile in seconds of one of the three clocks (`wall`, `processor`, `function`)."""
        return _percentile([getattr(one, clock) for one in self.results], 0.99)

    def document(self) -> dict[str, Any]:
        """Return the content of `build/corpus.json`."""
        return {
            "files": len(self.results),
            "statuses": dict(Counter(one.status for one in self.results)),
            "crashes": self.crashes,
            "p99_seconds": round(self.p99("wall"), 3),
            "p99_seconds_of_the_processor": round(self.p99("processor"), 3),
            "p99_seconds_of_the_function": round(self.p99("function"), 3),
            "peak_megabytes_above_idle": round(self.peak()),
            "violations": len(self.violations),
        }


def files(share: int, start: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every Nth file of the archive (N: `share`), from number `start` on."""
    with tarfile.open(ARCHIVE) as archive:
        chosen = [one for one in archive if one.isfile()][::share]
        for member in chosen[start:]:
            extracted = archive.extractfile(member)
            if extracted is not None:
                yield member.name, extracted.read()


def _examine(name: str, data: bytes, stack: SimulatedStack, pool: ClientPool) -> FileResult:
    run = _CorpusSimulation(stack, pool, deployment=AS_IN_DEV)
    with run.clock:
        run.upload(name, data)
        began, worked = time.perf_counter(), time.process_time()
        run.run()
        wall, processor = time.perf_counter() - began, time.process_time() - worked
    items = stack.all_items()
    statuses = [str(item["status"]) for item in items]
    announced = [message["alert_id"] for message in stack.read_outbox()]
    violations = []
    if len(items) != 1 or statuses[0] not in TERMINAL or statuses[0] == "FAILED":
        violations.append(f"{name}: {statuses}, {[item.get('detail') for item in items]}")
    elif items[0]["alert_id"] not in announced:
        violations.append(f"{name}: {statuses} was not announced")
    if run.queues["images"].messages or run.queues["dead"].messages:
        violations.append(f"{name}: its message is still in the queue")
    violations += [
        f"{name}: rendition {key} carries {secrets}"
        for key, rendition in stack.objects(RENDITIONS).items()
        if (secrets := _metadata(rendition))
    ]
    return FileResult(
        name=name,
        status=",".join(statuses),
        wall=wall,
        processor=processor,
        function=sum(float(item.get("milliseconds", {}).get("total", 0)) for item in items) / 1000,
        megabytes=_megabytes(),
        violations=tuple(violations),
    )


def _metadata(data: bytes) -> list[str]:
    with Image.open(io.BytesIO(data)) as image:
        names = [name for name in ("exif", "comment", "xmp", "icc_profile") if image.info.get(name)]
        return names + ["exif"] * bool(len(image.getexif()))


def work(share: int, start: int, connection: Any) -> None:
    """Examine file after file in this process; send a message before and after each of them."""
    pool = ClientPool()
    with SimulatedStack(caches_renderings=False) as stack:
        _examine("warm-up", b"no picture", stack, pool)
        connection.send(("idle", _megabytes()))
        for name, data in files(share, start):
            connection.send(("begin", name))
            connection.send(("end", _examine(name, data, stack, pool)))
    connection.send(("done", None))


def _megabytes() -> float:
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0


Worker = Callable[[int, int, Any], None]


def examine_all(
    share: int,
    *,
    worker: Worker = work,
    file_timeout: float = FILE_TIMEOUT,
    time_limit: float = TIME_LIMIT,
    print_line: Callable[[str], None] = lambda _: None,
) -> Findings:
    """Examine every Nth file (N: `share`); after a process that crashes or hangs, another starts with the next file.

    `file_timeout`: seconds for one file, `time_limit`: seconds for all files.
    """
    findings, began, printed, seen = Findings(), time.monotonic(), 0.0, 0
    done = False
    while not done:
        for what, content in _messages(worker, share, seen, file_timeout):
            if what == "idle" and not findings.idle:
                findings.idle = content
            elif what == "begin":
                seen += 1
            elif what == "end":
                findings.results.append(content)
                findings.violations += content.violations
            elif what == "died":
                findings.crashes += 1
                findings.violations.append(content)
                done = done or findings.crashes > MOST_CRASHES
            done = done or what == "done"
            if time.monotonic() - printed > REPORT_SECONDS:
                printed = time.monotonic()
                print_line(f"{printed - began:5.0f} s: {seen:,} files, {len(findings.violations)} violations")
            if time.monotonic() - began > time_limit:
                findings.violations.append(f"not done after {time_limit:.0f} s: {seen:,} files were started")
                done = True
                break
    return findings


def _messages(worker: Worker, share: int, start: int, file_timeout: float) -> Iterator[tuple[str, Any]]:
    """Yield the messages of a worker process up to its end; `died` with a sentence if that comes too early."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=worker, args=(share, start, theirs))
    process.start()
    theirs.close()
    current = ""
    try:
        while True:
            if not ours.poll(file_timeout if current else START_TIMEOUT):
                yield "died", f"{current or 'start'}: the process did nothing for {file_timeout:.0f} s"
                return
            try:
                what, content = ours.recv()
            except EOFError:
                process.join()
                yield "died", f"{current or 'start'}: the process crashed with {process.exitcode}"
                return
            if what == "begin":
                current = content
            yield what, content
            if what == "done":
                return
    finally:
        process.kill()
        process.join()
        ours.close()


def all_violations(findings: Findings) -> list[str]:
    """Return the violations of single files, and those of the limits of time and memory."""
    violations = list(findings.violations)
    if (p99 := findings.p99("wall")) > LONGEST_P99:
        violations.append(
            f"p99 is {p99:.2f} s, more than {LONGEST_P99:g} s; of the processor {findings.p99('processor'):.2f} s"
        )
    if (above := findings.peak()) > MOST_MEMORY:
        violations.append(f"the peak is {above:.0f} MB above idle, more than {MOST_MEMORY} MB")
    return violations


def main() -> int:
    """Process the corpus; exit code 1 if there is any violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=1, help="every Nth file")
    parser.add_argument("--json", type=Path, default=Path("build/corpus.json"))
    arguments = parser.parse_args()
    if not ARCHIVE.exists():
        print(f"{ARCHIVE.name} is absent: nothing to do")
        return 0
    began = time.monotonic()
    findings = examine_all(arguments.share, print_line=lambda line: print(line, flush=True))
    findings.violations = all_violations(findings)
    report = {**findings.document(), "seconds": round(time.monotonic() - began)}
    if hasattr(os, "getloadavg"):
        report["load"] = round(
            os.getloadavg()[1], 1
        )  # of the last five minutes; above 1, others worked as well
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report) + "\n", "utf-8")
    for one in sorted(findings.results, key=lambda one: one.wall)[-5:]:
        print(f"{one.wall:.2f} s ({one.processor:.2f} s of the processor): {one.name}, {one.status}")
    print("\n".join([*findings.violations, json.dumps(report)]))
    return 1 if findings.violations else 0


if __name__ == "__main__":
    sys.exit(main())
