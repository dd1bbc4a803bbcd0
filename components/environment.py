"""The functions' environment variables that follow from the configuration; `media_pipeline.settings` parses them.

Numbers are written as they are configured, JSON is compact and sorted: the same configuration always gives the same
text, so that a preview shows a change only where there is one.
"""

import json
import re

from components import bounds
from components.config_model import StackConfig

METRICS_NAMESPACE = "MediaPipeline"
UPLOADS_PREFIX = "api/"  # the upload API's part of the uploads bucket: nobody else writes there
ANSWERS_PREFIX = "!answers/"  # of the records table's partitions that hold Rekognition's answers
PIPELINE_NAME = re.compile(rf"[a-z][a-z0-9-]{{0,{bounds.PIPELINE_NAME_LENGTH - 1}}}")
STACK_NAME = re.compile(rf"[a-z][a-z0-9-]{{0,{bounds.STACK_NAME_LENGTH - 1}}}")


def common_settings(config: StackConfig) -> dict[str, str]:
    """Return what every function gets."""
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
    """Return what process-image gets."""
    moderation = config.moderation
    policy: dict[str, object] = {
        "mode": moderation.mode,
        "block": moderation.block,
        "review": moderation.review,
        "exempt": moderation.exempt,
    }
    if moderation.record_from is not None:
        policy["recordFrom"] = moderation.record_from
    if moderation.many_scenes is not None:
        policy["manyScenes"] = moderation.many_scenes
    if moderation.paths:
        policy["paths"] = [path.model_dump(by_alias=True, exclude_none=True) for path in moderation.paths]
    per_day = config.limits.judged_per_day
    sizes = {
        name: size if isinstance(size, int) else size.model_dump() for name, size in config.sizes.items()
    }
    return {
        "SIZES": _json(sizes),
        "FORMATS": _json(config.formats),
        "QUALITY": _json(config.quality.model_dump(exclude_none=True)),
        "GRAYSCALE": _flag(config.grayscale),
        "TRANSPARENCY": config.transparency,
        "BACKGROUND": config.background,
        "MODERATION": _json(policy),
        "MODERATION_CACHE_DAYS": str(moderation.cache_days),
        "LIMITS": _json(_limits(config, "bytes", "pixels", "frames")),
        "UPLOADS_PREFIX": UPLOADS_PREFIX,
        **review_settings(config),
        **_samples(config),
        **({"LISTS_LIKE": config.lists.like} if config.lists.like != "review" else {}),
        **({"PROVENANCE_KEEP": "true"} if config.provenance.keep else {}),
        **({"JUDGED_PER_DAY": str(per_day)} if per_day else {}),
    }


def _samples(config: StackConfig) -> dict[str, str]:
    shares = {"allowed": config.review.sample_allowed, "secondLook": config.review.second_look}
    return {"REVIEW_SAMPLES": _json(shares)} if any(shares.values()) else {}


def review_settings(config: StackConfig) -> dict[str, str]:
    """Return what those get who count approvals; nothing where one person's is enough for everything."""
    approvals = config.review.approvals
    return {"REVIEW_APPROVALS": _json(approvals)} if approvals else {}


def reconcile_settings(config: StackConfig) -> dict[str, str]:
    """Return what reconcile gets: until when what waits for review can be approved."""
    return {"QUARANTINE_RETENTION_DAYS": str(config.retention.quarantine)}


def console_settings(config: StackConfig) -> dict[str, str]:
    """Return what review-api gets: how many persons must approve."""
    return review_settings(config)


def dead_letters_settings(_: StackConfig) -> dict[str, str]:
    """Return what dead-letters gets: where each key takes one upload."""
    return {"UPLOADS_PREFIX": UPLOADS_PREFIX}


def video_settings(config: StackConfig) -> dict[str, str]:
    """Return what process-video gets: posters and frames are pictures, so all that process-image gets, and more."""
    return {
        **image_settings(config),
        "LIMITS": _json(_limits(config, "bytes", "pixels", "frames", "videoBytes", "videoSeconds")),
        "VIDEO": _json({"height": config.video.height, "moderationFrames": config.video.moderation_frames}),
    }


def api_settings(config: StackConfig) -> dict[str, str]:
    """Return what upload-api gets: where to store uploads, how large they may be, which pages may call it."""
    videos = ("videoBytes",) if config.video.enabled else ()
    return {
        "UPLOADS_PREFIX": UPLOADS_PREFIX,
        "LIMITS": _json(_limits(config, "bytes", "pixels", "frames", *videos)),
        "VIDEO_ENABLED": _flag(config.video.enabled),
        "CORS_ORIGINS": _json(config.api.cors_origins),
        # Only of an object that is encrypted with S3's own keys is the ETag the MD5 of its bytes.
        **({"ETAGS_ARE_MD5": "false"} if config.encryption.key_arn else {}),
        **({"APPEAL_DAYS": str(config.review.appeal_days)} if config.review.appeal_days else {}),
    }


def _limits(config: StackConfig, *names: str) -> dict[str, int]:
    limits = config.limits.model_dump(by_alias=True)
    return {name: limits[name] for name in names}


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _flag(value: bool) -> str:
    return "true" if value else "false"
