"""Check that sound is in sync: a film whose screen flashes with each click, and the film that results from it."""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any, cast

import av
from av.audio.resampler import AudioResampler
from PIL import Image

from local.demo.filming import SAMPLE_RATE, Film, Shot, film

SECONDS = 8.0
FLASHES = tuple(1.0 + number for number in range(6))  # on full seconds, where every rate has a frame
FLASH_SECONDS = 0.2
CLICK_SECONDS = 0.05
_DARK, _BRIGHT = 20, 235
_LOUD = 6000  # of 32,767; the click has 20,000, and AAC's pre-echo far less


def flashing(
    path: Path,
    how: Film,
    *,
    size: tuple[int, int] = (320, 180),
    uneven: bool = False,
    sound_late: float = 0.0,
    shifted: float = 0.0,
) -> None:
    """Write the film; with `uneven`, frames come at changing intervals, except one at the start of each flash.

    `sound_late` s is how much later than the picture the sound begins, by its timestamps; clicks stay in sync.
    `shifted` s is how far they are out of sync.
    """
    clicks = _clicks(sound_late - shifted)
    film(path, _shots(how.rate, size, uneven), how, seconds=SECONDS, sound=clicks, late=sound_late)


def worst_offset(path: Path) -> float:
    """Return the largest difference between a flash and its click in seconds, positive where the sound is late.

    Raises ValueError where the flashes and clicks of `FLASHES` are not all found.
    """
    flashes, clicks = _onsets(_brightness(path), (_DARK + _BRIGHT) / 2), _onsets(_loudness(path), _LOUD)
    if len(flashes) != len(FLASHES) or len(clicks) != len(FLASHES):
        raise ValueError(f"{path.name}: {len(flashes)} flashes and {len(clicks)} clicks, not {len(FLASHES)}")
    return max((click - flash for flash, click in zip(flashes, clicks, strict=True)), key=abs)


def times_of_flashes(path: Path) -> list[float]:
    """Return when each flash begins, in seconds."""
    return _onsets(_brightness(path), (_DARK + _BRIGHT) / 2)


def _shots(rate: int, size: tuple[int, int], uneven: bool) -> Iterator[Shot]:
    dark, bright = (Image.new("RGB", size, (level,) * 3) for level in (_DARK, _BRIGHT))
    times = {number / rate for number in range(round(SECONDS * rate))}
    if uneven:
        rng = random.Random(1)
        times = {time for time in times if time == 0.0 or rng.random() < 0.6} | set(FLASHES)
    for time in sorted(times):
        flash = any(-1e-6 <= time - start < FLASH_SECONDS for start in FLASHES)
        yield time, bright if flash else dark


def _clicks(late: float) -> array[int]:
    rng = random.Random(2)
    sound = array("h", bytes(2 * round((SECONDS - late) * SAMPLE_RATE)))
    for start in FLASHES:
        first = round((start - late) * SAMPLE_RATE)
        for index in range(first, first + round(CLICK_SECONDS * SAMPLE_RATE)):
            sound[index] = rng.choice((-20_000, 20_000))
    return sound


def _onsets(levels: Iterator[tuple[float, float]], threshold: float) -> list[float]:
    """Return when the level exceeds the threshold after at least half a second below it."""
    found: list[float] = []
    above = -1.0
    for time, level in levels:
        if level > threshold:
            if not found or time - above > 0.5:
                found.append(time)
            above = time
    return found


def _brightness(path: Path) -> Iterator[tuple[float, float]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            # In RGB, because the decoder knows the range of the file's values.
            small = cast(Any, frame.reformat(width=16, height=16, format="rgb24"))
            yield frame.time or 0.0, mean(bytes(small.planes[0]))


def _loudness(path: Path) -> Iterator[tuple[float, float]]:
    resampler = AudioResampler("s16", "mono", SAMPLE_RATE)
    with av.open(str(path)) as container:
        for decoded in container.decode(audio=0):
            began = decoded.time or 0.0
            at = 0
            for frame in resampler.resample(decoded):
                samples = array("h", bytes(frame.planes[0])[: frame.samples * 2])
                for index, sample in enumerate(samples):
                    yield began + (at + index) / SAMPLE_RATE, abs(sample)
                at += frame.samples
