"""Which resource types the embedded AWS has, and how an `aws` provider is configured."""

from typing import Final

from embedded_aws.resources import (
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
from embedded_aws.resources.base import Handler
from embedded_aws.resources.provider import PROVIDER_TYPE, default_provider, provider_settings

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
