"""Whether a file says of itself that a generative model made it, wholly or in part; and how renditions say so again.

What counts is IPTC's DigitalSourceType (IPTC NewsCodes, "digitalsourcetype"), as XMP has it (IPTC Photo Metadata
Standard, `Iptc4xmpExt:DigitalSourceType`) and as C2PA's actions have it (C2PA Technical Specification, "Actions",
`digitalSourceType`). Both are plain text in every container, next to the name of their property: so the bytes are
searched for that, and no metadata of an uploader is parsed. No signature is verified: it is what the file claims.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

VOCABULARY: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED, PARTLY_GENERATED = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
_PROPERTY: Final = b"igitalSourceType"  # XMP writes it with a capital D, C2PA with a small one
_STANDARDS: Final[Mapping[bytes, str]] = MappingProxyType({b"D": "xmp", b"d": "c2pa"})
_VALUE: Final = re.compile(
    rb"digitalsourcetype/(" + f"{GENERATED}|{PARTLY_GENERATED}".encode() + rb")(?![A-Za-z])"
)
_WINDOW: Final = 160  # bytes after the property's name, within which its value is
_MOST_MENTIONS: Final = 1_000  # of the property: a file may repeat it without end
_VIDEO_PART: Final = 4 << 20  # bytes at a video's beginning and end, where its metadata is
_XMP: Final = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    'Iptc4xmpExt:DigitalSourceType="{}"/></rdf:RDF></x:xmpmeta>'
)


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a file says of its making: terms of IPTC's vocabulary, and the standards that say so, both sorted."""

    terms: tuple[str, ...]
    standards: tuple[str, ...]

    @property
    def term(self) -> str:
        """The term that says most: made by a model wholly, before made in part."""
        return GENERATED if GENERATED in self.terms else PARTLY_GENERATED

    def to_document(self) -> dict[str, Any]:
        """Return the record's field `provenance`: `{"digital_source_types": [...], "standards": ["c2pa", "xmp"]}`."""
        return {"digital_source_types": list(self.terms), "standards": list(self.standards)}


def find(data: bytes) -> Provenance | None:
    """Return what the bytes of a file say; None where they say nothing of a model. Never raises for any bytes."""
    terms: set[str] = set()
    standards: set[str] = set()
    at = -1
    for _ in range(_MOST_MENTIONS):
        at = data.find(_PROPERTY, at + 1)
        if at < 0:
            break
        standard = _STANDARDS.get(data[max(0, at - 1) : at])
        end = at + len(_PROPERTY)
        value = _VALUE.search(data[end : end + _WINDOW])
        if standard is not None and value is not None:
            terms.add(value[1].decode())
            standards.add(standard)
    if not terms:
        return None
    return Provenance(terms=tuple(sorted(terms)), standards=tuple(sorted(standards)))


def find_in_video(path: Path) -> Provenance | None:
    """Return what a video's file says in its first and last four megabytes; None where that is nothing."""
    with path.open("rb") as file:
        head = file.read(_VIDEO_PART)
        length = file.seek(0, 2)
        file.seek(max(len(head), length - _VIDEO_PART))
        return find(head + file.read())


def xmp(term: str) -> bytes:
    """Return a packet of XMP that says nothing but this term; nothing of it comes from the uploader's file."""
    return _XMP.format(VOCABULARY + term).encode()
