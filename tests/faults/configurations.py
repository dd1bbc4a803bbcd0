"""Deployments of a run, each with the expected outcome of every kind of upload, written down by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tests.faults.sample_uploads import Content

LABELS = {
    Content.WEAPON: [("Violence", "", 95.0), ("Weapons", "Violence", 95.0)],
    Content.FIGHT: [("Violence", "", 60.0)],
    Content.SURER_PARENT: [("Violence", "", 95.0), ("Weapons", "Violence", 60.0)],
    Content.CLEAN: [],
}


@dataclass(frozen=True)
class Deployment:
    """The settings of one `pulumi up`, and the status in which each kind of upload must end under them."""

    name: str
    moderation: dict[str, object]
    sizes: Mapping[str, object]
    expected_statuses: dict[Content, str]
    formats: tuple[str, ...] = ("jpeg",)
    videos: bool = False  # whether videos are accepted
    frames_of_videos: int = 3  # frames of a video that Rekognition judges
    bytes: int = 1_000_000
    retention_days: int = 0  # of records; 0: for ever
    pixels: int = 1_000_000
    frames: int = 20
    cache_days: int = 0  # for which answers serve later uploads of the same pictures; 0: they are not kept
    second_look: float = 0.0  # percent of decided reviews that another person looks at again
    checked: float = 0.0  # percent of what the policy allows that a person checks
    judged_per_day: int = 0  # pictures that Rekognition may be asked about; 0: any number
    lists: bool = False  # whether environments read the hash list; if not, they know that it is empty
    cdn: bool = False  # whether CloudFront delivers renditions
    persons: int = 1  # how many different ones must approve what the policy withholds
    timeout: float = 60.0  # seconds, of the functions that only react; their clients are made for it
    video_timeout: float = 225.0  # seconds; the clients of the video function are made for `timeout` as well

    observed_statuses: Mapping[Content, str] = field(
        default_factory=dict
    )  # of mode observe, if it was enforced

    @property
    def mode(self) -> str:
        """Return the mode of its moderation."""
        return str(self.moderation["mode"])

    def publishes(self, shown: str) -> bool:
        """Return whether a picture that shows this content may be published under it; "": what, is not known."""
        if self.mode == "off":
            return True
        return bool(shown) and self.expected_statuses.get(Content(shown)) == "PUBLISHED"

    def withholds_as(self, kind: Content) -> set[str]:
        """Return the statuses with which a verdict under it may withhold an upload, now or once it is enforced."""
        return {
            statuses[kind]
            for statuses in (self.expected_statuses, self.observed_statuses)
            if kind in statuses
        }

    def timeout_of(self, function: str) -> float:
        """Return a function's time-out in seconds."""
        return self.video_timeout if function == "process-video" else self.timeout


_PUBLISH, _BLOCK, _REVIEW = "PUBLISHED", "BLOCKED", "REVIEW"
_WEAPONS = (Content.WEAPON, Content.HIDDEN, Content.WEAPON_VIDEO)


def _expected(*, weapon: str = _BLOCK, fight: str) -> dict[Content, str]:
    return (
        dict.fromkeys((Content.CLEAN, Content.VIDEO, Content.LONG_FRAME), _PUBLISH)
        | dict.fromkeys(_WEAPONS, weapon)
        | {Content.FIGHT: fight}
    )


