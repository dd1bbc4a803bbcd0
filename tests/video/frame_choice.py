"""Which frames of generated footage would be judged: encoded and decoded, but without a stack, which is faster."""

from dataclasses import dataclass
from pathlib import Path

import av

from media_pipeline.videos.fingerprints import fingerprint
from media_pipeline.videos.frame_selection import choose_frames
from media_pipeline.videos.scenes import TimedFrame
from tests.video.footage import Footage


@dataclass(frozen=True)
class Chosen:
    """Times in seconds of the frames that would be judged; `hits`: those that fully show the card."""

    name: str
    times: tuple[float, ...]
    hits: tuple[float, ...]


def chosen(footage: Footage, budget: int, path: Path) -> Chosen:
    """Encode footage into `path`, decode it, and choose frames as the video function does."""
    if not path.exists():
        footage.shoot(path)
    times, fingerprints = [], []
    with av.open(str(path), "r") as container:
        for frame in container.decode(video=0):
            times.append(frame.time or 0.0)
            fingerprints.append(fingerprint(frame.planes))
    ends = [*times[1:], footage.seconds]
    shown = [
        TimedFrame(time, end - time, drawn)
        for time, end, drawn in zip(times, ends, fingerprints, strict=True)
    ]
    judged = tuple(times[number] for number in choose_frames(shown, budget).frames)
    begin, end = footage.card_from_to
    return Chosen(footage.name, judged, tuple(time for time in judged if begin - 1e-3 <= time < end - 1e-3))
