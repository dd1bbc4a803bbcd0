"""Sends a file through the package and looks at what is published."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from PIL import Image

from media_pipeline.images.sniffing import sniff
from media_pipeline.videos.source import open_video
from media_pipeline.videos.transcoding import transcode
from media_pipeline.videos.video_limits import VideoLimits

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Published:
    """A published video as a player sees it: each frame's time in seconds and picture."""

    frames: tuple[tuple[float, Image.Image], ...]
    seconds: float
    has_sound: bool
    dropped_sound: str | None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.frames[0][1].size

    def at(self, time: float) -> Image.Image:
        """Return the picture that is shown at a time."""
        return [picture for start, picture in self.frames if start <= time + 1e-6][-1]


def publish(
    path: Path, limits: VideoLimits | None = None, lines: int = 720, background: Colour = (255, 255, 255)
) -> Published:
    """Send a file through the package. Raises RejectedError."""
    limits = limits or VideoLimits()
    target = path.with_name("published.mp4")
    with open_video(path, sniff(path.read_bytes()[:4096]).content_type, limits) as source:
        video = transcode(source, target, lines=lines, background=background, limits=limits)
    with av.open(str(target)) as container:
        frames = tuple((frame.time or 0.0, picture(frame)) for frame in container.decode(video=0))
        track = container.streams.video[0]
        return Published(
            frames=frames,
            seconds=float((track.duration or 0) * (track.time_base or 0)),
            has_sound=video.has_sound,
            dropped_sound=source.dropped_audio,
        )


def picture(frame: Any) -> Image.Image:
    """Return a frame in RGB, with the matrix that its file names."""
    matrix = "ITU601" if int(frame.colorspace) == 6 else "ITU709"
    made: Image.Image = frame.to_image(src_colorspace=matrix, src_color_range="MPEG", dst_color_range="JPEG")
    return made


def pixel(image: Image.Image, x: int, y: int) -> Colour:
    """Return red, green and blue at a point."""
    found: Any = image.getpixel((x, y))
    return found[0], found[1], found[2]


def near(found: Colour, wanted: Any, tolerance: int) -> bool:
    """Return whether a colour is as expected.json wants it: "grey", or levels of which None fits any."""
    if wanted == "grey":
        return max(found) - min(found) <= tolerance
    return all(
        want is None or abs(level - want) <= tolerance for level, want in zip(found, wanted, strict=True)
    )


def element(number: int, content: bytes) -> bytes:
    """Return an EBML element with a size of eight bytes."""
    length = (number.bit_length() + 7) // 8
    return number.to_bytes(length, "big") + (1 << 56 | len(content)).to_bytes(8, "big") + content
