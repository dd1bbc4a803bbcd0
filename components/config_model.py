"""The keys of a stack's configuration as typed models.

`Pulumi.yaml` declares the same keys and the defaults of scalars and arrays. Objects have no default there: Pulumi
replaces an object as a whole, so each stack's file spells its objects out. The docstrings of the keys are their
meaning in docs/reference/configuration.md.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Discriminator, Field, Tag, create_model

from components import bounds
from components.delivery_keys import Delivery
from components.formats import DEFAULT_QUALITIES, FORMATS
from components.keys import Keys
from components.rules import (
    About,
    Email,
    Endpoint,
    Flag,
    KeyArn,
    ModerationLabel,
    OneOf,
    Origin,
    Percent,
    ReviewedLabel,
    Text,
    Whole,
)
from components.trail_keys import AccessLogs

PROJECT = "media-pipeline"
ANNOUNCED = ("PUBLISHED", "BLOCKED", "REVIEW", "REJECTED", "FAILED", "SUPERSEDED", "DELETED")
MODES = ("enforce", "observe", "off")
EDGE_TAG, COVER_TAG = "as-edge", "as-cover"  # pydantic puts a union's tag into the paths of its errors


Edge = Annotated[int, Whole(bounds.EDGE_PIXELS, " of pixels", 1024)]
SizeName = Annotated[str, Text("[a-z0-9-]+", "a name of lower-case letters, digits and dashes", "thumbnail")]
Format = Annotated[str, OneOf(tuple(FORMATS), "webp")]
Quality = Annotated[int, Whole(bounds.QUALITY, "", 80)]
Label = Annotated[str, ModerationLabel()]
Threshold = Annotated[float, Percent(80)]
Thresholds = Annotated[
    dict[Label, Threshold], About("an object of labels with thresholds in percent", {"Weapons": 90})
]
Switch = Annotated[bool, Flag(True)]


class Cover(Keys):
    """A size that is filled and cropped to exactly `width` x `height` pixels."""

    width: Edge
    """Width of the box that is filled."""
    height: Edge
    """Height of the box that is filled."""
    fit: Annotated[Literal["cover"], OneOf(("cover",), "cover")]
    """The middle of the picture is kept, what does not fit is cropped."""


def _size_kind(value: object) -> str:
    return COVER_TAG if isinstance(value, Mapping) else EDGE_TAG


Size = Annotated[
    Annotated[Edge, Tag(EDGE_TAG)] | Annotated[Cover, Tag(COVER_TAG)],
    Discriminator(_size_kind),
    About(
        f"a whole number of pixels from {bounds.EDGE_PIXELS[0]} to {bounds.EDGE_PIXELS[1]}, "
        "or {width, height, fit: cover}",
        1024,
    ),
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


Prefix = Annotated[
    str,
    Text(
        r"[^/*\x00-\x1f\x7f][^*\x00-\x1f\x7f]{0,254}",
        "the first characters of object keys, at most 255, without a slash in front and without *",
        "avatars/",
    ),
]


class ModerationPath(Keys):
    """The policy for object keys with a prefix; a key that is not set has the value that it has in `moderation`."""

    prefix: Prefix
    """Which object keys it is for; where several prefixes fit a key, the longest counts."""
    mode: Annotated[Literal["enforce", "observe", "off"], OneOf(MODES, "enforce")] | None = None
    """Instead of `moderation.mode`."""
    record_from: Threshold | None = None
    """Instead of `moderation.recordFrom`."""
    block: Thresholds | None = None
    """Instead of all of `moderation.block`."""
    review: Thresholds | None = None
    """Instead of all of `moderation.review`."""
    exempt: Annotated[tuple[Label, ...], About("a list of labels", ["Alcohol"])] | None = None
    """Instead of all of `moderation.exempt`."""
    many_scenes: Annotated[Literal["allow", "review"], OneOf(("allow", "review"), "review")] | None = None
    """Instead of `moderation.manyScenes`."""


class Moderation(Keys):
    """The policy that `media_pipeline.moderation.policy` decides by."""

    mode: Annotated[Literal["enforce", "observe", "off"], OneOf(MODES, "enforce")]
    """`enforce` withholds by verdict; `observe` records the verdict and publishes; `off` asks Rekognition nothing."""
    record_from: Threshold | None = None
    """Confidence from which labels are recorded; labels from the lowest threshold on are recorded in any case."""
    block: Thresholds = {}  # noqa: RUF012 - pydantic copies it
    """Labels that block, from this confidence on."""
    review: Thresholds = {}  # noqa: RUF012 - pydantic copies it
    """Labels that hold an object back for a person, from this confidence on."""
    exempt: Annotated[tuple[Label, ...], About("a list of labels", ["Alcohol"])] = ()
    """Labels that lift a rule above them in the taxonomy."""
    many_scenes: Annotated[Literal["allow", "review"], OneOf(("allow", "review"), "review")] | None = None
    """What a video gets that has many more distinct scenes than `video.moderationFrames`; `allow` if not set."""
    cache_days: Annotated[int, Whole(bounds.CACHE_DAYS, " of days (0: off)", 30)] = 30
    """Days for which Rekognition's answers serve later uploads of the same picture, which then cost no request."""
    paths: Annotated[
        tuple[ModerationPath, ...],
        About(
            "a list of objects with prefix and other keys of moderation",
            [{"prefix": "avatars/", "block": {"Explicit": 40}}],
        ),
    ] = ()
    """Other policies for object keys with a prefix; the longest prefix of a key counts."""


