"""Check a video of the pipeline with ffmpeg and ffprobe, which the pipeline itself does not use."""

import json
import re
import subprocess
from pathlib import Path
from statistics import mean
from typing import Any

_TIMEOUT = 300.0
_LINE = re.compile(r"^n:(\d+) .*All:([0-9.]+)", re.MULTILINE)


def probe(path: Path) -> dict[str, Any]:
    """Return ffprobe's `format` and `streams` of a file, with frame counts. Raises CalledProcessError."""
    output = _run(
        "ffprobe", "-v", "error", "-show_format", "-show_streams", "-count_frames", "-of", "json", str(path)
    )
    return dict(json.loads(output))


def ssim(made: Path, source: Path) -> tuple[float, float, int]:
    """Return the least and the mean SSIM of `made` against ffmpeg's own scaling of the source, and the frame count.

    Frames are compared in their order. Raises ValueError where the counts differ.
    """
    (video,) = (stream for stream in probe(made)["streams"] if stream["codec_type"] == "video")
    numbered = (
        "settb=1/25,setpts=N"  # by number, in one unit: rounded time stamps must not shift the comparison
    )
    scaled = f"[1:v]scale={video['width']}:{video['height']}:flags=bicubic,{numbered}[wanted]"
    graph = f"{scaled};[0:v]{numbered}[made];[made][wanted]ssim=stats_file=-:shortest=1:repeatlast=0"
    command = ["ffmpeg", "-v", "error", "-i", str(made), "-i", str(source), "-lavfi", graph]
    output = _run(*command, "-fps_mode", "passthrough", "-f", "null", "-")
    values = [float(value) for _, value in _LINE.findall(output)]
    frames = [int(file["nb_read_frames"]) for file in (_video(made), _video(source))]
    if not frames[0] == frames[1] == len(values):
        raise ValueError(f"{frames[0]} frames resulted from {frames[1]}, {len(values)} were compared")
    return min(values), mean(values), len(values)


def problems(path: Path, *, height: int) -> list[str]:
    """Return what keeps a file from being played everywhere; empty for a good one."""
    probed = probe(path)
    found = []
    videos = [stream for stream in probed["streams"] if stream["codec_type"] == "video"]
    sounds = [stream for stream in probed["streams"] if stream["codec_type"] == "audio"]
    if len(videos) != 1 or len(sounds) > 1 or len(probed["streams"]) != len(videos) + len(sounds):
        found.append(f"its streams are {[stream['codec_type'] for stream in probed['streams']]}")
    for video in videos:
        if (video["codec_name"], video["pix_fmt"]) != ("h264", "yuv420p"):
            found.append(f"the picture is {video['codec_name']} in {video['pix_fmt']}")
        if video["width"] % 2 or video["height"] % 2 or video["height"] > height:
            found.append(f"the picture has {video['width']} x {video['height']} px")
        if video.get("side_data_list"):
            found.append(f"the picture carries {video['side_data_list']}")
    found += [f"the sound is {sound['codec_name']}" for sound in sounds if sound["codec_name"] != "aac"]
    tags = probed["format"].get("tags", {}).keys() - {"major_brand", "minor_version", "compatible_brands"}
    if tags - {"encoder"}:
        found.append(f"it is tagged with {sorted(tags)}")
    head = path.read_bytes()
    if not 0 <= head.find(b"moov") < head.find(b"mdat"):
        found.append("its index is not at the front")
    return found


def _video(path: Path) -> dict[str, Any]:
    return next(stream for stream in probe(path)["streams"] if stream["codec_type"] == "video")


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout
