"""Videos on the report's page: players, and the moments that were judged."""

from collections.abc import Iterable
from dataclasses import dataclass

from local.demo.outcomes import Judged, Outcome, Rendition

VIDEO = "mp4"  # the format of the one rendition that plays
PLAYER_BOX = (380, 300)  # CSS pixels
LEAST_PLAYER = 210  # CSS pixels; narrower ones have no room for their controls


@dataclass(frozen=True)
class Player:
    """The video's rendition; `displayed` is its width in CSS pixels, `poster` the picture shown before it plays."""

    video: Rendition
    poster: Rendition | None
    displayed: int


@dataclass(frozen=True)
class Moment:
    """A judged frame; `percent` is its position in the video, `description` is for people."""

    judged: Judged
    percent: float
    description: str


def player_of(outcome: Outcome) -> Player | None:
    """Return the player of a published video, with its largest poster that every browser shows."""
    video = next((each for each in outcome.renditions if each.format == VIDEO), None)
    if video is None:
        return None
    posters = sorted(pictures(outcome.renditions), key=lambda each: (each.format != "jpeg", -each.width))
    width, height = PLAYER_BOX
    fitted = min(video.width, width, round(video.width * height / video.height))
    return Player(video, posters[0] if posters else None, max(LEAST_PLAYER, fitted))


def pictures(renditions: Iterable[Rendition]) -> list[Rendition]:
    """Return all renditions but the video."""
    return [each for each in renditions if each.format != VIDEO]


def moments_of(outcome: Outcome) -> list[Moment]:
    """Return the judged frames along the video."""
    last = max((frame.time for frame in outcome.frames), default=0.0)
    length = max(outcome.seconds or 0.0, last) or 1.0
    return [Moment(frame, 100 * frame.time / length, _described(frame)) for frame in outcome.frames]


def clock(seconds: float) -> str:
    """Return seconds as a player shows them, with tenths: `0:07.5`, `4:59.9`."""
    minutes, rest = divmod(round(seconds * 10), 600)
    return f"{minutes}:{rest // 10:02d}.{rest % 10}"


def _described(frame: Judged) -> str:
    labels = ", ".join(f"{label.name} {label.confidence:.1f}" for label in frame.labels)
    return f"{clock(frame.time)}: {labels or 'no labels'}"
