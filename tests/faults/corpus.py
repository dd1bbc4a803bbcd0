"""`make corpus`: odd, broken and hostile pictures of other projects' test suites through the real image worker.

Each must end in exactly one terminal, announced record, in a process that never crashes; what is published carries
no EXIF, GPS or comments. The archive lies beside the checkout; without it there is nothing to do.

Time is the wall clock's, from the message to its acknowledgement, with moto's answers to some twenty calls in it.
Beside it stands what of that the processor worked, and what the function itself says that it took
(`milliseconds.total` of the record): on a busy machine only those mean something.
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
from tests.faults.invariants import TERMINAL
from tests.faults.simulated_functions import ClientPool
from tests.faults.simulated_stack import RENDITIONS, Cloud
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
PATIENCE = 60.0  # seconds for one file: the function's own time-out
START_PATIENCE = 60.0  # seconds; imports take one, on a busy machine many
LONGEST = 1800.0  # seconds of the whole run
REPORT_SECONDS = 10.0
MOST_CRASHES = 20  # by then it is no single file's fault
NOTHING = json.dumps({"ModerationLabels": [], "ModerationModelVersion": "7.0"}).encode()


class _Corpus(Simulation):
    """Uploads any bytes; the witness of the other runs knows only their own pictures, so it does not look."""

    def upload(self, key: str, data: bytes) -> None:
        version, etag = self.cloud.put(key, data)
        self._tell("ObjectCreated:Put", key, version, self._next_sequencer(), etag)

    def carried_out(self, call: Call, response: AWSResponse) -> None:
        """Nothing to witness."""

    def _acknowledged(self, message: Any) -> None:
        """Nothing to witness."""

    def _rekognition(self, call: Call) -> AWSResponse:
        with Image.open(io.BytesIO(call.params["Image"]["Bytes"])) as proxy:
            proxy.load()  # Rekognition would refuse what does not decode
        return answer(200, {"Content-Type": "application/x-amz-json-1.1"}, NOTHING)


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What came of one file; `wall`, `processor` and `function` in seconds, `megabytes` the process's peak so far."""

    name: str
    status: str
    wall: float
    processor: float
    function: float
    megabytes: float
    complaints: tuple[str, ...]


@dataclass
class Findings:
    """What came of all files."""

    idle: float = 0.0  # megabytes
    crashes: int = 0
    examined: list[Examined] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def peak(self) -> float:
        """Megabytes above idle."""
        return max((one.megabytes for one in self.examined), default=self.idle) - self.idle

    def p99(self, clock: str) -> float:
        """Seconds by one of the three clocks."""
        return _percentile([getattr(one, clock) for one in self.examined], 0.99)

    def document(self) -> dict[str, Any]:
        """What `build/corpus.json` holds."""
        return {
            "files": len(self.examined),
            "statuses": dict(Counter(one.status for one in self.examined)),
            "crashes": self.crashes,
            "p99_seconds": round(self.p99("wall"), 3),
            "p99_seconds_of_the_processor": round(self.p99("processor"), 3),
            "p99_seconds_of_the_function": round(self.p99("function"), 3),
            "peak_megabytes_above_idle": round(self.peak()),
            "violations": len(self.complaints),
        }


def files(share: int, start: int = 0) -> Iterator[tuple[str, bytes]]:
    """Every so-manieth file of the archive, from one on."""
    with tarfile.open(ARCHIVE) as archive:
        chosen = [one for one in archive if one.isfile()][::share]
        for member in chosen[start:]:
            extracted = archive.extractfile(member)
            if extracted is not None:
                yield member.name, extracted.read()


def _examine(name: str, data: bytes, cloud: Cloud, pool: ClientPool) -> Examined:
    run = _Corpus(cloud, pool, deployment=AS_IN_DEV)
    with run.timeline:
        run.upload(name, data)
        began, worked = time.perf_counter(), time.process_time()
        run.run()
        wall, processor = time.perf_counter() - began, time.process_time() - worked
    items = cloud.all_items()
    statuses = [str(item["status"]) for item in items]
    told = [message["alert_id"] for message in cloud.read_outbox()]
    complaints = []
    if len(items) != 1 or statuses[0] not in TERMINAL or statuses[0] == "FAILED":
        complaints.append(f"{name}: {statuses}, {[item.get('detail') for item in items]}")
    elif items[0]["alert_id"] not in told:
        complaints.append(f"{name}: {statuses} was not announced")
    if run.queues["images"].messages or run.queues["dead"].messages:
        complaints.append(f"{name}: its message is still there")
    complaints += [
        f"{name}: rendition {key} carries {secrets}"
        for key, rendition in cloud.objects(RENDITIONS).items()
        if (secrets := _metadata(rendition))
    ]
    return Examined(
        name=name,
        status=",".join(statuses),
        wall=wall,
        processor=processor,
        function=sum(float(item.get("milliseconds", {}).get("total", 0)) for item in items) / 1000,
        megabytes=_megabytes(),
        complaints=tuple(complaints),
    )


