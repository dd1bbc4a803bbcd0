"""What a function is told through its environment. `media_pipeline/settings.py` parses exactly this.

Numbers are written as they are configured, JSON compact and sorted: the same configuration always
gives the same text, so that a preview shows a change only where there is one.
"""

import json
import re
from collections.abc import Mapping

from components import bounds
from components.config_model import StackConfig

METRICS_NAMESPACE = "MediaPipeline"
UPLOADS_PREFIX = "api/"  # where the upload API puts what it is sent: all that its role may touch
STACK_NAME = re.compile(rf"[a-z][a-z0-9-]{{0,{bounds.STACK_NAME_LENGTH - 1}}}")

# The longest that AWS lets each name be that is only known after the resource is there: a bucket's
# name has 63 characters; a table's, topic's or queue's ours plus Pulumi's 8, after a prefix.
_BUCKET, _TABLE, _TOPIC, _QUEUE = 63, 80, 140, 160
_WORK = {
    "UPLOADS_BUCKET": _BUCKET,
    "QUARANTINE_BUCKET": _BUCKET,
    "RENDITIONS_BUCKET": _BUCKET,
    "RECORDS_TABLE": _TABLE,
    "EVENTS_TOPIC_ARN": _TOPIC,
    "QUEUE_URL": _QUEUE,
}
_API = {"UPLOADS_BUCKET": _BUCKET, "RENDITIONS_BUCKET": _BUCKET, "RECORDS_TABLE": _TABLE}


def common_settings(config: StackConfig) -> dict[str, str]:
    """What every function gets, besides the names of the resources that it uses."""
    return {
        "STACK": config.stack,
        "RECORDS_RETENTION_DAYS": str(config.retention.records),
        "TRACING": _flag(config.tracing),
        "POWERTOOLS_TRACE_DISABLED": _flag(not config.tracing),
        "POWERTOOLS_SERVICE_NAME": config.service,
        "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }


def image_settings(config: StackConfig) -> dict[str, str]:
    """What the image function needs to know of the configuration."""
    moderation = config.moderation
    policy: dict[str, object] = {
        "mode": moderation.mode,
        "block": moderation.block,
        "review": moderation.review,
        "exempt": moderation.exempt,
    }
    if moderation.record_from is not None:
        policy["recordFrom"] = moderation.record_from
    sizes = {
        name: size if isinstance(size, int) else size.model_dump() for name, size in config.sizes.items()
    }
    return {
        "SIZES": _json(sizes),
        "FORMATS": _json(config.formats),
        "QUALITY": _json(config.quality.model_dump(exclude_none=True)),
        "GRAYSCALE": _flag(config.grayscale),
        "MODERATION": _json(policy),
        "LIMITS": _json(_limits(config, "bytes", "pixels", "frames")),
    }


def video_settings(config: StackConfig) -> dict[str, str]:
    """What the video function needs: posters and frames are pictures, so all that the image function does."""
    return {
        **image_settings(config),
        "LIMITS": _json(_limits(config, "bytes", "pixels", "frames", "videoBytes", "videoSeconds")),
        "VIDEO": _json({"height": config.video.height, "moderationFrames": config.video.moderation_frames}),
    }


def api_settings(config: StackConfig) -> dict[str, str]:
    """What the upload API needs: where it puts things, how large they may be, who may call it from a page."""
    videos = ("videoBytes",) if config.video.enabled else ()
    return {
        "UPLOADS_PREFIX": UPLOADS_PREFIX,
        "LIMITS": _json(_limits(config, "bytes", "pixels", "frames", *videos)),
        "VIDEO_ENABLED": _flag(config.video.enabled),
        "CORS_ORIGINS": _json(config.api.cors_origins),
    }


def settings(config: StackConfig) -> dict[str, dict[str, str]]:
    """Of each function that is deployed, by its name, what comes from the configuration alone."""
    common = common_settings(config)
    functions = {"process-image": image_settings(config), "dead-letters": {}, "log-notification": {}}
    if config.video.enabled:
        functions["process-video"] = video_settings(config)
    if config.api.enabled:
        functions["upload-api"] = api_settings(config)
    return {name: {**common, **own} for name, own in functions.items()}


def measure(config: StackConfig) -> dict[str, int]:
    """The most bytes that each function's environment can take, in Lambda's own measure.

    Lambda measures the variables as one JSON object; names that are not known yet count in full.
    """
    video = config.video.enabled
    names: dict[str, Mapping[str, int]] = {
        "process-image": {**_WORK, **({"VIDEOS_QUEUE_URL": _QUEUE} if video else {})},
        "process-video": _WORK,
        "dead-letters": {**_WORK, **({"VIDEOS_DEAD_LETTERS_URL": _QUEUE} if video else {})},
        "upload-api": _API,
        "log-notification": {},
    }
    return {
        function: size({**own, **{name: "x" * length for name, length in names[function].items()}})
        for function, own in settings(config).items()
    }


def size(variables: Mapping[str, str]) -> int:
    """Bytes of an environment as Lambda measures it."""
    return len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())


def _limits(config: StackConfig, *names: str) -> dict[str, int]:
    limits = config.limits.model_dump(by_alias=True)
    return {name: limits[name] for name in names}


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _flag(value: bool) -> str:
    return "true" if value else "false"