FIRST = Deployment(
    "first",
    {"mode": "enforce", "block": {"Weapons": 90}, "review": {"Violence": 50}},
    {"large": 88, "small": 40},
    _expected(fight=_REVIEW),
)
STRICTER = Deployment(
    "stricter",
    {"mode": "enforce", "block": {"Weapons": 90, "Violence": 40}},
    {"large": 88, "small": 40},
    _expected(fight=_BLOCK),
)
ANOTHER_SIZE = replace(FIRST, name="another-size", sizes={"large": 88, "tiny": 30})
"""Beside the largest size, which is the one that was judged."""
RECORDING = Deployment(
    "recording",  # publishes fights, and keeps the answers by which a stricter policy decides
    {"mode": "enforce", "block": {"Weapons": 99}, "recordFrom": 40},
    FIRST.sizes,
    _expected(weapon=_PUBLISH, fight=_PUBLISH),
)
OTHER_SIZES = Deployment("other-sizes", FIRST.moderation, {"large": 92, "tiny": 30}, FIRST.expected_statuses)
OBSERVING = Deployment(
    "observing",
    {**FIRST.moderation, "mode": "observe"},
    {"large": 88},
    _expected(weapon=_PUBLISH, fight=_PUBLISH),
    observed_statuses=FIRST.expected_statuses,
)
OFF = replace(
    OBSERVING,
    name="off",
    moderation={"mode": "off"},
    sizes=FIRST.sizes,
    observed_statuses=dict[Content, str](),
)
LAXER = Deployment(
    "laxer",
    {"mode": "enforce", "block": {"Weapons": 99}},
    FIRST.sizes,
    _expected(weapon=_PUBLISH, fight=_PUBLISH),
)
WITH_WEBP = replace(
    FIRST,
    name="with-webp",  # here an animation is published with all its frames
    formats=("jpeg", "webp"),
    expected_statuses=FIRST.expected_statuses | {Content.LONG_FRAME: _BLOCK},
)
BY_CATEGORY = replace(
    FIRST,
    name="by-category",
    moderation={"mode": "enforce", "block": {"Violence": 90}, "review": {"Gambling": 50}},
    expected_statuses=_expected(fight=_PUBLISH) | {Content.SURER_PARENT: _BLOCK},
)
DEPLOYMENTS = (FIRST, STRICTER, OTHER_SIZES, OBSERVING, OFF, LAXER, WITH_WEBP)
TAKING_VIDEOS = tuple(replace(one, name=f"{one.name}-with-videos", videos=True) for one in DEPLOYMENTS)
WITH_VIDEOS = TAKING_VIDEOS[0]
LAXER_WITH_VIDEOS = TAKING_VIDEOS[DEPLOYMENTS.index(LAXER)]
ANOTHER_SIZE_OF_VIDEOS = replace(ANOTHER_SIZE, name="another-size-of-videos", videos=True)
WITH_CROPS = Deployment(
    "with-crops-and-animations",
    FIRST.moderation,
    {"large": 88, "card": {"width": 88, "height": 88, "fit": "cover"}},
    dict.fromkeys((Content.GREY_ONLY, Content.LONG_FRAME, Content.LONG_CROP), _BLOCK),
    formats=("jpeg", "webp"),
)
CACHE_DAYS = 30
CACHING = replace(FIRST, cache_days=CACHE_DAYS)
CACHING_VIDEOS = replace(WITH_VIDEOS, cache_days=CACHE_DAYS)
CACHING_LAXER = replace(LAXER, cache_days=CACHE_DAYS)
CACHING_STRICTER = replace(STRICTER, cache_days=CACHE_DAYS)  # asks for more labels than the first
CACHING_AS_STRICT = replace(
    CACHING_STRICTER,
    name="as-strict",  # asks for fewer labels than the first
    moderation={"mode": "enforce", "block": {"Weapons": 90, "Violence": 55}},
)
ONE_A_DAY = replace(FIRST, name="one-a-day", judged_per_day=1)
LISTING = replace(FIRST, lists=True)
LISTING_OBSERVING = replace(OBSERVING, lists=True)
LISTING_VIDEOS = replace(WITH_VIDEOS, lists=True)
FOUR_A_DAY = replace(FIRST, name="four-a-day", judged_per_day=4)
BY_PATH = replace(
    FIRST,
    name="by-path",  # of a key below both prefixes, the longer one's policy decides
    moderation={
        **FIRST.moderation,
        "paths": [
            {"prefix": "shop/", "block": {"Weapons": 99}, "review": {}},
            {"prefix": "shop/a", "block": {"Weapons": 90, "Violence": 40}},
        ],
    },
    expected_statuses=STRICTER.expected_statuses,
)
KEEPING = replace(FIRST, name="keeping-records-for-two-weeks", retention_days=14)
SAMPLING = replace(FIRST, name="sampling", second_look=100.0, checked=100.0)
TWO_PEOPLE = replace(FIRST, name="two-people", persons=2)
BY_NAME = {
    deployment.name: deployment
    for deployment in (
        *DEPLOYMENTS,
        ANOTHER_SIZE,
        RECORDING,
        ANOTHER_SIZE_OF_VIDEOS,
        *TAKING_VIDEOS,
        WITH_CROPS,
        BY_CATEGORY,
        BY_PATH,
        KEEPING,
        TWO_PEOPLE,
        CACHING_AS_STRICT,
        SAMPLING,
        ONE_A_DAY,
        FOUR_A_DAY,
    )
}
NOT_ENFORCING = frozenset(
    each.name
    for each in (*globals().values(), *BY_NAME.values())
    if isinstance(each, Deployment) and each.mode != "enforce"
)
"""Names of the deployments under which a verdict withholds nothing."""
