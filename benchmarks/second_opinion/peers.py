"""Three programs that show a file: this pipeline, libvips, FFmpeg. Each gives a `View`, or says why it has none."""

import importlib
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from PIL import Image

from benchmarks.second_opinion.views import Grid, View, chosen, grid

MOST_PIXELS = 60_000_000
"""Of one frame, for the peers: a little more than the pipeline allows."""
_MOST_FRAMES = 400
_TIMEOUT = 60.0  # seconds for the end of a process that has nothing more to say
_VIDEO_RATE = 10  # frames a second that a video is sampled with
_MOST_SAMPLES = 600
SHARES = (0.1, 0.5, 0.9)
"""Where a video is looked at, as shares of the published length."""


class NoViewError(Exception):
    """The program shows nothing of the file; the message is its own."""


def by_libvips(data: bytes, *, is_strict: bool) -> View:
    """Show a picture with libvips: all frames where it is animated; nothing that is broken, if it `is_strict`.

    Raises NoViewError.
    """
    vips = importlib.import_module("pyvips")
    fails = {"fail_on": "warning" if is_strict else "none"}
    try:
        image: Any = vips.Image.new_from_buffer(data, "", **fails)
        pages = image.get("n-pages") if image.get_typeof("n-pages") else 1
        is_animated = pages > 1 and image.get("vips-loader") in ("gifload_buffer", "webpload_buffer")
        if image.width * image.height > MOST_PIXELS:
            raise NoViewError(f"{image.width} x {image.height} pixels")
        numbers = chosen(pages) if is_animated else (0,)
        grids = []
        for number in numbers:
            if is_animated:
                image = vips.Image.new_from_buffer(data, "", page=number, **fails)
            shown = _in_srgb(vips, image.autorot())
            grids.append(grid(Image.frombytes("RGB", (shown.width, shown.height), shown.write_to_memory())))
    except vips.Error as error:
        raise NoViewError(" ".join(str(error).split())[:200]) from error
    return View(
        width=shown.width,
        height=shown.height,
        frames=pages if is_animated else 1,
        grids=tuple(grids),
    )


def _in_srgb(vips: Any, image: Any) -> Any:
    """Convert to sRGB of 8 bits over white."""
    if image.get_typeof("icc-profile-data"):
        try:
            image = image.icc_transform("srgb", embedded=True, intent="perceptual")
        except vips.Error:
            image = image.colourspace("srgb")
    elif image.interpretation != "srgb":
        image = image.colourspace("srgb")
    if image.hasalpha():
        image = image.flatten(background=255)
    image = image.cast("uchar")
    return image[0].bandjoin([image[0], image[0]]) if image.bands < 3 else image[:3]


def by_ffmpeg(data: bytes, video: tuple[float, ...] | None = None, *, is_strict: bool) -> View:
    """Show a picture, or a video at some times in seconds (`video`), with the `ffmpeg` command.

    It shows nothing that is broken, if it `is_strict`. Raises NoViewError.
    """
    with tempfile.TemporaryDirectory(prefix="second-opinion-") as folder:
        path = Path(folder) / "file"  # without a suffix: the content says what it is
        path.write_bytes(data)
        rate = ["-vf", f"fps={_VIDEO_RATE}:start_time=0:round=down,scale=iw*sar:ih"] if video else []
        careful = ["-xerror", "-err_detect", "explode"] if is_strict else []
        command = [
            *("ffmpeg", "-v", "error", "-nostdin", *careful, "-i", str(path), "-map", "0:v:0"),
            *rate,
            *("-frames:v", str(_MOST_SAMPLES if video else _MOST_FRAMES), "-fps_mode", "passthrough"),
            *("-c:v", "pam", "-pix_fmt", "rgba", "-f", "image2pipe", "-"),
        ]
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said)
            try:
                frames, size = _collected(process)
                failed = process.wait(_TIMEOUT) != 0
            finally:
                process.kill()
                process.wait()
            if not frames or (is_strict and failed):
                said.seek(0)
                words = said.read().decode("utf-8", "replace").split()
                raise NoViewError(" ".join(words)[-200:] or "no frame")
    if video is None:
        grids = [frames[number] for number in chosen(len(frames))]
        return View(width=size[0], height=size[1], frames=len(frames), grids=tuple(grids))
    grids = [frames[min(len(frames) - 1, int(time * _VIDEO_RATE))] for time in video]
    return View(width=size[0], height=size[1], frames=0, grids=tuple(grids))


def _collected(process: subprocess.Popen[bytes]) -> tuple[list[Grid], tuple[int, int]]:
    """Read all frames; the size is that of the first one."""
    assert process.stdout is not None  # noqa: S101 it is a pipe
    frames: list[Grid] = []
    size = (0, 0)
    for image in _pictures(process.stdout):
        size = size if frames else image.size
        white = Image.new("RGBA", image.size, "white")
        frames.append(grid(Image.alpha_composite(white, image)))
    return frames, size


def _pictures(stream: IO[bytes]) -> Iterator[Image.Image]:
    """Yield the RGBA pictures of a stream of PAM files."""
    while stream.readline() == b"P7\n":
        header: dict[bytes, bytes] = {}
        while (line := stream.readline()) not in (b"ENDHDR\n", b""):
            name, _, value = line.strip().partition(b" ")
            header[name] = value
        size = int(header[b"WIDTH"]), int(header[b"HEIGHT"])
        if size[0] * size[1] > MOST_PIXELS:
            return
        pixels = stream.read(size[0] * size[1] * 4)
        if len(pixels) == size[0] * size[1] * 4:
            yield Image.frombytes("RGBA", size, pixels)
