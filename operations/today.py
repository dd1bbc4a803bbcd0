"""What a stack's own file configures now, as far as it decides what is published and how it looks."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from components import environment
from components.config_model import StackConfig
from components.stack_files import StackFiles
from media_pipeline import __version__
from media_pipeline.images.sizes import Size
from media_pipeline.moderation.policy import Policy
from operations.errors import OperationsError

VIDEO = "video"
"""The name of a video's own rendition; the others are sizes of its poster."""


@dataclass(frozen=True, kw_only=True)
class Today:
    """The configuration of now, and the version of the pipeline that this command belongs to."""

    config: StackConfig
    sizes: tuple[Size, ...]
    formats: tuple[str, ...]
    policy: Policy
    pipeline_version: str = __version__

    @classmethod
    def read(cls, folder: Path, stack: str) -> "Today":
        """Read `Pulumi.<stack>.yaml`. Raises OperationsError with the configuration's own words."""
        try:
            config = StackFiles.read(folder, stack).config()
        except pulumi.RunError as error:  # the base of ConfigError, whose messages are for people
            raise OperationsError(str(error)) from error
        return cls.of(config)

    @classmethod
    def of(cls, config: StackConfig) -> "Today":
        """Return what the functions are deployed with."""
        settings = environment.image_settings(config)
        return cls(
            config=config,
            sizes=tuple(Size.parse(name, value) for name, value in json.loads(settings["SIZES"]).items()),
            formats=tuple(json.loads(settings["FORMATS"])),
            policy=Policy.parse(json.loads(settings["MODERATION"])),
        )

    def is_rendered_so(self, record: Mapping[str, Any]) -> bool:
        """Return whether a record, in plain values, lists what would be published now."""
        renditions = record.get("renditions") or ()
        pictures = {
            (each["name"], each["format"]): (each["width"], each["height"])
            for each in renditions
            if each["name"] != VIDEO
        }
        wanted = {(size.name, name): size for size in self.sizes for name in self.formats}
        if record.get("pipeline_version") != self.pipeline_version or pictures.keys() != wanted.keys():
            return False
        if len(pictures) < len(renditions):  # the poster has a size of its own, which the record does not say
            return True
        width, height = int(record["width"]), int(record["height"])
        targets = {key: size.target(width, height) for key, size in wanted.items()}
        return all((target.width, target.height) == pictures[key] for key, target in targets.items())

    def is_judged_so(self, record: Mapping[str, Any]) -> bool:
        """Return whether the largest rendition, which is what was judged, would be as large as it is."""
        pictures = [each for each in record.get("renditions") or () if each["name"] != VIDEO]
        if len(pictures) < len(record.get("renditions") or ()) or not record.get("width"):
            return True
        width, height = int(record["width"]), int(record["height"])
        then = _largest((int(each["width"]), int(each["height"])) for each in pictures)
        targets = (size.target(width, height) for size in self.sizes)
        return then == _largest((target.width, target.height) for target in targets)


def _largest(sizes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    return max(sizes, key=lambda size: (size[0] * size[1], size))
