"""Build Lambda packages during a preview: from pinned wheels, byte-identical, without docker or the target's Python."""

from components.packaging.bytecode import missing
from components.packaging.errors import PackagingError
from components.packaging.function_code import build_code
from components.packaging.layer import build_layer, fetch
from components.packaging.stack import StackPackages, build_stack
from components.packaging.store import Package, check_fits
from components.packaging.target import PACKAGES_FOR, Target

__all__ = [
    "PACKAGES_FOR",
    "Package",
    "PackagingError",
    "StackPackages",
    "Target",
    "build_code",
    "build_layer",
    "build_stack",
    "check_fits",
    "fetch",
    "missing",
]
