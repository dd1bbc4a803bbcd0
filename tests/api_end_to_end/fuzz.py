"""`make fuzz-api`: requests that schemathesis generates from components/openapi.yaml, sent to a served stack.

The stack's limits are wide, so that the function responses and not the usage plan. What is taken in is processed, too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from components.openapi import DOCUMENT
from tests.api_end_to_end.served_stack import ServedStack, card, key_of, photo, serve_stack

LEAST_REQUESTS = 2_000
EXAMPLES = 250  # per operation and phase; three operations and four phases give some 2,500 requests
ROUNDS = 10
PHASES = "examples,coverage,fuzzing,stateful"
HERE = Path(__file__).parent
SCHEMATHESIS = Path(sys.prefix) / "fuzz" / "bin" / "schemathesis"


def main() -> int:
    """Send the requests; exit code 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="make fuzz-api", description=__doc__)
    parser.add_argument("--requests", type=int, default=LEAST_REQUESTS, help="at least so many")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sent, code = 0, 0
    with tempfile.TemporaryDirectory() as folder, serve_stack(Path(folder)) as stack:
        known = _known(stack)
        for seed in range(given.seed, given.seed + ROUNDS):
            report, code = _round(stack, Path(folder), seed, known)
            sent += report["test_cases"]["generated"]
            if code or sent >= given.requests:
                break
        wrong = _judged(stack)
        print(f"{sent} requests; the outcomes of what was taken in: {dict(_outcomes(stack))}")
    for line in wrong:
        print(line, file=sys.stderr)
    if sent < given.requests:
        print(f"that is less than {given.requests}", file=sys.stderr)
    return int(code != 0 or bool(wrong) or sent < given.requests)


def _known(stack: ServedStack) -> list[str]:
    """Return ids of uploads in every status that is possible without a fault."""
    pictures = [photo(), card(Weapons=95), card(Violence=80), photo()[:600]]
    responses = [stack.upload(data) for data in pictures]
    stack.wait_for_outcomes([key_of(response) for response in responses])
    gone = stack.upload(photo("gone"))
    stack.wait_for_outcomes([key_of(gone)])
    stack.s3.delete_object(Bucket=stack.uploads, Key=key_of(gone))
    return [response.json["image_id"] for response in (*responses, gone)]


def _round(stack: ServedStack, folder: Path, seed: int, known: list[str]) -> tuple[dict[str, Any], int]:
    file = folder / f"report-{seed}.json"
    command: list[str | Path] = [
        SCHEMATHESIS,
        "--config-file",
        HERE / "schemathesis.toml",
        "run",
        DOCUMENT,
        "--url",
        stack.url,
    ]
    command += ["--header", f"x-api-key: {stack.key}", "--seed", str(seed), "--max-examples", str(EXAMPLES)]
    command += ["--phases", PHASES, "--continue-on-failure"]
    command += ["--workers", "2", "--request-timeout", "60", "--suppress-health-check", "all"]
    command += ["--report", "json", "--report-json-path", file]
    hooks = {"SCHEMATHESIS_HOOKS": "known_ids", "KNOWN_IDS": " ".join(known), "PYTHONPATH": str(HERE)}
    # Its cache of the run is removed together with the folder.
    done = subprocess.run(command, cwd=folder, env={**os.environ, **hooks}, check=False)
    if not file.exists():
        return {"test_cases": {"generated": 0}}, done.returncode or 1
    report: dict[str, Any] = json.loads(file.read_text())
    return report, done.returncode


def _outcomes(stack: ServedStack) -> Counter[str]:
    return Counter(str(record["status"]) for record in stack.wait_for_outcomes())


def _judged(stack: ServedStack) -> list[str]:
    """Return errors that no response shows: errors in the function's log, uploads without exactly one record."""
    lines = [json.loads(line) for line in stack.log("upload_api").split("\n") if line.startswith("{")]
    wrong = [f"5xx: {line['message']}" for line in lines if line.get("http_status", 0) >= 500]
    wrong += [f"it failed: {line}" for line in stack.log("upload_api").split("\n") if "Traceback" in line]
    records = stack.wait_for_outcomes({key for key, _ in stack.versions()})
    ended = Counter(record["object_key"] for record in records if record["status"] != "DELETED")
    wrong += [f"{key} has {count} records" for key, count in ended.items() if count != 1]
    wrong += [f"{each['object_key']} FAILED" for each in records if each["status"] == "FAILED"]
    return wrong


if __name__ == "__main__":
    sys.exit(main())
