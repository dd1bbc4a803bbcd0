"""Measure `what-if` over many recorded outcomes: seconds, processor time and memory of the command as operators run it.

A process of its own answers the command's requests to DynamoDB with pages of 1 MB, which is what a Scan returns
(Amazon DynamoDB API Reference), from a table of stills, animations, transparent pictures and videos.
"""

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, Final

from media_pipeline.moderation.policy import Policy
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.moderation.taxonomy import Taxonomy
from media_pipeline.records.record import to_item
from operations.deciding_again import outcome

PROJECT: Final = Path(__file__).parents[1]
PAGE_BYTES: Final = 1_000_000
KINDS: Final = {"still": (1, 70), "transparent": (4, 10), "animation": (8, 12), "video": (12, 8)}
"""Judged pictures of each kind, and how many of 100 objects are of it."""
BOUNDS: Final = {"seconds": 60.0, "megabytes": 512.0}
POLICY: Final = {
    "mode": "enforce",
    "recordFrom": 30,
    "block": {"Explicit": 60, "Weapons": 90},
    "review": {"Violence": 50},
}


class _Rekognition:
    """Finds one to five labels with their ancestors in a third of all pictures."""

    def __init__(self, random: Random) -> None:
        self._random = random
        taxonomy = Taxonomy.load()
        self._lines = []
        for folded, name in taxonomy.names.items():
            line, parent = [name], taxonomy.parents.get(folded, "")
            while parent:
                line.append(taxonomy.names[parent])
                parent = taxonomy.parents.get(parent, "")
            self._lines.append(line)

    def detect_moderation_labels(self, *, Image: Any, MinConfidence: float) -> dict[str, Any]:  # noqa: N803, ARG002 - AWS's
        found = {}
        for line in self._random.choices(self._lines, k=2) if self._random.random() < 1 / 3 else ():
            confidence = self._random.uniform(MinConfidence, 100)
            for name, parent in zip(line, [*line[1:], ""], strict=True):
                found[name] = {"Name": name, "ParentName": parent, "Confidence": confidence}
        return {"ModerationLabels": list(found.values()), "ModerationModelVersion": "7.0"}


def items(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield records as DynamoDB has them; the pipeline's own moderation wrote their verdicts."""
    random = Random(seed)
    policy, rekognition = Policy.parse(POLICY), _Rekognition(random)
    moderator = Moderator(rekognition=rekognition, policy=policy)  # type: ignore[arg-type]
    kinds = random.choices(list(KINDS), weights=[share for _, share in KINDS.values()], k=count)
    for number, kind in enumerate(kinds):
        pictures = KINDS[kind][0]
        judged = moderator.judge(
            [f"{number} {picture}".encode() for picture in range(pictures)],
            before_each=lambda: None,
            times=[float(picture) for picture in range(pictures)] if kind == "video" else None,
        )
        yield to_item(
            {
                "object_key": f"albums/{number // 100:06d}/picture-{number:08d}.jpg",
                "sequencer": f"{number:032X}",
                "status": outcome(judged.verdict, policy.mode).value,
                "moderation": judged.to_document(),
            }
        )


def serve(count: int, seed: int, ready: Connection) -> None:
    """Answer Scan and GetItem on a port of this machine, which is sent through `ready`, until this process ends."""
    pages: list[bytes] = []
    page: list[str] = []
    size = 0
    for item in items(count, seed):
        text = json.dumps(item, separators=(",", ":"))
        page.append(text)
        size += len(text)
        if size > PAGE_BYTES:
            pages.append(",".join(page).encode())
            page, size = [], 0
    pages.append(",".join(page).encode())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = b"{}"
            if self.headers["X-Amz-Target"].endswith(".Scan"):
                number = int(request.get("ExclusiveStartKey", {}).get("sequencer", {}).get("S", "0"))
                following = {"object_key": {"S": "page"}, "sequencer": {"S": str(number + 1)}}
                last = f',"LastEvaluatedKey":{json.dumps(following)}' if number + 1 < len(pages) else ""
                body = b'{"Items":[' + pages[number] + b"]" + last.encode() + b"}"
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing per request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ready.send((server.server_port, sum(map(len, pages))))
    server.serve_forever()


def main() -> int:
    """Run the command once; print what it took, and return 1 where that is beyond the bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    receiving, sending = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(
        target=serve, args=(options.outcomes, options.seed, sending), daemon=True
    )
    server.start()
    port, length = receiving.recv()
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs.json"
        document = {
            "uploads_bucket": "uploads",
            "records_table": "records",
            "images_queue_url": "http://127.0.0.1/images",
            "events_topic_arn": "arn:aws:sns:eu-central-1:123456789012:events",
        }
        outputs.write_text(json.dumps(document), encoding="utf-8")
        command = [sys.executable, "-m", "operations", "what-if", "--stack", "dev", "--outputs", str(outputs)]
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "measuring",
            "AWS_SECRET_ACCESS_KEY": "measuring",
        }
        began = time.perf_counter()
        done = subprocess.run(
            [*command, "--set", "moderation.block.Violence=70"], cwd=PROJECT, env=environment, check=False
        )
        seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    server.terminate()
    megabytes = used.ru_maxrss / 1024  # Linux counts kilobytes
    print(
        f"{options.outcomes:,} outcomes, {length / 1e6:,.0f} MB as DynamoDB sends them: {seconds:.1f} s, of which"
        f" {used.ru_utime + used.ru_stime:.1f} s processor time, {megabytes:.0f} MB"
    )
    if done.returncode:
        return done.returncode
    return int(seconds > BOUNDS["seconds"] or megabytes > BOUNDS["megabytes"])


if __name__ == "__main__":
    raise SystemExit(main())
