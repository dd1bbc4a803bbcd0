"""`make bench`: this pipeline against the naive recipe and its peers, over photographs sorted into classes.

Every recipe runs on every photograph in turn, round after round, on one CPU: a busy machine slows all of them equally,
and what is compared is processor time, so the ratios of medians stay valid although the milliseconds do not. Sharp is
timed inside its own process.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import compare, node, peak, recipes
from benchmarks.chart import chart, label
from benchmarks.cold_start import cold_start
from benchmarks.encoders import encoder_costs
from benchmarks.photographs import ROOT, Photograph, photographs
from benchmarks.quality import likeness

_ROUNDS = (5, 25)
_SECONDS_A_PHOTO = 5.0
_MEBIBYTE = 1024 * 1024

Runs = dict[str, list[float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write `bench.json` and `bench.svg`, print the table; return the exit code."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160)
    folder = Path(options.photos).expanduser() if options.photos else None
    if folder is not None and not folder.is_dir():
        console.print(f"PHOTOS={options.photos}: there is no such folder", style="red", markup=False)
        return 2
    groups = photographs(folder)
    if not groups:
        console.print(f"PHOTOS={options.photos}: no RGB JPEG of 0.4 to 26 megapixels in it", markup=False)
        return 2
    _use_one_cpu()
    out = Path(options.out or ROOT / "build" / "bench").expanduser()
    out.mkdir(parents=True, exist_ok=True)
    if options.base:
        return _against(Path(options.base).expanduser(), groups, out, console)
    for name in recipes.RECIPES.keys() - recipes.available().keys():
        console.print(f"{name} is not installed here and is left out")
    jobs = {
        job: [_measured(name, members, job, console) for name, members in groups.items()]
        for job in recipes.JOBS
    }
    taken = [photo for members in groups.values() for photo in members if not photo.resampled]
    any_photo = min(taken, key=lambda photo: photo.megapixels)
    report = {
        "classes": jobs,
        "encoders": encoder_costs([photo.path for photo in taken]),
        "cold_start": cold_start(any_photo.path),
        "job": {"sizes": peak.SIZES, "quality": peak.QUALITY, "cpus": 1},
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "python": platform.python_version(),
        },
    }
    (out / "bench.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    (out / "bench.svg").write_text(chart(jobs["jpeg+webp"]), encoding="utf-8")
    _print(report, console)
    console.print(f"{out / 'bench.json'} and bench.svg are written", markup=False, soft_wrap=True)
    return 0


def _against(base: Path, groups: dict[str, list[Photograph]], out: Path, console: Console) -> int:
    if not (base / "benchmarks" / "recipes.py").is_file():
        console.print(f"BASE={base}: it is not a checkout of this project", style="red", markup=False)
        return 2
    found = compare.compare(base.resolve(), groups, console)
    (out / "compare.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _measured(name: str, members: list[Photograph], job: str, console: Console) -> dict[str, Any]:
    available = recipes.available(job)
    wall: Runs = {recipe: [] for recipe in available}
    cpu: Runs = {recipe: [] for recipe in available}
    written: Runs = {recipe: [] for recipe in available}
    peaks: Runs = {recipe: [] for recipe in available}
    likenesses = []
    for photo in members:
        console.print(
            f"{job}, {name}: {photo.path.name} ({photo.megapixels:.1f} MP)", markup=False, highlight=False
        )
        data = photo.path.read_bytes()
        for recipe, (seconds, cpu_seconds, length) in _interleaved(data, available).items():
            wall[recipe].append(seconds * 1000)
            cpu[recipe].append(cpu_seconds * 1000)
            written[recipe].append(length)
            if peak.measurable():
                peaks[recipe].append(peak.added(recipe, photo.path, job=job) / _MEBIBYTE)
        likenesses.append(likeness(data, peak.SIZES, tuple(job.split("+"))))
    ours = median(cpu["pipeline"])
    return {
        "name": name,
        "photos": len(members),
        "resampled": any(photo.resampled for photo in members),
        "ratio": {
            peer: round(median(cpu[peer]) / ours, 2) if peer in cpu else None
            for peer in recipes.JOBS[job]
            if peer != "pipeline"
        },
        "ssim_worst": round(min(like.ssim for like in likenesses), 4),
        "psnr_worst": round(min(like.psnr for like in likenesses), 1),
        "peak_mb": round(max(peaks["pipeline"]), 1) if peaks["pipeline"] else None,
        "milliseconds": {recipe: round(median(values), 1) for recipe, values in cpu.items()},
        "wall_milliseconds": {recipe: round(median(values), 1) for recipe, values in wall.items()},
        "bytes": {recipe: round(median(values)) for recipe, values in written.items()},
        "peak_mb_of": {recipe: round(max(values), 1) for recipe, values in peaks.items() if values},
        "files": [photo.path.name for photo in members],
    }


def _interleaved(data: bytes, available: Mapping[str, recipes.Recipe]) -> dict[str, tuple[float, float, int]]:
    """Return each recipe's median seconds, CPU seconds, and bytes written; the first round warms up."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in available}
    written = dict.fromkeys(available, 0)
    least, most = _ROUNDS
    started, done = time.perf_counter(), -1
    while done < least or (done < most and time.perf_counter() - started < _SECONDS_A_PHOTO):
        turn = (done + 1) % len(
            available
        )  # the order changes, so that each recipe finds warm caches equally often
        for name, recipe in (*tuple(available.items())[turn:], *tuple(available.items())[:turn]):
            *times, written[name] = _timed(name, recipe, data)
            if done >= 0:
                runs[name].append((times[0], times[1]))
        done += 1
    return {
        name: (median(run[0] for run in all_runs), median(run[1] for run in all_runs), written[name])
        for name, all_runs in runs.items()
    }


