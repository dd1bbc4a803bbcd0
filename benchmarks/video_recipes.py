"""Recipes for a 720p video for the web: the ffmpeg command line, and the plainest loop over PyAV."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of all recipes; `sound` in bits per second."""

    height: int
    crf: int
    preset: str
    threads: int
    sound: int

    @property
    def x264(self) -> dict[str, str]:
        """Options of the encoder."""
        return {"crf": str(self.crf), "preset": self.preset, "threads": str(self.threads)}


def command_line(source: Path, target: Path, settings: Settings) -> float:
    """Run ffmpeg and return the seconds that it took. Raises CalledProcessError."""
    threads = ("-threads", str(settings.threads))
    picture = (
        "-c:v",
        "libx264",
        "-preset",
        settings.preset,
        "-crf",
        str(settings.crf),
        "-pix_fmt",
        "yuv420p",
    )
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *threads, "-i", str(source)]
    command += ["-map", "0:v:0", "-map", "0:a:0?", "-vf", f"scale=-2:{settings.height}:flags=bicubic"]
    command += [*picture, *threads, "-c:a", "aac", "-b:a", str(settings.sound), "-map_metadata", "-1"]
    began = time.perf_counter()
    subprocess.run([*command, "-movflags", "+faststart", str(target)], check=True)
    return time.perf_counter() - began


def plain_loop(source: Path, target: Path, settings: Settings) -> None:
    """Decode, scale, encode, one frame after the other, as in PyAV's documentation."""
    with (
        av.open(str(source), "r") as opened,
        av.open(str(target), "w", options={"movflags": "faststart"}) as written,
    ):
        picture: Any = opened.streams.video[0]
        picture.thread_type = "AUTO"
        picture.codec_context.thread_count = settings.threads
        width = round(picture.width * settings.height / picture.height / 2) * 2
        video: Any = written.add_stream("libx264", rate=picture.average_rate, options=settings.x264)
        video.width, video.height, video.pix_fmt = width, settings.height, "yuv420p"
        sound: Any = opened.streams.audio[0] if opened.streams.audio else None
        audio: Any = None
        if sound is not None:
            audio = written.add_stream("aac", rate=sound.rate, layout=sound.layout.name)
            audio.bit_rate = settings.sound
        for packet in opened.demux([picture] if sound is None else [picture, sound]):
            for frame in packet.decode():
                written.mux(_encoded(frame, video, audio, width, settings.height))
        for stream in (video, audio):
            if stream is not None:
                written.mux(stream.encode(None))


def _encoded(frame: Any, video: Any, audio: Any, width: int, height: int) -> list[Any]:
    if isinstance(frame, av.VideoFrame):
        return list(video.encode(frame.reformat(width, height, "yuv420p", interpolation="BICUBIC")))
    return list(audio.encode(frame))


def missing() -> Iterator[str]:
    """Yield those of ffmpeg's commands that are not on PATH."""
    for name in ("ffmpeg", "ffprobe"):
        try:
            subprocess.run([name, "-version"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            yield name
