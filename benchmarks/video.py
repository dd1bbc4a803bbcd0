"""`make bench-video`: transcode ten seconds of 1080p30 to 720p, against the ffmpeg command line on the same settings.

Runs take turns, so that a busy machine slows all equally; what counts is the ratio of the medians. ffprobe and ffmpeg
then check the result, and films that flash and click show whether sound is in sync.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import sync, video_checks, video_recipes, video_source
from benchmarks.json_process import JsonProcess
from benchmarks.peak import ROOT
from benchmarks.video_recipes import Settings
from local.demo.filming import Film

LIMITS: Mapping[str, float] = {
    "time_ratio": 1.05,  # of ffmpeg's, at most
    "peak_megabytes": 300,  # above idle, at most
    "ssim_least": 0.95,
    "sound_offset_milliseconds": 40,
}
_MEGABYTE = 1_000_000
_VP8 = {"deadline": "realtime", "cpu-used": "8"}
SYNC: Mapping[str, tuple[Film, dict[str, Any]]] = {
    "constant.mp4": (Film(rate=30), {}),
    "uneven.mp4": (Film(rate=30), {"uneven": True}),
    "uneven.mkv": (Film(rate=25), {"uneven": True}),
    "late-sound.mov": (Film(rate=30), {"sound_late": 0.5}),
    "late-sound.mkv": (Film(rate=24), {"uneven": True, "sound_late": 0.3}),
    "uneven.webm": (
        Film(codec="libvpx", sound_codec="libopus", rate=25, options=_VP8),
        {"uneven": True},
    ),
    "turned.mov": (Film(rate=30, rotation=-90), {}),
}


class Worker(JsonProcess):
    """A process that transcodes videos with one recipe."""

    def __init__(self, recipe: str, settings: Settings) -> None:
        command = [sys.executable, "-m", "benchmarks.video_worker", recipe, json.dumps(asdict(settings))]
        super().__init__(command, ROOT)

    def run(self, source: Path, target: Path) -> dict[str, float]:
        """Transcode one video; return seconds, CPU seconds and by how many bytes the peak exceeds idle."""
        return self.ask({"source": str(source), "target": str(target)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, check, write `bench-video.json`, print the table; return 1 if a limit is exceeded."""
    options = _parser().parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    if absent := list(video_recipes.missing()):
        console.print(f"{' and '.join(absent)} must be on PATH (on Debian: apt-get install ffmpeg)")
        return 2
    from benchmarks.video_pipeline import SETTINGS

    out = Path(options.out or ROOT / "build" / "bench-video").expanduser()
    out.mkdir(parents=True, exist_ok=True)
    source = video_source.made(out / "source.mp4")
    report = _measured(source, out, SETTINGS, options.pairs)
    report["limits"] = dict(LIMITS)
    report["machine"] = {
        "system": platform.platform(),
        "processor": platform.machine(),
        "python": platform.python_version(),
    }
    broken = _broken(report)
    report["broken"] = broken
    (out / "bench-video.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _print(report, console)
    console.print(f"{out / 'bench-video.json'} is written", markup=False, soft_wrap=True)
    for sentence in broken:
        console.print(sentence, style="red", markup=False)
    return 1 if broken else 0


def _measured(source: Path, out: Path, settings: Settings, pairs: int) -> dict[str, Any]:
    workers = {name: Worker(name, settings) for name in ("pipeline", "plain")}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ("pipeline", "plain", "ffmpeg")}
    try:
        for number in range(pairs + 1):
            names = list(runs)
            turn = number % len(names)  # the order changes
            for name in names[turn:] + names[:turn]:
                target = out / f"{name}.mp4"
                if name == "ffmpeg":
                    figures = {"seconds": video_recipes.command_line(source, target, settings)}
                else:
                    figures = workers[name].run(source, target)
                if number:  # the first round warms up
                    runs[name].append(figures)
        offsets = _sound_offsets(workers["pipeline"])
    finally:
        for worker in workers.values():
            worker.close()
    seconds = {name: median(run["seconds"] for run in all_runs) for name, all_runs in runs.items()}
    peaks = [run["peak_bytes"] for run in runs["pipeline"] if run["peak_bytes"] is not None]
    made = out / "pipeline.mp4"
    least, average, frames = video_checks.ssim(made, source)
    return {
        "settings": asdict(settings),
        "pairs": pairs,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "time_ratio": round(seconds["pipeline"] / seconds["ffmpeg"], 3),
        "time_ratio_plain": round(seconds["plain"] / seconds["ffmpeg"], 3),
        "peak_megabytes": round(max(peaks) / _MEGABYTE, 1) if peaks else None,
        "frames": frames,
        "ssim_least": round(least, 4),
        "ssim_mean": round(average, 4),
        "ssim_least_of_ffmpeg": round(video_checks.ssim(out / "ffmpeg.mp4", source)[0], 4),
        "bytes": {name: (out / f"{name}.mp4").stat().st_size for name in runs},
        "problems": video_checks.problems(made, height=settings.height),
        "sound_offsets_milliseconds": {name: round(1000 * value, 1) for name, value in offsets.items()},
        "sound_offset_milliseconds": round(max(1000 * abs(value) for value in offsets.values()), 1),
    }


def _sound_offsets(worker: Worker) -> dict[str, float]:
    """Return by how many seconds sound is late in each film that flashes and clicks."""
    offsets = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (how, choices) in SYNC.items():
            film, made = Path(folder) / name, Path(folder) / f"{name}.made.mp4"
            sync.flashing(film, how, **choices)
            worker.run(film, made)
            offsets[name] = sync.worst_offset(made)
    return offsets


def _broken(report: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each limit that is exceeded."""
    found = [f"the video has a problem: {problem}" for problem in report["problems"]]
    for name, limit in LIMITS.items():
        value = report[name]
        if value is not None and (value < limit if name == "ssim_least" else value > limit):
            found.append(f"{name} is {value}, the limit is {limit}")
    return found


def _print(report: Mapping[str, Any], console: Console) -> None:
    table = Table(title=f"10 s of 1080p30 to 720p, {report['pairs']} runs alternating: {report['settings']}")
    for heading in ("", "s", "x ffmpeg", "bytes"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, seconds in report["seconds"].items():
        ratio = seconds / report["seconds"]["ffmpeg"]
        table.add_row(name, f"{seconds:.2f}", f"{ratio:.3f}", f"{report['bytes'][name]:,}")
    console.print(table)
    console.print(
        f"peak {report['peak_megabytes']} MB above idle; SSIM of {report['frames']} frames at least "
        f"{report['ssim_least']} (ffmpeg's {report['ssim_least_of_ffmpeg']}), on average {report['ssim_mean']}; "
        f"sound off by at most {report['sound_offset_milliseconds']} ms: {report['sound_offsets_milliseconds']}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-video", description="measure the video function's work")
    parser.add_argument("--pairs", type=int, default=7, help="how often each takes its turn")
    parser.add_argument("--out", default="", help="folder (default: build/bench-video)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