def _metadata(data: bytes) -> list[str]:
    with Image.open(io.BytesIO(data)) as image:
        names = [name for name in ("exif", "comment", "xmp", "icc_profile") if image.info.get(name)]
        return names + ["exif"] * bool(len(image.getexif()))


def work(share: int, start: int, connection: Any) -> None:
    """Examine file after file in this process, and tell of each before and after."""
    pool = ClientPool()
    with Cloud(renders_once=False) as cloud:
        _examine("warm-up", b"no picture", cloud, pool)
        connection.send(("idle", _megabytes()))
        for name, data in files(share, start):
            connection.send(("begin", name))
            connection.send(("end", _examine(name, data, cloud, pool)))
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
    patience: float = PATIENCE,
    longest: float = LONGEST,
    say: Callable[[str], None] = lambda _: None,
) -> Findings:
    """Have every so-manieth file examined; a process that crashes or hangs is followed by another, on the next file.

    `patience` in seconds for one file, `longest` for all.
    """
    findings, began, said, seen = Findings(), time.monotonic(), 0.0, 0
    done = False
    while not done:
        for what, told in _spoken(worker, share, seen, patience):
            if what == "idle" and not findings.idle:
                findings.idle = told
            elif what == "begin":
                seen += 1
            elif what == "end":
                findings.examined.append(told)
                findings.complaints += told.complaints
            elif what == "died":
                findings.crashes += 1
                findings.complaints.append(told)
                done = done or findings.crashes > MOST_CRASHES
            done = done or what == "done"
            if time.monotonic() - said > REPORT_SECONDS:
                said = time.monotonic()
                say(f"{said - began:5.0f} s: {seen:,} files, {len(findings.complaints)} violations")
            if time.monotonic() - began > longest:
                findings.complaints.append(f"not done after {longest:.0f} s: {seen:,} files were begun")
                done = True
                break
    return findings


def _spoken(worker: Worker, share: int, start: int, patience: float) -> Iterator[tuple[str, Any]]:
    """What a process says, up to its end; `died` with a sentence where that came too early."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=worker, args=(share, start, theirs))
    process.start()
    theirs.close()
    current = ""
    try:
        while True:
            if not ours.poll(patience if current else START_PATIENCE):
                yield "died", f"{current or 'start'}: the process did nothing for {patience:.0f} s"
                return
            try:
                what, told = ours.recv()
            except EOFError:
                process.join()
                yield "died", f"{current or 'start'}: the process crashed with {process.exitcode}"
                return
            if what == "begin":
                current = told
            yield what, told
            if what == "done":
                return
    finally:
        process.kill()
        process.join()
        ours.close()


def judge(findings: Findings) -> list[str]:
    """All that is not as it must be."""
    complaints = list(findings.complaints)
    if (p99 := findings.p99("wall")) > LONGEST_P99:
        complaints.append(
            f"p99 is {p99:.2f} s, more than {LONGEST_P99:g} s; of the processor {findings.p99('processor'):.2f} s"
        )
    if (above := findings.peak()) > MOST_MEMORY:
        complaints.append(f"the peak is {above:.0f} MB above idle, more than {MOST_MEMORY} MB")
    return complaints


def main() -> int:
    """Send the corpus through, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=1, help="every so-manieth file")
    parser.add_argument("--json", type=Path, default=Path("build/corpus.json"))
    arguments = parser.parse_args()
    if not ARCHIVE.exists():
        print(f"{ARCHIVE.name} is not there: nothing to do")
        return 0
    began = time.monotonic()
    findings = examine_all(arguments.share, say=lambda line: print(line, flush=True))
    findings.complaints = judge(findings)
    report = {**findings.document(), "seconds": round(time.monotonic() - began)}
    if hasattr(os, "getloadavg"):
        report["load"] = round(
            os.getloadavg()[1], 1
        )  # of the last five minutes: above 1 others worked as well
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report) + "\n", "utf-8")
    for one in sorted(findings.examined, key=lambda one: one.wall)[-5:]:
        print(f"{one.wall:.2f} s ({one.processor:.2f} s of the processor): {one.name}, {one.status}")
    print("\n".join([*findings.complaints, json.dumps(report)]))
    return 1 if findings.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
