"""The packages of a stack: the same for the program and for `make package`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from components.packaging.bytecode import find_compiler
from components.packaging.function_code import build_code
from components.packaging.layer import build_layer
from components.packaging.store import PACKAGES, PROJECT, Package, check_fits
from components.packaging.target import Target

CODE: Final = PROJECT / "lambda" / "media_pipeline"
IMAGE_LOCK: Final = PROJECT / "lambda" / "requirements" / "image.txt"
VIDEO_LOCK: Final = PROJECT / "lambda" / "requirements" / "video.txt"


@dataclass(frozen=True)
class StackPackages:
    """The packages that the functions of one stack are deployed from; `video_layer` is None without videos.

    `has_bytecode` is False where this machine has no Python that compiles for the target.
    """

    code: Package
    image_layer: Package
    video_layer: Package | None = None
    has_bytecode: bool = True

    def __iter__(self) -> Iterator[Package]:
        return (package for package in (self.code, self.image_layer, self.video_layer) if package)


def build_stack(
    target: Target, *, video: bool = False, output: Path = PACKAGES, cache: Path | None = None
) -> StackPackages:
    """Build the packages for the target, or return those built from the same inputs; `video`: its layer too.

    Raises PackagingError.
    """
    compiler = find_compiler(target)
    layer = partial(build_layer, target=target, output=output, cache=cache, compiler=compiler)
    packages = StackPackages(
        code=build_code(CODE, output=output, compiler=compiler),
        image_layer=layer(IMAGE_LOCK),
        video_layer=layer(VIDEO_LOCK) if video else None,
        has_bytecode=compiler is not None,
    )
    check_fits("process-video" if video else "process-image", packages)
    return packages