_MEGAPIXEL = (
    ": an upload may take half of it, and with less not even a megapixel fits in beside the idle function"
)


class Memory(Keys):
    """Megabytes by function; 1,769 MB are one whole processor."""

    image: Annotated[int, Whole(bounds.IMAGE_MEMORY_MB, " of MB", 1769, _MEGAPIXEL)]
    """Memory of process-image."""
    video: Annotated[int, Whole(bounds.VIDEO_MEMORY_MB, " of MB", 3008, _MEGAPIXEL)] | None = None
    """Memory of process-video."""


class Timeout(Keys):
    """Seconds by function."""

    image: Annotated[int, Whole(bounds.LAMBDA_TIMEOUT_SECONDS, " of seconds", 60)]
    """Time-out of process-image."""
    video: Annotated[int, Whole(bounds.LAMBDA_TIMEOUT_SECONDS, " of seconds", 600)] | None = None
    """Time-out of process-video."""


class Concurrency(Keys):
    """The maximum concurrency of each function's event source mapping."""

    image: Annotated[int, Whole(bounds.MAPPING_CONCURRENCY, "", 5)]
    """How many invocations of process-image run at once."""
    video: Annotated[int, Whole(bounds.MAPPING_CONCURRENCY, "", 2)] | None = None
    """How many invocations of process-video run at once."""


class Limits(Keys):
    """What is rejected before a pixel is decoded."""

    bytes: Annotated[int, Whole(bounds.OBJECT_BYTES, " of bytes", 26_214_400)]
    """Most bytes of a picture."""
    pixels: Annotated[int, Whole(bounds.PIXELS, " of pixels", 50_000_000)]
    """Most pixels of a picture, width x height."""
    frames: Annotated[int, Whole(bounds.FRAMES, " of frames", 200)]
    """Most frames of an animation."""
    video_bytes: Annotated[int, Whole(bounds.VIDEO_BYTES, " of bytes", 524_288_000)] | None = None
    """Most bytes of a video."""
    video_seconds: Annotated[int, Whole(bounds.VIDEO_SECONDS, " of seconds", 300)] | None = None
    """Longest duration of a video."""
    judged_per_day: Annotated[int, Whole(bounds.JUDGED_PER_DAY, " of pictures (0: any number)", 10_000)] = 0
    """Most pictures that Rekognition is asked about on a day of UTC; what is over it waits for the next day."""


class Video(Keys):
    """Whether videos are processed, and how."""

    enabled: Switch
    """Whether videos are processed; if not, nothing of it is deployed, and videos are rejected."""
    height: Annotated[int, Whole(bounds.VIDEO_HEIGHT, " of lines", 720)] | None = None
    """Most lines of the video's rendition."""
    moderation_frames: Annotated[int, Whole(bounds.MODERATION_FRAMES, " of frames", 12)] | None = None
    """How many frames of a video are judged; each is one billed request."""


