"""Which resource types the embedded AWS has, and how an `aws` provider is configured."""

from typing import Final

from local.handlers import dynamodb, functions, iam, monitoring, notifications, queues, s3, s3_settings
from local.handlers.base import Handler
from local.handlers.provider import PROVIDER_TYPE, default_provider, provider_settings

__all__ = ["HANDLERS", "PROVIDER_TYPE", "default_provider", "provider_settings"]

HANDLERS: Final[dict[str, type[Handler]]] = {
    handler.type_name: handler
    for module in (s3, s3_settings, dynamodb, queues, notifications, iam, monitoring, functions)
    for handler in module.HANDLERS
}
