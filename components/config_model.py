"""The keys of a stack's configuration as typed models.

`Pulumi.yaml` declares the same keys and the defaults of scalars and arrays. Objects have no default there: Pulumi
replaces an object as a whole, so each stack's file spells its objects out. docs/reference/configuration.md lists
all keys.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, create_model
from pydantic.alias_generators import to_camel

from components import bounds
from components.formats import DEFAULT_QUALITIES, FORMATS
from components.rules import About, Email, Flag, ModerationLabel, OneOf, Origin, Percent, Text, Whole

PROJECT = "media-pipeline"
EDGE_TAG, COVER_TAG = "as-edge", "as-cover"  # pydantic puts a union's tag into the paths of its errors


class Keys(BaseModel):
    """A group of keys: nothing unknown is accepted, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


Edge = Annotated[int, Whole(bounds.EDGE_PIXELS, " of pixels", 1024)]
SizeName = Annotated[str, Text("[a-z0-9-]+", "a name of lower-case letters, digits and dashes", "thumbnail")]
Format = Annotated[str, OneOf(tuple(FORMATS), "webp")]
Quality = Annotated[int, Whole(bounds.QUALITY, "", 80)]
Label = Annotated[str, ModerationLabel()]
Threshold = Annotated[float, Percent(80)]
Thresholds = Annotated[dict[Label, Threshold], About("an object of label and threshold", {"Weapons": 90})]
Bit = Annotated[bool, Flag(True)]


class Cover(Keys):
    """A size that is filled and cropped to exactly `width` x `height` pixels."""

    width: Edge
    height: Edge
    fit: Annotated[Literal["cover"], OneOf(("cover",), "cover")]


def _size_kind(value: object) -> str:
    return COVER_TAG if isinstance(value, Mapping) else EDGE_TAG


Size = Annotated[
    Annotated[Edge, Tag(EDGE_TAG)] | Annotated[Cover, Tag(COVER_TAG)],
    Discriminator(_size_kind),
    About("a whole number of pixels from 1 to 16383, or {width, height, fit: cover}", 1024),
]


if TYPE_CHECKING:
    Qualities = Keys
else:  # one key for each lossy format
    Qualities = create_model(
        "Qualities",
        __base__=Keys,
        __doc__="Encoder quality by format; a lossless format has none.",
        **{
            name: (Quality | None, Field(None, description=f"Quality of {name}."))
            for name in DEFAULT_QUALITIES
        },
    )


class Moderation(Keys):
    """The policy that `media_pipeline.moderation.policy` decides by; thresholds in percent."""

    mode: Annotated[Literal["enforce", "observe", "off"], OneOf(("enforce", "observe", "off"), "enforce")]
    record_from: Threshold | None = None
    block: Thresholds = {}
    review: Thresholds = {}
    exempt: Annotated[tuple[Label, ...], About("a list of labels", ["Alcohol"])] = ()


class Memory(Keys):
    """Megabytes by function; 1,769 MB are one whole processor."""

    image: Annotated[int, Whole(bounds.LAMBDA_MEMORY_MB, " of MB", 1769)]
    video: Annotated[int, Whole(bounds.LAMBDA_MEMORY_MB, " of MB", 3008)] | None = None


class Timeout(Keys):
    """Seconds by function."""

    image: Annotated[int, Whole(bounds.LAMBDA_TIMEOUT_SECONDS, " of seconds", 60)]
    video: Annotated[int, Whole(bounds.LAMBDA_TIMEOUT_SECONDS, " of seconds", 600)] | None = None


class Concurrency(Keys):
    """How many of a function run at once: its mapping's maximum concurrency."""

    image: Annotated[int, Whole(bounds.MAPPING_CONCURRENCY, "", 5)]
    video: Annotated[int, Whole(bounds.MAPPING_CONCURRENCY, "", 2)] | None = None


class Limits(Keys):
    """What is rejected before a pixel is decoded."""

    bytes: Annotated[int, Whole(bounds.OBJECT_BYTES, " of bytes", 26_214_400)]
    pixels: Annotated[int, Whole(bounds.PIXELS, " of pixels", 50_000_000)]
    frames: Annotated[int, Whole(bounds.FRAMES, " of frames", 200)]
    video_bytes: Annotated[int, Whole(bounds.VIDEO_BYTES, " of bytes", 524_288_000)] | None = None
    video_seconds: Annotated[int, Whole(bounds.VIDEO_SECONDS, " of seconds", 300)] | None = None


class Video(Keys):
    """Whether videos are processed at all, how high they become, how many frames of one are judged."""

    enabled: Bit
    height: Annotated[int, Whole(bounds.VIDEO_HEIGHT, " of lines", 720)] | None = None
    moderation_frames: Annotated[int, Whole(bounds.MODERATION_FRAMES, " of frames", 12)] | None = None


class Api(Keys):
    """Whether there is an upload API, what one key may do (requests a second, at once, a day), and from where."""

    enabled: Bit
    rate: Annotated[int, Whole(bounds.API_RATE, " of requests a second", 10)] | None = None
    burst: Annotated[int, Whole(bounds.API_BURST, " of requests", 20)] | None = None
    quota_per_day: Annotated[int, Whole(bounds.API_QUOTA, " of requests", 10_000)] | None = None
    cors_origins: Annotated[
        tuple[Annotated[str, Origin()], ...], About("a list of origins", ["https://www.example.com"])
    ] = ()


class Retention(Keys):
    """Days; 0: kept."""

    originals: Annotated[int, Whole(bounds.ORIGINALS_RETENTION_DAYS, " of days", 7)]
    quarantine: Annotated[int, Whole(bounds.RETENTION_DAYS, " of days (0: kept)", 90)]
    records: Annotated[int, Whole(bounds.RETENTION_DAYS, " of days (0: kept)", 0)]
    logs: Annotated[int, OneOf(bounds.LOG_RETENTION_DAYS, 30)]


Addresses = Annotated[
    tuple[Annotated[str, Email()], ...], About("a list of e-mail addresses", ["you@example.com"])
]


class Notify(Keys):
    """Who gets an e-mail: about what needs a person and every alarm; about every outcome."""

    alerts: Addresses
    results: Addresses = ()


class StackKeys(Keys):
    """Every key of the `media-pipeline:` namespace."""

    sizes: Annotated[
        dict[SizeName, Size], Field(min_length=1), About("an object of at least one size", {"thumbnail": 150})
    ]
    formats: Annotated[
        tuple[Format, ...], Field(min_length=1), About(f"a list of {', '.join(FORMATS)}", ["jpeg", "webp"])
    ]
    quality: Qualities
    grayscale: Bit
    transparency: Annotated[Literal["flatten", "keep"], OneOf(("flatten", "keep"), "flatten")]
    background: Annotated[str, Text("#[0-9a-fA-F]{6}", "a colour as #rrggbb, in quotes", "#ffffff")]
    moderation: Moderation
    memory: Memory
    timeout: Timeout
    concurrency: Concurrency
    architecture: Annotated[Literal["arm64", "x86_64"], OneOf(("arm64", "x86_64"), "arm64")]
    runtime: Annotated[Literal["python3.13", "python3.14"], OneOf(("python3.13", "python3.14"), "python3.13")]
    limits: Limits
    video: Video
    api: Api
    retention: Retention
    notify: Notify
    tracing: Bit
    protect: Bit


class StackConfig(StackKeys):
    """The judged configuration of one stack, with the stack's own name and region."""

    stack: str
    region: str

    @property
    def service(self) -> str:
        """What the functions call themselves in logs, metrics and traces."""
        return f"{PROJECT}-{self.stack}"
