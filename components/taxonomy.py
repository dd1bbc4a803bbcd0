"""Rekognition's moderation labels, read as data from the file that the functions use."""

import difflib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

TAXONOMY = Path(__file__).parent.parent / "lambda" / "media_pipeline" / "moderation" / "taxonomy.json"

GENERATED_LABEL = "AI-Generated"  # of files that say so of themselves: not one of Rekognition's

# Names of model 6 that many samples still use, and their successors (Rekognition Developer Guide,
# "Testing Content Moderation version 7 and transforming the API response").
FORMER_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "nudity": ("Explicit Nudity", "Non-Explicit Nudity"),
        "graphic male nudity": ("Exposed Male Genitalia",),
        "graphic female nudity": ("Exposed Female Genitalia",),
        "sexual activity": ("Explicit Sexual Activity",),
        "illustrated explicit nudity": ("Explicit Nudity",),
        "adult toys": ("Sex Toys",),
        "suggestive": ("Non-Explicit Nudity of Intimate parts and Kissing", "Swimwear or Underwear"),
        "partial nudity": ("Non-Explicit Nudity", "Obstructed Intimate Parts"),
        "barechested male": ("Exposed Male Nipple",),
        "revealing clothes": ("Non-Explicit Nudity",),
        "sexual situations": ("Kissing on the Lips",),
        "graphic violence or gore": ("Graphic Violence", "Blood & Gore"),
        "self injury": ("Self-Harm",),
        "hanging": ("Death and Emaciation",),
        "drugs": ("Drugs & Tobacco",),
        "tobacco": ("Drugs & Tobacco",),
        "drug products": ("Products",),
        "drug use": ("Drugs & Tobacco Paraphernalia & Use",),
        "drug paraphernalia": ("Drugs & Tobacco Paraphernalia & Use",),
        "tobacco products": ("Products",),
    }
)


@cache
def names() -> Mapping[str, str]:
    """Return the proper spelling of every label that a policy may name, by its case-folded name."""
    found: dict[str, str] = {GENERATED_LABEL.casefold(): GENERATED_LABEL}
    for top, middles in json.loads(TAXONOMY.read_text("utf-8"))["labels"].items():
        for name in (top, *middles, *(leaf for leaves in middles.values() for leaf in leaves)):
            found[name.casefold()] = name
    return MappingProxyType(found)


@cache
def top_levels() -> tuple[str, ...]:
    """Return the labels that have no parent, in the order of the taxonomy."""
    return tuple(json.loads(TAXONOMY.read_text("utf-8"))["labels"])


def nearest(name: str, count: int = 3) -> tuple[str, ...]:
    """Return the labels that an unknown name most likely meant, likeliest first; never empty."""
    folded = name.casefold()
    if folded in FORMER_NAMES:
        return FORMER_NAMES[folded]
    inside = [known for known in names() if folded in known or known in folded]
    alike = difflib.get_close_matches(folded, names(), n=count, cutoff=0.0)
    return tuple(names()[known] for known in dict.fromkeys([*inside, *alike]))[:count]
