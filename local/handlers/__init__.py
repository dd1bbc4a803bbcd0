"""Which resource types the embedded AWS has, and how an `aws` provider is configured."""

from typing import Final

from local.handlers import (
    api_keys,
    apis,
    asynchronous,
    dynamodb,
    functions,
    iam,
    monitoring,
    notifications,
    queues,
    s3,
    s3_cors,
    s3_settings,
)
from local.handlers.base import Handler
from local.handlers.provider import PROVIDER_TYPE, default_provider, provider_settings

__all__ = ["HANDLERS", "PROVIDER_TYPE", "default_provider", "provider_settings"]

_MODULES: Final = (
    s3,
    s3_settings,
    s3_cors,
    dynamodb,
    queues,
    notifications,
    iam,
    monitoring,
    functions,
    asynchronous,
    apis,
    api_keys,
)

HANDLERS: Final[dict[str, type[Handler]]] = {
    handler.type_name: handler for module in _MODULES for handler in module.HANDLERS
}