def _timed(name: str, recipe: recipes.Recipe, data: bytes) -> tuple[float, float, int]:
    start, cpu_start = time.perf_counter(), time.process_time()
    made = recipe(data, peak.SIZES, peak.QUALITY)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    if name == "sharp":  # without the pipes between the processes
        seconds, cpu_seconds = node.process().milliseconds / 1000, node.process().cpu_milliseconds / 1000
    return seconds, cpu_seconds, sum(map(len, made.values()))


def _use_one_cpu() -> None:
    """Restrict this process and its children to one CPU: a function of 1,769 MB has no more."""
    os.environ["VIPS_CONCURRENCY"] = "1"  # read by libvips when it is loaded
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _print(report: Mapping[str, Any], console: Console) -> None:
    for job, classes in report["classes"].items():
        _print_job(job, classes, console)
    for name, cost in report["encoders"].items():
        console.print(
            f"{name} at 1024 px: {cost['time']:.1f} x the time of JPEG q80 for {cost['bytes']:.2f} x its bytes"
        )
    start = report["cold_start"]
    console.print(
        f"cold start: {start['function']:.0f} ms CPU, {start['ratio']:.2f} x the bare import of boto3 and Pillow with "
        f"an S3 client ({start['bare']:.0f} ms); the first picture {start['first_object']:.0f} ms more; "
        f"tracing adds {start['tracing_adds']:.0f} ms"
    )


def _print_job(job: str, classes: Sequence[Mapping[str, Any]], console: Console) -> None:
    table = Table(title=f"Long edges 2048, 1024, 512, 150 as {job}, quality 80, one CPU")
    for heading in (
        "class",
        "photos",
        "ms",
        *(f"x {peer}" for peer in recipes.JOBS[job] if peer != "pipeline"),
        "SSIM",
        "PSNR",
        "peak MB",
        "bytes/naive",
    ):
        table.add_column(heading, justify="left" if heading == "class" else "right")
    for entry in classes:
        ratio = (f"{value:.2f}" if value else "-" for value in entry["ratio"].values())
        table.add_row(
            label(entry),
            str(entry["photos"]),
            f"{entry['milliseconds']['pipeline']:.0f}",
            *ratio,
            f"{entry['ssim_worst']:.4f}",
            f"{entry['psnr_worst']:.1f}",
            f"{entry['peak_mb']:.0f}" if entry["peak_mb"] is not None else "-",
            f"{entry['bytes']['pipeline'] / entry['bytes']['naive']:.2f}",
        )
    console.print(table)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench", description="measure the renditions against their peers"
    )
    parser.add_argument(
        "--photos", default="", help="folder of photographs (default: ../shared/photos, else drawn)"
    )
    parser.add_argument("--base", default="", help="another checkout: measure against it alone, interleaved")
    parser.add_argument(
        "--out", default="", help="folder for bench.json and bench.svg (default: build/bench)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
