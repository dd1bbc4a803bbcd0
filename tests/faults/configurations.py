"""Deployments that follow one another in a run, and by hand what each makes of each picture."""

from dataclasses import dataclass, replace

from tests.faults.sample_uploads import Kind

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
    videos: bool = False  # whether videos are taken
    frames_of_videos: int = 3  # that are judged
    bytes: int = 1_000_000
    pixels: int = 1_000_000
    frames: int = 20


_PUBLISH, _BLOCK, _REVIEW = "PUBLISHED", "BLOCKED", "REVIEW"
_ARMED = (Kind.WEAPON, Kind.HIDDEN, Kind.ARMED_VIDEO)


def _truth(*, armed: str = _BLOCK, fight: str) -> dict[Kind, str]:
    return (
        dict.fromkeys((Kind.CLEAN, Kind.VIDEO), _PUBLISH) | dict.fromkeys(_ARMED, armed) | {Kind.FIGHT: fight}
    )


FIRST = Deployment(
    "first",
    {"mode": "enforce", "block": {"Weapons": 90}, "review": {"Violence": 50}},
    {"large": 88, "small": 40},
    _truth(fight=_REVIEW),
)
STRICTER = Deployment(
    "stricter",
    {"mode": "enforce", "block": {"Weapons": 90, "Violence": 40}},
    {"large": 88, "small": 40},
    _truth(fight=_BLOCK),
)
OTHER_SIZES = Deployment("other-sizes", FIRST.moderation, {"large": 92, "tiny": 30}, FIRST.truth)
OBSERVING = Deployment(
    "observing",
    {**FIRST.moderation, "mode": "observe"},
    {"large": 88},
    _truth(armed=_PUBLISH, fight=_PUBLISH),
)
DEPLOYMENTS = (FIRST, STRICTER, OTHER_SIZES, OBSERVING)
TAKING_VIDEOS = tuple(replace(one, name=f"{one.name}-with-videos", videos=True) for one in DEPLOYMENTS)
WITH_VIDEOS = TAKING_VIDEOS[0]
BY_NAME = {deployment.name: deployment for deployment in (*DEPLOYMENTS, *TAKING_VIDEOS)}
