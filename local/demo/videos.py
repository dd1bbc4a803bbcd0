"""The demo's videos: drawn and encoded at run time, one for each case that has to come out right."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from PIL import Image

from local.demo import scenes
from local.demo.filming import Film, Shot, film, tune

SECONDS = 4.0
RATE = 24
WIDE, UPRIGHT = (640, 360), (360, 640)
QUARTER_TURN = 90  # the display matrix of a phone held upright: its sensor saw the world lying on its side


def draw(folder: Path) -> None:
    """Draw the sample videos into `folder`, which is there."""
    film(folder / "panorama, panned.mp4", _panned(), Film(rate=RATE), seconds=SECONDS)
    film(
        folder / "held upright, with sound.mov",
        _rising(),
        Film(rate=RATE, rotation=-QUARTER_TURN),
        seconds=SECONDS,
        sound=tune(SECONDS),
    )
    film(
        folder / "at an uneven pace.webm",
        _uneven(),
        Film(codec="libvpx", rate=RATE, options={"deadline": "realtime", "cpu-used": "8", "b": "600k"}),
        seconds=SECONDS,
    )


def draw_card(folder: Path, labels: Mapping[str, float], name: str = "card in a video.mp4") -> None:
    """Draw a harmless video in whose middle a moderation card with `labels` appears for a second."""
    from embedded_aws.rekognition import draw_card as card

    shown = card(labels, WIDE)
    shots = (
        (time, shown if SECONDS / 2 - 0.5 <= time < SECONDS / 2 + 0.5 else picture)
        for time, picture in _panned()
    )
    film(folder / name, shots, Film(rate=RATE), seconds=SECONDS)


def draw_broken(folder: Path) -> None:
    """Draw a video whose second half, and with it the index, never arrived."""
    path = folder / "half a video.mp4"
    film(path, _panned(), Film(rate=RATE), seconds=SECONDS)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _panned() -> Iterator[Shot]:
    """Move the view over a panorama."""
    width, height = WIDE
    panorama = scenes.dunes((4 * height * 5 // 4, height))
    for time in _times():
        left = (panorama.width - width) * _eased(time / SECONDS)
        yield time, panorama.crop((round(left), 0, round(left) + width, height))


def _rising() -> Iterator[Shot]:
    """Raise the view in portrait format; the video is stored lying on its side."""
    width, height = UPRIGHT
    scene = scenes.balloons((width, height * 5 // 4))
    for time in _times():
        top = (scene.height - height) * (1 - _eased(time / SECONDS))
        upright = scene.crop((0, round(top), width, round(top) + height))
        yield time, upright.transpose(Image.Transpose.ROTATE_90)


def _uneven() -> Iterator[Shot]:
    """Zoom in, with frames at changing intervals, as from a phone in the dark or a shared screen."""
    width, height = WIDE
    scene = scenes.lake((width * 3 // 2, height * 3 // 2))
    time = 0.0
    while time < SECONDS:
        share = 1 - 0.4 * _eased(time / SECONDS)
        box = (
            scene.width * (1 - share) * 0.6,
            scene.height * (1 - share) * 0.5,
            scene.width * ((1 - share) * 0.6 + share),
            scene.height * ((1 - share) * 0.5 + share),
        )
        yield time, scene.resize(WIDE, Image.Resampling.BILINEAR, box=box)
        time += (2 + math.sin(2 * time)) / (2 * RATE)


def _times() -> Iterator[float]:
    return (number / RATE for number in range(round(SECONDS * RATE)))


def _eased(share: float) -> float:
    """Return 0 to 1, slowly at both ends."""
    return (1 - math.cos(math.pi * share)) / 2
