"""Deployments that follow one another in a run, and by hand what each makes of each picture."""

from dataclasses import dataclass

from tests.faults.pictures import Kind

LABELS = {
    Kind.WEAPON: [("Violence", "", 95.0), ("Weapons", "Violence", 95.0)],
    Kind.FIGHT: [("Violence", "", 60.0)],
    Kind.CLEAN: [],
}


@dataclass(frozen=True)
class Deployment:
    """The settings of one `pulumi up`, and the status that each kind of picture must end in under it."""

    name: str
    moderation: dict[str, object]
    sizes: dict[str, int]
    truth: dict[Kind, str]
    formats: tuple[str, ...] = ("jpeg",)
    videos: bool = False  # whether videos have a queue to be handed to
    bytes: int = 1_000_000
    pixels: int = 1_000_000
    frames: int = 20


_PUBLISH, _BLOCK, _REVIEW = "PUBLISHED", "BLOCKED", "REVIEW"
FIRST = Deployment(
    "first",
    {"mode": "enforce", "block": {"Weapons": 90}, "review": {"Violence": 50}},
    {"large": 88, "small": 40},
    {Kind.CLEAN: _PUBLISH, Kind.WEAPON: _BLOCK, Kind.HIDDEN: _BLOCK, Kind.FIGHT: _REVIEW},
)
STRICTER = Deployment(
    "stricter",
    {"mode": "enforce", "block": {"Weapons": 90, "Violence": 40}},
    {"large": 88, "small": 40},
    {Kind.CLEAN: _PUBLISH, Kind.WEAPON: _BLOCK, Kind.HIDDEN: _BLOCK, Kind.FIGHT: _BLOCK},
)
OTHER_SIZES = Deployment("other-sizes", FIRST.moderation, {"large": 92, "tiny": 30}, FIRST.truth)
OBSERVING = Deployment(
    "observing",
    {**FIRST.moderation, "mode": "observe"},
    {"large": 88},
    {Kind.CLEAN: _PUBLISH, Kind.WEAPON: _PUBLISH, Kind.HIDDEN: _PUBLISH, Kind.FIGHT: _PUBLISH},
)
WITH_VIDEOS = Deployment("with-videos", FIRST.moderation, FIRST.sizes, FIRST.truth, videos=True)
DEPLOYMENTS = (FIRST, STRICTER, OTHER_SIZES, OBSERVING)
