"""The function's environment as typed settings.

Written by the Pulumi program (`components/`), parsed here once per execution environment; a test over both
holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from media_pipeline.images.sizes import Size, Specs, parse_colour, parse_transparency
from media_pipeline.limits import MEBIBYTE, Limits
from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.moderation.policy import Policy
from media_pipeline.moderation.samples import Samples
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.settings.variables import Variables
from media_pipeline.storage import Buckets

LAMBDA_MEMORY = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"  # set by Lambda itself, in MB
PROCESSOR_MEGABYTES = 1769  # of memory buy one vCPU (Lambda Developer Guide, "Configure memory")
DEFAULT_MEGABYTES = PROCESSOR_MEGABYTES
IDLE_MEGABYTES = (
    124  # the function with its libraries and clients, before it decodes anything (measured: 95 to 115)
)
UPLOAD_SHARE = 0.5
"""Of the function's memory, that one upload may take at most, with the idle function: the rest is for whatever an
estimate from a header misses, and for what allocators do not give back between uploads."""
LEAST_HEIGHT, LEAST_FRAMES = 2, 2  # even lines; the first frame and the last


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every function of the pipeline needs to know."""

    stack: str
    buckets: Buckets
    records_table: str
    events_topic_arn: str
    queue_url: str
    records_retention_days: int
    tracing: bool
    uploads_prefix: str | None = None
    """The upload API's own part of the uploads bucket, where each key takes one upload; None: there is no such part."""
    videos_dead_letters_url: str | None = None
    """Where the letters of the videos queue come from, for the function that drains both; None without videos."""
    cdn_distribution: str | None = None
    """The id of the distribution that readers get renditions from; None where they get them from the bucket."""
    cdn_address: str | None = None
    """The address of that distribution's root, without a trailing slash."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Parse the variables that all functions share.

        Raises SettingsError that names the variable.
        """
        return cls(**_shared(Variables(environment)))


@dataclass(frozen=True, kw_only=True)
class ImageSettings(Settings):
    """What the image function needs besides: renditions, policy and limits."""

    specs: Specs
    policy: Policy
    limits: Limits
    videos_queue_url: str | None = None
    """Where videos are handed to; None where the stack processes none."""
    cache_days: int = 0
    """For how many days Rekognition's answers serve later uploads of the same pictures; 0: they are not kept."""
    samples: Samples = field(default_factory=Samples)
    """Of which versions a person looks only so that mistakes can be counted."""
    approvals: ApprovalRule = field(default_factory=ApprovalRule)
    """How many persons must approve what the policy withholds."""
    judged_per_day: int = 0
    """How many pictures Rekognition may be asked about on a day; 0: as many as there are."""
    lists_like: Verdict = Verdict.REVIEW
    """What becomes of an upload that looks like what an entry of the hash list blocks: review or block."""
    keeps_provenance: bool = False
    """Whether renditions say in XMP that a model made them, where their original says so."""
    encoders: int = 1
    """How many renditions are encoded at once: with most of a second vCPU, two."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ImageSettings":
        """Parse the image function's variables.

        Raises SettingsError that names the variable.
        """
        variables = Variables(environment)
        return cls(
            **_shared(variables),
            specs=Specs(
                sizes=variables.built("SIZES", dict, _sizes),
                formats=variables.built("FORMATS", list, tuple),
                quality=variables.built("QUALITY", dict, _numbers),
                grayscale=variables.boolean("GRAYSCALE"),
                transparency=variables.parsed("TRANSPARENCY", parse_transparency, "flatten or keep"),
                background=variables.parsed("BACKGROUND", parse_colour, "a colour as #rrggbb"),
            ),
            policy=variables.built("MODERATION", dict, Policy.parse),
            limits=variables.built("LIMITS", dict, partial(_limits, variables)),
            videos_queue_url=variables.optional("VIDEOS_QUEUE_URL"),
            cache_days=variables.parsed("MODERATION_CACHE_DAYS", _days, "a whole number of days from 0 on"),
            approvals=_approvals(variables),
            samples=_samples(variables),
            judged_per_day=variables.parsed("JUDGED_PER_DAY", _pictures, "a number of pictures above 0")
            if "JUDGED_PER_DAY" in variables
            else 0,
            lists_like=_lists_like(variables),
            keeps_provenance="PROVENANCE_KEEP" in variables and variables.boolean("PROVENANCE_KEEP"),
            encoders=max(1, round(_megabytes(variables) / PROCESSOR_MEGABYTES)),
        )


@dataclass(frozen=True, kw_only=True)
class VideoSettings(ImageSettings):
    """What the video function needs besides: how videos are published, judged, and how large they may be."""

    height: int
    moderation_frames: int
    video_bytes: int
    video_seconds: int
    video_memory: int
    """Bytes that decoding and encoding a video may add to the idle process."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "VideoSettings":
        """Parse the video function's variables.

        Raises SettingsError that names the variable.
        """
        variables = Variables(environment)
        height, frames = variables.built("VIDEO", dict, _video)
        size, seconds = variables.built("LIMITS", dict, _video_limits)
        return cls(
            **vars(ImageSettings.from_environment(environment)),
            height=height,
            moderation_frames=frames,
            video_bytes=size,
            video_seconds=seconds,
            video_memory=_memory(variables),
        )