class Api(Keys):
    """Whether there is an upload API, what one key may do, and which web pages may call it."""

    enabled: Switch
    """Whether the upload API is deployed."""
    rate: Annotated[int, Whole(bounds.API_RATE, " of requests a second", 10)] | None = None
    """Requests per second of one key, on average."""
    burst: Annotated[int, Whole(bounds.API_BURST, " of requests", 20)] | None = None
    """Requests of one key at once."""
    quota_per_day: Annotated[int, Whole(bounds.API_QUOTA, " of requests", 10_000)] | None = None
    """Requests of one key per day."""
    cors_origins: Annotated[
        tuple[Annotated[str, Origin()], ...], About("a list of origins", ["https://www.example.com"])
    ] = ()
    """Origins of web pages that may call the API and post forms to the bucket."""


class Retention(Keys):
    """Days after which data is deleted; 0 keeps it."""

    originals: Annotated[int, Whole(bounds.ORIGINALS_RETENTION_DAYS, " of days", bounds.QUEUE_RETENTION_DAYS)]
    """Days that originals are kept; at least as long as a message about them can wait."""
    quarantine: Annotated[int, Whole(bounds.RETENTION_DAYS, " of days (0: kept)", 90)]
    """Days that originals stay in quarantine."""
    records: Annotated[int, Whole(bounds.RETENTION_DAYS, " of days (0: kept)", 0)]
    """Days that terminal records are kept."""
    logs: Annotated[int, OneOf(bounds.LOG_RETENTION_DAYS, 30)]
    """Days that the functions' logs and the buckets' access logs are kept."""


Addresses = Annotated[
    tuple[Annotated[str, Email()], ...], About("a list of e-mail addresses", ["you@example.com"])
]


class Webhook(Keys):
    """An endpoint that announcements are posted to, and which of them."""

    url: Annotated[str, Endpoint()]
    """Where SNS posts announcements to."""
    statuses: (
        Annotated[
            tuple[Annotated[str, OneOf(ANNOUNCED, "PUBLISHED")], ...],
            Field(min_length=1),
            About("a list of statuses", ["PUBLISHED", "BLOCKED"]),
        ]
        | None
    ) = None
    """Which outcomes; all of them if not set."""
    prefix: Prefix | None = None
    """Only those of object keys with this prefix."""


class Notify(Keys):
    """Who is told about outcomes and alarms."""

    alerts: Addresses
    """Who gets e-mails about blocked, to review and failed objects, and about alarms."""
    results: Addresses = ()
    """Who gets e-mails about every outcome."""
    webhooks: Annotated[
        tuple[Webhook, ...],
        About("a list of objects with url", [{"url": "https://www.example.com/media-outcomes"}]),
    ] = ()
    """Endpoints that every outcome, or some of them, is posted to."""
    monthly_dollars: Annotated[int, Whole(bounds.MONTHLY_DOLLARS, " of USD (0: no budget)", 100)] = 0
    """What a month may cost: a budget of AWS mails those in `alerts` at 80 %, at 100 %, and when more is forecast."""


class Review(Keys):
    """How people decide what the policy sent to review."""

    approvals: Annotated[
        dict[Annotated[str, ReviewedLabel()], Annotated[int, Whole(bounds.APPROVALS, " of persons", 2)]],
        About("an object of top-level labels with numbers of persons", {"Explicit": 2}),
    ] = {}  # noqa: RUF012 - pydantic copies it
    """How many different persons must approve, by top-level label; `default` is for all others, 1 if not set."""
    sample_allowed: Annotated[float, Percent(0.1)] = 0
    """Share of what the policy allowed, in percent, that a person checks after it was published."""
    second_look: Annotated[float, Percent(5)] = 0
    """Share of what a person approved or rejected, in percent, that another one judges again, without effect."""
    appeal_days: Annotated[int, Whole(bounds.APPEAL_DAYS, " of days (0: none)", 180)] = 0
    """Days for which the upload API takes an appeal against what was blocked; at most `retention.quarantine`."""
    console: Switch = False
    """Whether reviewers have a console in AWS, with accounts of their own; without it operators open one by command."""


class Lists(Keys):
    """What the hash list does."""

    like: Annotated[Literal["review", "block"], OneOf(("review", "block"), "review")] = "review"
    """What an upload gets that looks like what an entry of the hash list blocks; the same bytes are always blocked."""


