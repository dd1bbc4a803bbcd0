"""Little films for the tests, drawn and encoded in a moment."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw

SIZE = (160, 120)
TICK = Fraction(1, 12_800)
SOUND_RATE = 48_000
Picture = Callable[[float], Image.Image]


def moving(time: float) -> Image.Image:
    """Draw a square that moves over a coloured ground."""
    image = Image.new("RGB", SIZE, (40, 90, 160))
    left = int(time * 30) % (SIZE[0] - 40)
    ImageDraw.Draw(image).rectangle((left, 30, left + 40, 70), fill=(230, 180, 40))
    return image


def plain(colour: tuple[int, int, int], size: tuple[int, int] = SIZE) -> Image.Image:
    """Draw a picture of one colour."""
    return Image.new("RGB", size, colour)


def shoot(
    path: Path,
    *,
    seconds: float = 1.0,
    rate: int = 10,
    picture: Picture = moving,
    times: list[float] | None = None,
    sound: bool = False,
    sound_late: float = 0.0,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    rotation: int = 0,
    metadata: dict[str, str] | None = None,
    aspect: Fraction | None = None,
) -> None:
    """Encode a film; `times` are those of its frames where they are not even."""
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        chosen = {"preset": "ultrafast", "threads": "1"} if codec == "libx264" else {}
        track: Any = container.add_stream(codec, rate=rate, options=chosen | (options or {}))
        first = picture(0.0)
        track.width, track.height, track.pix_fmt = *first.size, pixels
        if codec == "libx264":
            track.codec_context.time_base = TICK
        if aspect:
            track.codec_context.sample_aspect_ratio = aspect
        if rotation:
            track.set_display_rotation(rotation)
        audio: Any = (
            container.add_stream(
                "aac" if path.suffix != ".webm" else "libopus", rate=SOUND_RATE, layout="mono"
            )
            if sound
            else None
        )
        for time in times or [number / rate for number in range(round(seconds * rate))]:
            frame = VideoFrame.from_image(picture(time))  # type: ignore[no-untyped-call] # PyAV leaves it so
            frame.time_base, frame.pts = TICK, round(time / TICK)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
        if audio is not None:
            for tone in _beeps(seconds, sound_late):
                container.mux(audio.encode(tone))
            container.mux(audio.encode(None))


def _beeps(seconds: float, late: float) -> list[AudioFrame]:
    """Return a click at every full second, and silence in between."""
    frames = []
    for start in range(0, round(seconds * SOUND_RATE), 960):
        frame = AudioFrame(format="s16", layout="mono", samples=960)
        on = start % SOUND_RATE < 4800
        data = b"".join(
            (9000 if on and (n // 24) % 2 else -9000 if on else 0).to_bytes(2, "little", signed=True)
            for n in range(960)
        )
        frame.planes[0].update(data.ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.pts = SOUND_RATE, start + round(late * SOUND_RATE)
        frame.time_base = Fraction(1, SOUND_RATE)
        frames.append(frame)
    return frames


def encode_with_alpha(path: Path, codec: str, pixels: str, image: Image.Image) -> None:
    """Encode half a second of one picture in RGBA."""
    with av.open(str(path), "w") as container:
        options = {"auto-alt-ref": "0", "crf": "10", "b": "2M"} if codec.startswith("libvpx") else {}
        stream: Any = container.add_stream(codec, rate=10, options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = pixels
        for number in range(5):
            frame: Any = VideoFrame.from_bytes(image.tobytes(), *SIZE, format="rgba")
            frame = frame.reformat(format=pixels)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