def _video(document: Mapping[str, Any]) -> tuple[int, int]:
    height, frames = int(document["height"]), int(document["moderationFrames"])
    if height < LEAST_HEIGHT or frames < LEAST_FRAMES:
        raise ValueError(
            f"height is {height}, at least {LEAST_HEIGHT}; moderationFrames {frames}, at least 2"
        )
    return height, frames


def _video_limits(document: Mapping[str, Any]) -> tuple[int, int]:
    return int(document["videoBytes"]), int(document["videoSeconds"])


def _days(text: str) -> int:
    days = int(text)
    if days < 0:
        raise ValueError("fewer than no days")
    return days


def _approvals(variables: Variables) -> ApprovalRule:
    if "REVIEW_APPROVALS" not in variables:
        return ApprovalRule()
    return variables.built("REVIEW_APPROVALS", dict, ApprovalRule.parse)


def _samples(variables: Variables) -> Samples:
    if "REVIEW_SAMPLES" not in variables:
        return Samples()
    return variables.built("REVIEW_SAMPLES", dict, Samples.parse)


def _pictures(text: str) -> int:
    pictures = int(text)
    if pictures < 1:
        raise ValueError("without a budget the variable is absent")
    return pictures


def _lists_like(variables: Variables) -> Verdict:
    if "LISTS_LIKE" not in variables:
        return Verdict.REVIEW
    return variables.parsed("LISTS_LIKE", _block_or_review, "review or block")


def _block_or_review(text: str) -> Verdict:
    if text not in (Verdict.REVIEW, Verdict.BLOCK):
        raise ValueError(text)
    return Verdict(text)


def _sizes(document: Mapping[str, Any]) -> tuple[Size, ...]:
    return tuple(Size.parse(name, value) for name, value in document.items())


def _limits(variables: Variables, document: Mapping[str, Any]) -> Limits:
    numbers = _numbers(document)
    return Limits(
        bytes=numbers["bytes"],
        pixels=numbers["pixels"],
        frames=numbers["frames"],
        memory=_memory(variables),
    )


def _memory(variables: Variables) -> int:
    """Return the bytes that one upload may add to the idle process."""
    return upload_memory(_megabytes(variables))


def _megabytes(variables: Variables) -> int:
    if LAMBDA_MEMORY not in variables:  # outside Lambda, such as in a test
        return DEFAULT_MEGABYTES
    return variables.parsed(LAMBDA_MEMORY, int, "a number of MB")


def upload_memory(megabytes: int) -> int:
    """Return the bytes that one upload may add to the idle process of a function with so much memory."""
    return (int(megabytes * UPLOAD_SHARE) - IDLE_MEGABYTES) * MEBIBYTE


def _numbers(document: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(value) for name, value in document.items()}


def _shared(variables: Variables) -> dict[str, Any]:
    return {
        "stack": variables.text("STACK"),
        "buckets": Buckets._make(variables.text(f"{name.upper()}_BUCKET") for name in Buckets._fields),
        "records_table": variables.text("RECORDS_TABLE"),
        "events_topic_arn": variables.text("EVENTS_TOPIC_ARN"),
        "queue_url": variables.text("QUEUE_URL"),
        "records_retention_days": variables.parsed("RECORDS_RETENTION_DAYS", int, "a whole number of days"),
        "tracing": variables.boolean("TRACING"),
        "uploads_prefix": variables.optional("UPLOADS_PREFIX"),
        "videos_dead_letters_url": variables.optional("VIDEOS_DEAD_LETTERS_URL"),
        "cdn_distribution": variables.optional("CDN_DISTRIBUTION"),
        "cdn_address": variables.text("CDN_ADDRESS") if "CDN_DISTRIBUTION" in variables else None,
    }
