"""Which resource types the embedded AWS has, and how an `aws` provider is configured.

A type is a subclass of `Handler` with a `type_name`, in any module of this package; it is found there.
"""

import pkgutil
from importlib import import_module
from typing import Final

from embedded_aws.resources.base import Handler
from embedded_aws.resources.provider import PROVIDER_TYPE, default_provider, provider_settings

__all__ = ["HANDLERS", "PROVIDER_TYPE", "default_provider", "provider_settings"]

HANDLERS: Final[dict[str, type[Handler]]] = {
    found.type_name: found
    for info in pkgutil.iter_modules(__path__)
    for found in vars(import_module(f"{__name__}.{info.name}")).values()
    if isinstance(found, type) and issubclass(found, Handler) and "type_name" in vars(found)
}
