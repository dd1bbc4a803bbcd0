"""What a file says of its making is found in every container, bounded, and renditions say it in words of our own."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from media_pipeline.images.formats import FORMATS
from media_pipeline.images.inspection import inspect
from media_pipeline.images.provenance import (
    GENERATED,
    PARTLY_GENERATED,
    VOCABULARY,
    Provenance,
    find,
    find_in_video,
    xmp,
)
from media_pipeline.images.renditions import render
from media_pipeline.images.sizes import Size, Specs
from media_pipeline.limits import Limits

LIMITS = Limits(bytes=1 << 24, pixels=1 << 24, frames=10)
SECRET = "a place that nobody may learn"
PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description>'
    f"<Iptc4xmpExt:DigitalSourceType>{VOCABULARY}%s</Iptc4xmpExt:DigitalSourceType>"
    f"<Iptc4xmpExt:Location>{SECRET}</Iptc4xmpExt:Location></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def saved(format_name: str, packet: str = "", frames: int = 1) -> bytes:
    """Return a picture with a packet of XMP, as Pillow writes it."""
    pictures = [Image.new("RGB", (64, 48), (200, 40 * number, 30)) for number in range(frames)]
    options: dict[str, Any] = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    if packet and format_name == "PNG":
        options["pnginfo"] = info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet)
    elif packet and format_name == "TIFF":
        options["tiffinfo"] = {700: packet.encode()}
    elif packet:
        options["xmp"] = packet.encode()
    data = io.BytesIO()
    pictures[0].save(data, format_name, **options)
    return data.getvalue()


def c2pa(term: str) -> bytes:
    """Return the part of a C2PA manifest that says how the file was made: an assertion of actions in CBOR."""
    uri = (VOCABULARY + term).encode()
    action = b"\xa2fa" + b"ctionlc2pa.created" + b"qdigitalSourceType" + b"\x78" + bytes([len(uri)]) + uri
    assertion = b"\xa1gactions\x81" + action
    box = struct.pack(">I4s", len(assertion) + 8, b"cbor") + assertion
    return struct.pack(">I4s", len(box) + 8, b"jumb") + box


def in_jpeg(box: bytes) -> bytes:
    data = saved("JPEG")
    segment = b"JP\x00\x01\x00\x00\x00\x01" + box
    return data[:2] + b"\xff\xeb" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def in_png(box: bytes) -> bytes:
    data = saved("PNG")
    chunk = b"caBX" + box
    return data[:33] + struct.pack(">I", len(box)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


@pytest.mark.parametrize("term", [GENERATED, PARTLY_GENERATED])
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_iptcs_term_is_found_in_the_xmp_of_every_format(format_name: str, term: str) -> None:
    assert find(saved(format_name, PACKET % term)) == Provenance(terms=(term,), standards=("xmp",))


@pytest.mark.parametrize("put", [in_jpeg, in_png])
def test_a_manifest_of_c2pa_is_found(put: Any) -> None:
    data = put(c2pa(GENERATED))
    assert find(data) == Provenance(terms=(GENERATED,), standards=("c2pa",))
    assert inspect(data, LIMITS).width == 64  # it is a picture like any other


def test_both_standards_and_both_terms_are_noted_and_the_one_that_says_most_counts() -> None:
    found = find(in_jpeg(c2pa(PARTLY_GENERATED)) + (PACKET % GENERATED).encode())
    assert found is not None
    assert found.to_document() == {
        "digital_source_types": [PARTLY_GENERATED, GENERATED],
        "standards": ["c2pa", "xmp"],
    }
    assert found.term == GENERATED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        saved("JPEG"),
        saved("JPEG", PACKET % "digitalCapture"),
        saved("JPEG", PACKET % (GENERATED + "s")),
        f"a page about {VOCABULARY}{GENERATED}".encode(),
        b"DigitalSourceType" + bytes(200) + (VOCABULARY + GENERATED).encode(),
        b"igitalSourceType" + (VOCABULARY + GENERATED).encode(),
    ],
    ids=["empty", "nothing", "a camera", "another term", "no property", "far away", "no name"],
)
def test_what_does_not_say_so_is_not_marked(data: bytes) -> None:
    assert find(data) is None


def test_a_file_that_repeats_the_property_without_end_is_searched_for_a_bounded_time() -> None:
    assert find(b"DigitalSourceType" * 200_000 + (PACKET % GENERATED).encode()) is None


def test_a_video_is_searched_at_its_beginning_and_at_its_end(tmp_path: Path) -> None:
    path, mark = tmp_path / "video", c2pa(GENERATED)
    for data in (mark, mark + bytes(9 << 20), bytes(9 << 20) + mark, bytes(5 << 20) + mark):
        path.write_bytes(data)
        assert find_in_video(path) == Provenance(terms=(GENERATED,), standards=("c2pa",)), len(data)
    path.write_bytes(bytes(5 << 20) + mark + bytes(5 << 20))
    assert find_in_video(path) is None


@pytest.mark.parametrize("frames", [1, 3])
def test_every_rendition_says_the_term_and_nothing_of_the_uploaders_packet(frames: int) -> None:
    data = saved("WEBP", PACKET % GENERATED, frames)
    packet = xmp(GENERATED)
    for kept in (packet, None):
        specs = Specs(sizes=(Size(name="small", width=32),), formats=tuple(FORMATS), quality={}, xmp=kept)
        for rendition in render(data, inspect(data, LIMITS), specs, LIMITS).renditions:
            shown = Image.open(io.BytesIO(rendition.data)).info
            found = shown.get("xmp")
            assert (found.encode() if isinstance(found, str) else found) == kept, rendition.format
            assert SECRET.encode() not in rendition.data
            assert find(rendition.data) == (
                Provenance(terms=(GENERATED,), standards=("xmp",)) if kept else None
            ), rendition.format
