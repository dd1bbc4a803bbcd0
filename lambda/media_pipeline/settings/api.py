"""The upload API's environment as typed settings; without Pillow, which most of a cold start would go to."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from media_pipeline.errors import SettingsError
from media_pipeline.settings.variables import Variables

EVENT_BYTES = 6 * 1024 * 1024  # Lambda: the most that a synchronous invocation can be handed, as JSON
ENVELOPE_BYTES = 32 * 1024
"""What the event may hold besides the body: API Gateway takes 10,240 bytes of headers and lists each twice."""
BASE64_GROWTH = 4 / 3
BODY_BYTES = math.floor((EVENT_BYTES - ENVELOPE_BYTES) / BASE64_GROWTH)
"""The most bytes of a request's body that reach the function for certain: 4,694,016."""


@dataclass(frozen=True, kw_only=True)
class ApiSettings:
    """What the upload API needs to know. `image_bytes` and `video_bytes` are the stack's own limits."""

    uploads_bucket: str
    uploads_prefix: str
    renditions_bucket: str
    records_table: str
    id_secret: str
    """The stack's own secret, from which ids of uploads with an Idempotency-Key are derived."""
    image_bytes: int
    video_bytes: int | None
    """None: this stack takes no videos."""
    cors_origins: tuple[str, ...]
    tracing: bool
    appeal_days: int = 0
    """For how many days after its outcome an upload may be appealed; 0: not at all."""
    etags_are_md5: bool = True
    """Whether an upload's ETag is the MD5 of its bytes: not where it is encrypted with a KMS key."""
    cdn_address: str | None = None
    """The address of the distribution in front of renditions; None where readers get links to the bucket."""

    @property
    def body_bytes(self) -> int:
        """The most bytes of a picture that can come as a request's body."""
        return min(BODY_BYTES, self.image_bytes)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ApiSettings":
        """Parse the function's variables.

        Raises SettingsError that names the variable.
        """
        variables = Variables(environment)
        with_video = variables.boolean("VIDEO_ENABLED")
        image_bytes, video_bytes = variables.built("LIMITS", dict, partial(_bytes, with_video=with_video))
        return cls(
            uploads_bucket=variables.text("UPLOADS_BUCKET"),
            uploads_prefix=_prefix(variables.text("UPLOADS_PREFIX")),
            renditions_bucket=variables.text("RENDITIONS_BUCKET"),
            records_table=variables.text("RECORDS_TABLE"),
            id_secret=variables.text("UPLOAD_ID_SECRET"),
            image_bytes=image_bytes,
            video_bytes=video_bytes,
            cors_origins=variables.built("CORS_ORIGINS", list, _origins),
            tracing=variables.boolean("TRACING"),
            appeal_days=_appeal_days(variables),
            etags_are_md5="ETAGS_ARE_MD5" not in variables or variables.boolean("ETAGS_ARE_MD5"),
            cdn_address=variables.optional("CDN_ADDRESS"),
        )


def _bytes(document: Mapping[str, Any], *, with_video: bool) -> tuple[int, int | None]:
    return int(document["bytes"]), int(document["videoBytes"]) if with_video else None


def _appeal_days(variables: Variables) -> int:
    if "APPEAL_DAYS" not in variables:
        return 0
    days = variables.parsed("APPEAL_DAYS", int, "a whole number of days")
    if days < 1:
        raise SettingsError(f"the environment variable APPEAL_DAYS is {days}; it is left out for no appeals")
    return days


def _origins(document: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(origin, str) for origin in document):
        raise TypeError("an origin is a text such as https://app.example.com")
    return tuple(document)


def _prefix(text: str) -> str:
    if not text.endswith("/"):
        raise SettingsError(
            f"the environment variable UPLOADS_PREFIX is {text!r}, which does not end in a slash"
        )
    return text
