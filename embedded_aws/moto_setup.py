"""Fit the imported moto for the embedded AWS: every module of `moto_hooks` and `moto_patches`, once per process."""

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import version
from types import ModuleType

from embedded_aws import moto_hooks, moto_patches, moto_speedups
from embedded_aws.moto_replacement import MotoVersionError

MOTO_VERSION = "5.2.5"


def modules_of(package: ModuleType) -> dict[str, ModuleType]:
    """Return the modules of `moto_hooks` or `moto_patches` by name."""
    return {
        found.name: import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    }


def fit_moto() -> None:
    """Apply all hooks and patches; a second call does nothing.

    Raises MotoVersionError where another moto is installed: a patch that silently no longer fits would let a test pass
    that AWS would fail.
    """
    installed = version("moto")
    if installed != MOTO_VERSION:
        raise MotoVersionError(
            f"embedded_aws/moto_patches was made for moto {MOTO_VERSION}, but {installed} is installed: "
            "pin moto to that version again, or check each patch against the new one and raise MOTO_VERSION"
        )
    _apply()


@cache
def _apply() -> None:
    for package in (moto_hooks, moto_patches):
        for module in modules_of(package).values():
            module.apply()
    moto_speedups.apply()
