"""Videos whose containers cost more than their bytes say: boxes, tracks, tables, tags and packets without number."""

import random
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.video.boxes import Box, boxes, content_at, joined, rewritten
from tests.video.video_builder import Sound, Track, craft

TRAK = (b"moov", b"trak")
STBL = (*TRAK, b"mdia", b"minf", b"stbl")
_SEGMENT = b"\x18\x53\x80\x67"
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_MANY, _VERY_MANY = 100_000, 2_000_000
LARGEST = 500_000_000
"""Bytes: a little less than `limits.videoBytes` of dev. What takes the same time per byte is as large as may be."""
_SAMPLES = 2**31 - 1


def crafted(suffix: str, *tracks: Track, sounds: tuple[Sound, ...] = (), **options: str) -> bytes:
    """Encode a video of a second, unless `tracks` says otherwise."""
    with TemporaryDirectory() as folder:
        return craft(Path(folder) / f"a.{suffix}", tracks or (Track(),), sounds, options=options)


def with_boxes(data: bytes, path: tuple[bytes, ...], *more: bytes) -> bytes:
    """Add boxes to the content of the first box at a path. The index follows the samples, so none of them moves."""
    whole = boxes(data)
    return joined(rewritten(whole, path, content_at(whole, path) + b"".join(more)))


def with_content(data: bytes, path: tuple[bytes, ...], content: bytes) -> bytes:
    """Replace the content of the boxes at a path."""
    return joined(rewritten(boxes(data), path, content))


