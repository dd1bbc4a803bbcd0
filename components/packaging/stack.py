"""The packages of a stack: the same for the program and for `make package`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.packaging.function_code import build_code
from components.packaging.layer import build_layer
from components.packaging.store import PACKAGES, PROJECT, Package, check_fits
from components.packaging.target import Target

CODE: Final = PROJECT / "lambda" / "media_pipeline"
IMAGE_LOCK: Final = PROJECT / "lambda" / "requirements" / "image.txt"
VIDEO_LOCK: Final = PROJECT / "lambda" / "requirements" / "video.txt"


@dataclass(frozen=True)
class StackPackages:
    """The packages that the functions of one stack are deployed from; `video_layer` is None without videos."""

    code: Package
    image_layer: Package
    video_layer: Package | None = None

    def __iter__(self) -> Iterator[Package]:
        return (package for package in (self.code, self.image_layer, self.video_layer) if package)


def build_stack(
    target: Target, *, video: bool = False, output: Path = PACKAGES, cache: Path | None = None
) -> StackPackages:
    """Build the packages for the target, or return those built from the same inputs; `video`: its layer too.

    Raises PackagingError.
    """
    packages = StackPackages(
        code=build_code(CODE, output=output),
        image_layer=build_layer(IMAGE_LOCK, target, output=output, cache=cache),
        video_layer=build_layer(VIDEO_LOCK, target, output=output, cache=cache) if video else None,
    )
    check_fits("process-video" if video else "process-image", packages)
    return packages
