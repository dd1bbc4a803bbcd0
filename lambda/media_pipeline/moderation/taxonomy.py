"""Every label that Rekognition's moderation model knows, and its parent; and one of our own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

GENERATED_LABEL = "AI-Generated"
"""What a file gets that says of itself that a generative model made it or a part of it; not one of Rekognition's."""


@dataclass(frozen=True)
class Taxonomy:
    """Every label of the moderation model: its proper spelling and its parent, by case-folded name.

    `names` has GENERATED_LABEL as well, which policies name like the others; it has no parent.
    """

    names: Mapping[str, str]
    parents: Mapping[str, str]  # case-folded child -> case-folded parent; top levels are absent

    @classmethod
    @cache
    def load(cls) -> "Taxonomy":
        """Read the taxonomy that ships beside this module; `components` validates against the same file."""
        document = json.loads(Path(__file__).with_name("taxonomy.json").read_text("utf-8"))
        names: dict[str, str] = {GENERATED_LABEL.casefold(): GENERATED_LABEL}
        parents: dict[str, str] = {}
        for top, middles in document["labels"].items():
            names[top.casefold()] = top
            for middle, leaves in middles.items():
                names[middle.casefold()] = middle
                parents[middle.casefold()] = top.casefold()
                for leaf in leaves:
                    names[leaf.casefold()] = leaf
                    parents[leaf.casefold()] = middle.casefold()
        return cls(MappingProxyType(names), MappingProxyType(parents))