def filling(*pattern: bytes) -> bytes:
    """Return the pattern as often as the largest upload has room for."""
    unit = b"".join(pattern)
    return unit * (LARGEST // len(unit))


def box_of(kind: bytes, content: bytes = b"") -> bytes:
    """Return a box."""
    return Box(kind, content).bytes


def element(number: bytes, content: bytes = b"") -> bytes:
    """Return an element of Matroska with an eight-byte size."""
    return number + struct.pack(">Q", 1 << 56 | len(content)) + content


def with_elements(data: bytes, *more: bytes, at_end: bool = False) -> bytes:
    """Add elements to a Matroska file's segment, in front of all others or behind them."""
    at = data.index(_SEGMENT) + 4
    rest = data[at + 8 :]
    return data[:at] + _UNKNOWN_SIZE + (rest + b"".join(more) if at_end else b"".join(more) + rest)


def _samples_without_bytes() -> bytes:
    """Return a film that says it has two thousand million samples of one byte, in a table of one line."""
    data = with_content(crafted("mp4"), (*STBL, b"stsz"), struct.pack(">III", 0, 1, _SAMPLES))
    data = with_content(data, (*STBL, b"stsc"), struct.pack(">IIIII", 0, 1, 1, _SAMPLES, 1))
    return with_content(data, (*STBL, b"stts"), struct.pack(">IIII", 0, 1, _SAMPLES, 1))


def _samples_by_the_million(count: int) -> bytes:
    """Return a film with a table of so many samples of one byte."""
    data = with_content(crafted("mp4"), (*STBL, b"stsz"), struct.pack(">III", 0, 1, count))
    data = with_content(data, (*STBL, b"stsc"), struct.pack(">IIIII", 0, 1, 1, count, 1))
    return with_content(data, (*STBL, b"stts"), struct.pack(">IIII", 0, 1, count, 1))


def _timed_by_the_million() -> bytes:
    times = filling(struct.pack(">II", 1, 1000))
    table = struct.pack(">II", 0, len(times) // 8) + times
    return with_content(crafted("mp4"), (*STBL, b"stts"), table)


def _edited_by_the_million() -> bytes:
    edits = struct.pack(">II", 0, _VERY_MANY) + struct.pack(">IiI", 1, 0, 0x10000) * _VERY_MANY
    data = crafted("mp4")
    whole = boxes(data)
    return joined(rewritten(whole, (*TRAK, b"edts", b"elst"), edits))


def _nested(depth: int) -> bytes:
    """Return a film whose user data lie in boxes within boxes."""
    inner = b""
    for _ in range(depth):
        inner = struct.pack(">I4s", 8 + len(inner), b"udta") + inner if len(inner) < 30_000_000 else inner
    return with_boxes(crafted("mp4"), (b"moov",), inner)


def _fragments() -> bytes:
    movie = crafted("mp4", movflags="frag_keyframe+empty_moov+default_base_moof")
    header = box_of(b"mfhd", struct.pack(">II", 0, 1))
    track = box_of(b"traf", box_of(b"tfhd", struct.pack(">II", 0x20000, 1)))
    return movie + filling(box_of(b"moof", header + track))


def _runs() -> bytes:
    """Return a fragment whose runs say they have millions of samples that take no bytes in the table."""
    movie = crafted("mp4", movflags="frag_keyframe+empty_moov+default_base_moof")
    run = box_of(b"trun", struct.pack(">II", 0, 50_000_000))
    track = box_of(b"traf", box_of(b"tfhd", struct.pack(">IIII", 0x20018, 1, 1, 1)) + run)
    return (
        movie
        + box_of(b"moof", box_of(b"mfhd", struct.pack(">II", 0, 1)) + track)
        + box_of(b"mdat", bytes(99))
    )


def _index_of_segments() -> bytes:
    references = struct.pack(">III", 1, 1, 0) * 65_535
    sidx = box_of(b"sidx", struct.pack(">IIIIIHH", 0, 1, 1000, 0, 0, 0, 65_535) + references)
    movie = crafted("mp4", movflags="frag_keyframe+empty_moov+default_base_moof")
    return movie + sidx * 100


def _tags_of_itunes() -> bytes:
    value = box_of(b"data", struct.pack(">II", 1, 0) + b"x")
    ilst = box_of(b"ilst", b"".join(box_of(b"\xa9" + b"%03d" % (n % 1000), value) for n in range(500_000)))
    handler = box_of(b"hdlr", bytes(8) + b"mdirappl" + bytes(10))
    return with_boxes(crafted("mp4"), (b"moov",), box_of(b"udta", box_of(b"meta", bytes(4) + handler + ilst)))


def _covers() -> bytes:
    value = box_of(b"data", struct.pack(">II", 13, 0) + b"\xff\xd8\xff" + bytes(100_000))
    ilst = box_of(b"ilst", box_of(b"covr", value * 500))
    handler = box_of(b"hdlr", bytes(8) + b"mdirappl" + bytes(10))
    return with_boxes(crafted("mp4"), (b"moov",), box_of(b"udta", box_of(b"meta", bytes(4) + handler + ilst)))


def _descriptions() -> bytes:
    """Return a film that describes its samples in a hundred thousand ways."""
    data = crafted("mp4")
    entry = content_at(boxes(data), (*STBL, b"stsd"))[8:]
    return with_content(data, (*STBL, b"stsd"), struct.pack(">II", 0, _MANY) + entry * _MANY)


def _attachments() -> bytes:
    file = element(b"\x46\x6e", b"a") + element(b"\x46\x60", b"font/ttf") + element(b"\x46\x5c", b"x" * 8)
    file += element(b"\x46\xae", b"\x01")
    return with_elements(crafted("mkv"), element(b"\x19\x41\xa4\x69", element(b"\x61\xa7", file) * _MANY))


def _large_attachments() -> bytes:
    file = element(b"\x46\x6e", b"a") + element(b"\x46\x60", b"font/ttf")
    file += element(b"\x46\x5c", bytes(16_000_000)) + element(b"\x46\xae", b"\x01")
    return with_elements(crafted("mkv"), element(b"\x19\x41\xa4\x69", element(b"\x61\xa7", file) * 25))


def _cues() -> bytes:
    place = element(b"\xf7", b"\1") + element(b"\xf1", b"\1")
    point = element(b"\xbb", element(b"\xb3", b"\1") + element(b"\xb7", place))
    return with_elements(crafted("mkv"), element(b"\x1c\x53\xbb\x6b", filling(point)))


def _tags_of_matroska() -> bytes:
    tag = element(b"\x67\xc8", element(b"\x45\xa3", b"A") + element(b"\x44\x87", b"B"))
    return with_elements(crafted("mkv"), element(b"\x12\x54\xc3\x67", element(b"\x73\x73", tag * 500_000)))


def _chapters() -> bytes:
    atoms = b"".join(
        element(
            b"\xb6", element(b"\x73\xc4", struct.pack(">I", n + 1)) + element(b"\x91", struct.pack(">I", n))
        )
        for n in range(200_000)
    )
    return with_elements(crafted("mkv"), element(b"\x10\x43\xa7\x70", element(b"\x45\xb9", atoms)))


def _tracks_of_matroska() -> bytes:
    track = element(b"\xd7", b"\2") + element(b"\x73\xc5", b"\2") + element(b"\x83", b"\2")
    track += element(b"\x86", b"A_PCM/INT/LIT")
    return with_elements(crafted("mkv"), element(b"\x16\x54\xae\x6b", element(b"\xae", track) * _MANY))


def _packets() -> bytes:
    """Return a film with tens of millions of sound packets of a byte each, in a cluster behind its own."""
    data = crafted("mkv", sounds=(Sound(codec="pcm_u8", end=0.5),))
    block = b"\xa3\x85\x82\0\0\x80\x80"
    return with_elements(
        data, element(b"\x1f\x43\xb6\x75", element(b"\xe7", b"\x02") + filling(block)), at_end=True
    )


def _picture_packets() -> bytes:
    """Return a film with tens of millions of empty picture packets behind its own."""
    block = b"\xa3\x85\x81\0\0\x80\0"
    cluster = element(b"\x1f\x43\xb6\x75", element(b"\xe7", b"\x02") + filling(block))
    return with_elements(crafted("mkv"), cluster, at_end=True)


def _packets_of_others() -> bytes:
    """Return a film with tens of millions of packets of a track that nobody plays."""
    data = crafted("mkv", sounds=(Sound(codec="pcm_u8", end=0.5), Sound(codec="pcm_u8", end=0.5)))
    block = b"\xa3\x85\x83\0\0\x80\x80"
    cluster = element(b"\x1f\x43\xb6\x75", element(b"\xe7", b"\x02") + filling(block))
    return with_elements(data, cluster, at_end=True)


def _broken_packets() -> bytes:
    """Return a film with a hundred thousand pictures behind its own, each of which is noise."""
    block = b"\xa3" + struct.pack(">I", 0x10000000 | 4 + 4000) + b"\x81\0\0\x80"
    noise = struct.pack(">I", 3996) + b"\x65" + random.Random(0).randbytes(3995)
    cluster = element(b"\x1f\x43\xb6\x75", element(b"\xe7", b"\x02") + (block + noise) * _MANY)
    return with_elements(crafted("mkv"), cluster, at_end=True)


def _clusters() -> bytes:
    return with_elements(crafted("mkv"), filling(element(b"\x1f\x43\xb6\x75", b"\xe7\x81\0")), at_end=True)


def _laced_packets() -> bytes:
    """Return a film with blocks of 256 packets without bytes each."""
    block = b"\xa3" + bytes([0x80 | 5 + 1]) + b"\x82\0\0\x04" + b"\xff" + b"\0"
    data = crafted("mkv", sounds=(Sound(codec="pcm_u8", end=0.5),))
    cluster = element(b"\x1f\x43\xb6\x75", element(b"\xe7", b"\x02") + filling(block))
    return with_elements(data, cluster, at_end=True)


def _large(size: tuple[int, int], pixels: str = "yuv420p") -> Callable[[], bytes]:
    """Return two seconds in which nothing moves, which take few bytes, but a decoder keeps 16 pictures."""
    times = tuple(number / 30 for number in range(60))
    options = {"preset": "ultrafast", "crf": "51", "g": "9999", "refs": "16"}
    return lambda: crafted("mp4", Track(size=size, times=times, rate=30, pixels=pixels, options=options))


FILMS: Mapping[str, Callable[[], bytes]] = {
    "mp4-tracks": lambda: with_boxes(
        crafted("mp4"), (b"moov",), box_of(b"trak", content_at(boxes(crafted("mp4")), TRAK)) * 20_000
    ),
    "mp4-boxes": lambda: crafted("mp4") + filling(box_of(b"free")),
    "mp4-boxes-in-front": lambda: crafted("mp4")[:32] + filling(box_of(b"free")) + crafted("mp4")[32:],
    "mp4-boxes-of-the-movie": lambda: with_boxes(crafted("mp4"), (b"moov",), filling(box_of(b"free"))),
    "mp4-edits": _edited_by_the_million,
    "mp4-times": _timed_by_the_million,
    "mp4-samples-without-bytes": _samples_without_bytes,
    "mp4-samples": lambda: _samples_by_the_million(30_000_000),
    "mp4-descriptions": _descriptions,
    "mp4-nested": lambda: _nested(5_000),
    "mp4-fragments": _fragments,
    "mp4-runs": _runs,
    "mp4-index-of-segments": _index_of_segments,
    "mp4-tags": _tags_of_itunes,
    "mp4-covers": _covers,
    "mkv-attachments": _attachments,
    "mkv-large-attachments": _large_attachments,
    "mkv-cues": _cues,
    "mkv-tags": _tags_of_matroska,
    "mkv-chapters": _chapters,
    "mkv-tracks": _tracks_of_matroska,
    "mkv-void": lambda: with_elements(crafted("mkv"), filling(b"\xec\x80")),
    "mkv-clusters": _clusters,
    "mkv-packets": _packets,
    "mkv-picture-packets": _picture_packets,
    "mkv-packets-of-others": _packets_of_others,
    "mkv-broken-packets": _broken_packets,
    "mkv-laced-packets": _laced_packets,
    "film-8k": _large((7680, 4320)),
    "film-of-10-bits": _large((5376, 3024), "yuv420p10le"),
    "film-of-444": _large((5120, 3200), "yuv444p"),
    "film-of-444-and-10-bits": _large((3840, 2160), "yuv444p10le"),
    "film-of-a-thousand-hertz": lambda: crafted("mkv", Track(times=tuple(n / 1000 for n in range(20_000)), rate=1000)),
}  # fmt: skip
"""Name -> what makes the file."""
