"""What a function is told through its environment. `media_pipeline/settings.py` parses exactly this.

Numbers are written as they are configured, JSON compact and sorted: the same configuration always
gives the same text, so that a preview shows a change only where there is one.
"""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from components import bounds

if TYPE_CHECKING:
    from components.config import StackConfig

METRICS_NAMESPACE = "MediaPipeline"
STACK_NAME = re.compile(rf"[a-z][a-z0-9-]{{0,{bounds.STACK_NAME_LENGTH - 1}}}")

# The longest that AWS lets each name be that is only known after the resource is there: a bucket's
# name has 63 characters; a table's, topic's or queue's ours plus Pulumi's 8, after a prefix.
_PHYSICAL = {
    "UPLOADS_BUCKET": 63,
    "QUARANTINE_BUCKET": 63,
    "RENDITIONS_BUCKET": 63,
    "RECORDS_TABLE": 80,
    "EVENTS_TOPIC_ARN": 140,
    "QUEUE_URL": 160,
}


def common_settings(config: "StackConfig") -> dict[str, str]:
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


def image_settings(config: "StackConfig") -> dict[str, str]:
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
        "LIMITS": _json(config.limits.model_dump()),
    }


def measure(config: "StackConfig") -> int:
    """The most bytes that the image function's environment can take, in Lambda's own measure.

    Lambda measures the variables as one JSON object; names that are not known yet count in full.
    """
    return size(
        {
            **common_settings(config),
            **image_settings(config),
            **{name: "x" * length for name, length in _PHYSICAL.items()},
        }
    )


def size(variables: Mapping[str, str]) -> int:
    """Bytes of an environment as Lambda measures it."""
    return len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _flag(value: bool) -> str:
    return "true" if value else "false"