class Provenance(Keys):
    """What becomes of a mark that says that a generative model made a picture."""

    keep: Switch = False
    """Whether the renditions of such a picture say so, too, in XMP. Their records say so in any case."""


class Encryption(Keys):
    """With whose key the data is encrypted."""

    key_arn: Annotated[str, KeyArn()] | None = None
    """The KMS key for media, records, messages and logs. Without it AWS's own keys are used, which cost nothing."""
    earlier_key_arns: Annotated[
        tuple[Annotated[str, KeyArn()], ...], About("a list of ARNs of KMS keys", [KeyArn.EXAMPLE])
    ] = ()
    """Keys that were `keyArn` before: what is encrypted with them can still be read."""


class StackKeys(Keys):
    """Every key of the `media-pipeline:` namespace."""

    sizes: Annotated[
        dict[SizeName, Size], Field(min_length=1), About("an object of at least one size", {"thumbnail": 150})
    ]
    """Renditions by name: the long edge in pixels, never enlarged; or a box that is filled and cropped."""
    formats: Annotated[
        tuple[Format, ...], Field(min_length=1), About(f"a list of {', '.join(FORMATS)}", ["jpeg", "webp"])
    ]
    """Formats of every size."""
    quality: Qualities
    """Encoder quality of each lossy format in `formats`."""
    grayscale: Switch
    """Whether renditions are in grey; moderation sees the colours all the same."""
    transparency: Annotated[Literal["flatten", "keep"], OneOf(("flatten", "keep"), "flatten")]
    """What becomes of transparent pictures: `flatten` puts them over `background`; `keep` costs more judging."""
    background: Annotated[str, Text("#[0-9a-fA-F]{6}", "a colour as #rrggbb, in quotes", "#ffffff")]
    """The colour behind what is transparent; with `keep` in formats without transparency only."""
    moderation: Moderation
    """The moderation policy."""
    memory: Memory
    """Memory of the functions that process media."""
    timeout: Timeout
    """Time-outs of the functions that process media."""
    concurrency: Concurrency
    """How many objects are processed at once."""
    architecture: Annotated[Literal["arm64", "x86_64"], OneOf(("arm64", "x86_64"), "arm64")]
    """Processor architecture of all functions."""
    runtime: Annotated[Literal["python3.13", "python3.14"], OneOf(("python3.13", "python3.14"), "python3.13")]
    """Lambda runtime of all functions."""
    limits: Limits
    """Limits of an upload."""
    video: Video
    """Processing of videos."""
    api: Api
    """The upload API."""
    retention: Retention
    """How long data is kept."""
    notify: Notify
    """Who is told about outcomes and alarms."""
    review: Review = Review()
    """How people decide what waits for review."""
    lists: Lists = Lists()
    """The hash list of what is not published again."""
    provenance: Provenance = Provenance()
    """What becomes of a mark that says that a generative model made a picture."""
    encryption: Encryption = Encryption()
    """With whose key the data is encrypted."""
    delivery: Delivery = Delivery()
    """How readers get renditions."""
    access_logs: AccessLogs = AccessLogs()
    """What is logged of accesses so that nobody can change it."""
    reconcile: Annotated[Literal["daily", "off"], OneOf(("daily", "off"), "daily")]
    """Whether buckets and records are compared once a day, and what differs is repaired."""
    dashboard: Switch
    """Whether there is a dashboard in CloudWatch. AWS gives an account three for nothing and bills each further one."""
    tracing: Switch
    """Whether the functions and the API send traces to X-Ray."""
    point_in_time_recovery: Switch
    """Whether the records table can be restored to any second; a destroy then leaves a backup for 35 days."""
    protect: Switch
    """Whether buckets and table are protected against `pulumi destroy` and replacement."""


class StackConfig(StackKeys):
    """The checked configuration of one pipeline, with the names of the pipeline and of its stack, and the region."""

    stack: str
    region: str
    pipeline: str = PROJECT
    """The project's own name, or the one that a program which embeds the pipeline gives it."""

    @property
    def service(self) -> str:
        """The prefix of all resource names, and the functions' service name in logs, metrics and traces."""
        return f"{self.pipeline}-{self.stack}"
