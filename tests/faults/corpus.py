"""`make corpus`: odd, broken and hostile pictures of other projects' test suites through the real image worker.

Each must end in exactly one terminal, announced record, in a process that never crashes; what is published carries
no EXIF, GPS or comments. The archive lies beside the checkout; without it there is nothing to do.
"""

import argparse
import io
import json
import multiprocessing
import resource
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from PIL import Image

from tests.faults.answers import answer
from tests.faults.cloud import RENDITIONS, Cloud
from tests.faults.functions import ClientPool
from tests.faults.injection import Call
from tests.faults.policies import Deployment
from tests.faults.promise import TERMINAL
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
LONGEST_P99 = 1.0  # seconds of the processor, the calls to moto included
MOST_MEMORY = 512  # MB above what the process takes before the first file
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


def files(share: int) -> Iterator[tuple[str, bytes]]:
    """Every so-manieth file of the archive."""
    with tarfile.open(ARCHIVE) as archive:
        for number, member in enumerate(one for one in archive if one.isfile()):
            extracted = archive.extractfile(member)
            if extracted is not None and number % share == 0:
                yield member.name, extracted.read()


def _examine(name: str, data: bytes, cloud: Cloud, pool: ClientPool) -> tuple[str, float, list[str]]:
    run = _Corpus(cloud, pool, deployment=AS_IN_DEV)
    with run.timeline:
        run.upload(name, data)
        began = (
            time.process_time()
        )  # of this process alone: what else the machine does is not the file's fault
        run.run()
        seconds = time.process_time() - began
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
    return ",".join(statuses), seconds, complaints


def _metadata(data: bytes) -> list[str]:
    with Image.open(io.BytesIO(data)) as image:
        names = [name for name in ("exif", "comment", "xmp", "icc_profile") if image.info.get(name)]
        return names + ["exif"] * bool(len(image.getexif()))


def _worker(share: int, connection: Any) -> None:
    pool = ClientPool()
    with Cloud() as cloud:
        _examine("warm-up", b"no picture", cloud, pool)
        connection.send(("idle", _megabytes()))
        for name, data in files(share):
            connection.send(("begin", name))
            connection.send(("end", (*_examine(name, data, cloud, pool), _megabytes())))
    connection.send(("done", None))


def _megabytes() -> float:
    return (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / (1 if sys.platform == "darwin" else 1024)
        / (1024 if sys.platform == "darwin" else 1)
    )


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def main() -> int:
    """Send the corpus through, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=int, default=1, help="every so-manieth file")
    parser.add_argument("--json", type=Path, default=Path("build/corpus.json"))
    arguments = parser.parse_args()
    if not ARCHIVE.exists():
        print(f"{ARCHIVE.name} is not there: nothing to do")
        return 0
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_worker, args=(arguments.share, theirs))
    process.start()
    theirs.close()
    idle = peak = 0.0
    current, complaints, seconds, statuses = "", [], [], Counter[str]()
    crashes = 0
    while True:
        try:
            what, said = ours.recv()
        except EOFError:
            crashes += 1
            complaints.append(f"{current}: the process crashed")
            break
        if what == "done":
            break
        if what == "idle":
            idle = said
        elif what == "begin":
            current = said
        else:
            status, took, found, peak = said
            statuses[status] += 1
            seconds.append(took)
            complaints += found
    process.join()
    p99, above = _percentile(seconds, 0.99), peak - idle
    if p99 > LONGEST_P99:
        complaints.append(f"p99 is {p99:.2f} s, more than {LONGEST_P99:g} s")
    if above > MOST_MEMORY:
        complaints.append(f"the peak is {above:.0f} MB above idle, more than {MOST_MEMORY} MB")
    report = {
        "files": len(seconds),
        "statuses": dict(statuses),
        "crashes": crashes,
        "p99_seconds": round(p99, 3),
        "peak_megabytes_above_idle": round(above),
        "violations": len(complaints),
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report) + "\n", "utf-8")
    print("\n".join(complaints))
    print(report)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
