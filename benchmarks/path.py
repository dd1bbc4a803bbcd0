"""`make bench-path`: what one object of each kind takes, in calls, DynamoDB units, billed milliseconds and dollars.

The real functions of a stack run warm, with real botocore clients that moto answers at the wire (benchmarks/wire.py),
on as many processors as their memory buys. Each call waits for a fixed latency in its own thread; what moto takes
beyond that is left out. Billed milliseconds are measured, in the quickest round, so the machine should be idle; of a
part of a processor, what CPU takes longer is added. Each round is run twice: with calls made at once, and one after the
other. CPU is of this machine, not of Lambda's arm64.
"""

import argparse
import itertools
import json
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.path_functions import Calls, Functions, Run, running
from benchmarks.path_objects import Sample, samples
from components.config_model import StackConfig
from components.stack_files import read_config
from media_pipeline.settings.functions import PROCESSOR_MEGABYTES
from operations.billed import units as units_of_record
from operations.prices import Prices

ROOT = Path(__file__).parent.parent
FRAME_BYTES: Final = 420  # of Lambda's own START, END and REPORT lines for an invocation
MESSAGE_REQUESTS: Final = 3  # of SQS for each message: sent, received, deleted
NOTIFICATION_BYTES: Final = 65_536  # SNS bills each 64 KB as a request
_ROUNDS = 5
_S3_UNITS = {
    "PutObject": "s3_write",
    "CopyObject": "s3_write",
    "ListObjectsV2": "s3_write",
    "GetObject": "s3_read",
    "HeadObject": "s3_read",
    "DeleteObject": "s3_delete",
}
_SERVICES = {
    "rekognition": ("rekognition_request",),
    "s3": ("s3_write", "s3_read", "s3_delete"),
    "lambda": ("lambda_gigabyte_second", "lambda_request"),
    "dynamodb": ("dynamodb_write_unit", "dynamodb_read_unit"),
    "sns": ("sns_request",),
    "sqs": ("sqs_request",),
    "logs": ("log_byte",),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table and write `path-<stack>.json` for each stack; return the exit code."""
    options = _parser().parse_args(arguments)
    out = Path(options.out or ROOT / "build" / "bench").expanduser()
    out.mkdir(parents=True, exist_ok=True)
    for stack in options.stack or ["dev"]:
        report = _report(stack, options.object, options.rounds)
        path = out / f"path-{stack}.json"
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        _print(report, Console(width=None if sys.stdout.isatty() else 160))
        print(f"{path} is written")
    return 0


def _report(stack: str, names: Sequence[str] | None, rounds: int) -> dict[str, Any]:
    config = read_config(ROOT, stack)
    with tempfile.TemporaryDirectory() as folder:
        made = samples(config, Path(folder))
        wanted = names or [name for name in made if name != "video" or config.video.enabled]
        with running(config) as functions:
            objects = {name: measured(functions, made[name](), config, rounds=rounds) for name in wanted}
    return {"stack": stack, "prices": Prices.read().date.isoformat(), "objects": objects}


def measured(functions: Functions, sample: Sample, config: StackConfig, *, rounds: int) -> dict[str, Any]:
    """Process a sample `rounds` times each way, after once to warm up; describe the quickest round.

    A video, which takes many seconds, is processed once each way.
    """
    times = 1 if sample.is_video else rounds
    if times > 1:
        functions.process(sample)
    results: dict[bool, list[list[Run]]] = {True: [], False: []}
    records: list[dict[str, Any]] = []  # of the rounds with calls at once
    for _, at_once in itertools.product(range(times), (True, False)):
        Calls.at_once = at_once
        results[at_once].append(functions.process(sample))
        if at_once:
            records.append(functions.last_record())
    quickest = {
        at_once: min(rounds_run, key=lambda runs: _billed(runs, config))
        for at_once, rounds_run in results.items()
    }
    least_cpu = {
        at_once: min(sum(run.cpu for run in runs) for runs in rounds_run)
        for at_once, rounds_run in results.items()
    }
    by_record = units_of_record(records[results[True].index(quickest[True])], config)
    return described(quickest[True], config) | {
        "dollars_per_1000_by_record": round(1000 * Prices.read().cost(by_record), 5),
        "one_by_one_ms": round(1000 * _billed(quickest[False], config)),
        "least_cpu_ms": round(1000 * least_cpu[True]),
        "one_by_one_least_cpu_ms": round(1000 * least_cpu[False]),
    }


def described(runs: Sequence[Run], config: StackConfig) -> dict[str, Any]:
    """Return calls by operation, units, milliseconds, CPU by segment, and dollars per 1,000 objects by service."""
    calls = [call for run in runs for call in run.recording.calls]
    units, prices = billed_units(runs, config), Prices.read()
    dollars = {
        service: round(1000 * prices.cost({kind: units[kind] for kind in kinds}), 5)
        for service, kinds in _SERVICES.items()
    }
    return {
        "calls": len(calls),
        "by_operation": dict(Counter(f"{call.service}:{call.operation}" for call in calls)),
        "write_units": [call.write_units for call in calls if call.write_units],
        "read_units": sum(call.read_units for call in calls),
        "billed_ms": round(1000 * _billed(runs, config)),
        "cpu_ms": round(1000 * sum(run.cpu for run in runs)),
        "latency_ms": round(1000 * sum(run.latency for run in runs)),
        "segments": [segment for run in runs for segment in _segments(run)],
        "units": units,
        "dollars_per_1000": dollars | {"total": round(sum(dollars.values()), 5)},
    }


def billed_units(runs: Sequence[Run], config: StackConfig) -> dict[str, float]:
    """Return what AWS bills for these invocations, by the kinds of `prices.toml`."""
    calls = [call for run in runs for call in run.recording.calls]
    s3 = Counter(_S3_UNITS[call.operation] for call in calls if call.service == "s3")
    polled = sum(bool(run.spec.polls(config)) for run in runs)
    return {
        "rekognition_request": sum(call.service == "rekognition" for call in calls),
        **{kind: s3[kind] for kind in _SERVICES["s3"]},
        "lambda_gigabyte_second": sum(run.spec.memory(config) / 1024 * _seconds(run, config) for run in runs),
        "lambda_request": len(runs),
        "dynamodb_write_unit": sum(call.write_units for call in calls),
        "dynamodb_read_unit": sum(call.read_units for call in calls),
        "sns_request": sum(
            math.ceil(call.sent / NOTIFICATION_BYTES) for call in calls if call.service == "sns"
        ),
        # A message that a function sends is one of the three requests of the message that the next one gets.
        "sqs_request": MESSAGE_REQUESTS * polled
        + sum(call.service == "sqs" and call.operation != "SendMessage" for call in calls),
        "log_byte": sum(run.log_bytes + FRAME_BYTES for run in runs),
    }


def _billed(runs: Sequence[Run], config: StackConfig) -> float:
    return sum(_seconds(run, config) for run in runs)


def _seconds(run: Run, config: StackConfig) -> float:
    """Return what an invocation takes: on whole processors as measured; CPU takes longer on a part of one."""
    bought = run.spec.memory(config) / PROCESSOR_MEGABYTES
    return run.seconds + run.cpu * (1 / bought - 1 / math.ceil(bought))


def _segments(run: Run) -> list[dict[str, Any]]:
    """Return the CPU before each call, calls of one operation in a row together, and after the last one."""
    grouped = groupby(run.recording.calls, key=lambda call: f"{call.service}:{call.operation}")
    rows = [(name, list(calls)) for name, calls in grouped]
    before = [
        {
            "before": name,
            "calls": len(calls),
            "cpu_ms": round(1000 * sum(call.cpu_before for call in calls), 1),
            "latency_ms": round(1000 * sum(call.latency for call in calls), 1),
        }
        for name, calls in rows
    ]
    end = {
        "before": f"the end of {run.spec.name}",
        "calls": 0,
        "cpu_ms": round(1000 * run.cpu_after, 1),
        "latency_ms": 0.0,
    }
    return [*before, end]


def _print(report: Mapping[str, Any], console: Console) -> None:
    services = [*_SERVICES, "total"]
    table = Table(
        title=f"One object in {report['stack']}; USD per 1,000 at the list prices of {report['prices']}"
    )
    for heading in ("object", "calls", "WRU", "RRU", "billed ms", "one by one", "CPU ms", *services):
        table.add_column(heading, justify="left" if heading == "object" else "right")
    for name, each in report["objects"].items():
        figures = (
            each["calls"],
            sum(each["write_units"]),
            each["read_units"],
            each["billed_ms"],
            each["one_by_one_ms"],
            each["cpu_ms"],
        )
        dollars = (f"{each['dollars_per_1000'][service]:.4f}" for service in services)
        table.add_row(name, *map(str, figures), *dollars)
    console.print(table)
    for name, each in report["objects"].items():
        steps = ", ".join(
            f"{step['before']}{'' if step['calls'] < 2 else ' x ' + str(step['calls'])} {step['cpu_ms']:.0f}"
            for step in each["segments"]
        )
        console.print(f"{name}, ms of CPU before: {steps}", markup=False, highlight=False, soft_wrap=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-path", description="measure one object's way")
    parser.add_argument(
        "--stack", action="append", help="measure with its configuration (repeatable; default: dev)"
    )
    parser.add_argument(
        "--object", action="append", help="measure this object alone (repeatable; default: all)"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=_ROUNDS,
        help="times each object is processed, after once to warm up (1: without that)",
    )
    parser.add_argument("--out", default="", help="folder for path-<stack>.json (default: build/bench)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
