"""Generated odd videos, each with the statuses in which it may end.

What a phone, a screen recorder or an editor may write is PUBLISHED; a video without a picture, with false headers or
beyond the limits is REJECTED. For the others only the end itself matters.
"""

import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tests.video.boxes import Box, boxes, content_at, joined, rewritten
from tests.video.video_builder import SIZE, Sound, Track, craft, drawn

PUBLISHED, REJECTED = frozenset({"PUBLISHED"}), frozenset({"REJECTED"})
EITHER = PUBLISHED | REJECTED
TRACK = (b"moov", b"trak")
HUGE = 2**31 - 2


@dataclass(frozen=True)
class Odd:
    """An odd video: how to make it at a path whose suffix names the container, and its allowed statuses."""

    make: Callable[[Path], bytes]
    ends: frozenset[str] = PUBLISHED


def plain(**track: object) -> Callable[[Path], bytes]:
    return lambda path: craft(path, [Track(**track)])  # type: ignore[arg-type]


def sounding(*sounds: Sound) -> Callable[[Path], bytes]:
    return lambda path: craft(path, [Track()], sounds)


def patched(
    make: Callable[[Path], bytes], path: tuple[bytes, ...], change: Callable[[bytes], bytes]
) -> Callable[[Path], bytes]:
    """Change the content of a box. The index follows the samples, so a change of its length moves no sample."""

    def patch(file: Path) -> bytes:
        whole = boxes(make(file))
        return joined(rewritten(whole, path, change(content_at(whole, path))))

    return patch


def cut(share: float, **options: str) -> Callable[[Path], bytes]:
    def truncate(path: Path) -> bytes:
        data = craft(path, [Track(times=tenths(30))], options=options)
        return data[: int(len(data) * share)]

    return truncate


def scratched(path: Path) -> bytes:
    """Make a video with wrong bytes in its samples."""
    data = bytearray(craft(path, [Track(times=tenths(30))]))
    for at in range(600, len(data) * 2 // 3, 97):
        data[at] ^= 0x55
    return bytes(data)


def rebranded(brand: bytes) -> Callable[[Path], bytes]:
    def rebrand(path: Path) -> bytes:
        return patched(plain(), (b"ftyp",), lambda old: brand + old[4:])(path)

    return rebrand


def still(format_name: str, **options: object) -> Callable[[Path], bytes]:
    def save(_: Path) -> bytes:
        stored = io.BytesIO()
        drawn(3, SIZE).save(stored, format_name, **options)
        return stored.getvalue()

    return save


def jpeg() -> bytes:
    return still("JPEG")(Path())


def tenths(count: int) -> tuple[float, ...]:
    return tuple(number / 10 for number in range(count))


def _big(field: int, size: int = 4) -> Callable[[bytes], bytes]:
    """Return a function that sets a field of a box to a huge value."""
    return lambda old: old[:field] + struct.pack(">I", HUGE)[:size] + old[field + size :]


def _all_at_once(old: bytes) -> bytes:
    """Set all durations of the table to zero."""
    count = struct.unpack_from(">I", old, 4)[0]
    entries = [struct.unpack_from(">II", old, 8 + 8 * n) for n in range(count)]
    return old[:8] + b"".join(struct.pack(">II", samples, 0) for samples, _ in entries)


def _edited(path: Path) -> bytes:
    """Add an edit list that skips the first half."""
    data = boxes(craft(path, [Track(times=tenths(20))]))
    (tkhd, *_) = [content_at(data, (*TRACK, b"tkhd"))]
    duration = struct.unpack_from(">I", tkhd, 20)[0]
    scale = struct.unpack_from(">I", content_at(data, (*TRACK, b"mdia", b"mdhd")), 12)[0]
    edits = struct.pack(">IIIiI", 0, 1, duration // 2, scale, 0x10000)
    return joined(rewritten(data, (*TRACK, b"edts"), Box(b"elst", edits).bytes))


def _vp8_claiming(width: int, height: int) -> Callable[[Path], bytes]:
    """Claim a size in the stream's own header instead of the container's."""

    def claim(path: Path) -> bytes:
        data = bytearray(craft(path, [Track(codec="libvpx", options=VPX)]))
        at = data.index(b"\x9d\x01\x2a")
        data[at + 3 : at + 7] = struct.pack("<HH", width, height)
        return bytes(data)

    return claim


INTERLACED = {"flags": "+ildct+ilme", "x264-params": "tff=1"}


def _channels_of_their_own(path: Path) -> bytes:
    """Make a sound whose channels have the order of cinemas (left, centre, right, ...), unlike the default for six."""
    data = bytearray(craft(path, [Track()], [Sound(codec="pcm_s24le", layout="5.1")]))
    at = data.index(b"chan") + 8
    data[at : at + 4] = struct.pack(">HH", 124, 6)  # kAudioChannelLayoutTag_MPEG_5_1_D
    return bytes(data)


VPX: Mapping[str, str] = {"deadline": "realtime", "cpu-used": "8"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}

ODD: Mapping[str, Odd] = {
    "truncated-index-first.mp4": Odd(cut(0.7, movflags="faststart"), EITHER),
    "truncated-index-last.mp4": Odd(cut(0.7), REJECTED),
    "truncated.mkv": Odd(cut(0.7), EITHER),
    "truncated-fragments.mp4": Odd(cut(0.7, **FRAGMENTS), EITHER),
    "truncated-to-its-head.mp4": Odd(cut(0.01), REJECTED),
    "scratched.mp4": Odd(scratched, EITHER),
    "fragments.mp4": Odd(lambda path: craft(path, options=FRAGMENTS)),
    "without-frames.mp4": Odd(lambda path: craft(path, [Track(times=())], [Sound()]), REJECTED),
    "sound-only.mp4": Odd(lambda path: craft(path, [], [Sound()]), REJECTED),
    "sound-only.webm": Odd(lambda path: craft(path, [], [Sound(codec="libopus")]), REJECTED),
    "cover-and-sound.mp4": Odd(lambda path: craft(path, [], [Sound()], cover=jpeg()), REJECTED),
    "cover-and-video.mp4": Odd(lambda path: craft(path, cover=jpeg())),
    "one-frame.mp4": Odd(plain(times=(0.0,))),
    "two-frames.mkv": Odd(plain(times=(0.0, 5.0))),
    "one-pixel.webm": Odd(plain(codec="libvpx-vp9", size=(1, 1), options=VPX), EITHER),
    "two-pixels.mp4": Odd(plain(size=(2, 2))),
    "odd-sides.webm": Odd(plain(codec="libvpx-vp9", size=(101, 77), options=VPX)),
    "odd-sides.mp4": Odd(plain(size=(101, 77), pixels="yuv444p")),
    "very-wide.mp4": Odd(plain(size=(3000, 2)), EITHER),
    "wide-and-anamorphic.mp4": Odd(plain(size=(2200, 300), aspect=Fraction(8), times=(0.0, 0.1))),
    "very-high.mp4": Odd(plain(size=(16, 2160))),
    "ten-bits.mp4": Odd(plain(pixels="yuv420p10le")),
    "hevc-ten-bits.mp4": Odd(
        plain(codec="libx265", pixels="yuv420p10le", options={"x265-params": "log-level=none"})
    ),
    "hdr.mp4": Odd(
        plain(pixels="yuv420p10le", colour={"color_primaries": 9, "color_trc": 16, "colorspace": 9})
    ),
    "hlg.mp4": Odd(
        plain(
            times=(0.0, 0.1),
            pixels="yuv420p10le",
            colour={"color_primaries": 9, "color_trc": 18, "colorspace": 9},
        )
    ),
    "colours-in-ycgco.mp4": Odd(plain(colour={"colorspace": 8})),
    "colours-of-constant-luminance.mp4": Odd(plain(colour={"colorspace": 10})),
    "interlaced.mp4": Odd(plain(options=INTERLACED)),
    "one-interlaced-frame.mp4": Odd(plain(options=INTERLACED, times=(0.0,))),
    "full-range.mp4": Odd(plain(pixels="yuvj420p", colour={"color_range": 2})),
    "yuv444.mp4": Odd(plain(pixels="yuv444p")),
    "yuv422.mp4": Odd(plain(pixels="yuv422p")),
    "grey.mp4": Odd(plain(pixels="gray")),
    "av1.mp4": Odd(plain(codec="libsvtav1", options={"preset": "12", "svtav1-params": "lp=1"})),
    "alpha.webm": Odd(plain(codec="libvpx", pixels="yuva420p", options={**VPX, "auto-alt-ref": "0"})),
    "alpha-animation.mov": Odd(plain(codec="qtrle", pixels="argb"), EITHER),
    "alpha-prores.mov": Odd(plain(codec="prores_ks", pixels="yuva444p10le"), EITHER),
    "motion-jpeg.mov": Odd(plain(codec="mjpeg", pixels="yuvj420p"), EITHER),
    "mpeg4.mp4": Odd(plain(codec="mpeg4"), EITHER),
    "lossless.mkv": Odd(plain(codec="ffv1"), EITHER),
    "anamorphic.mp4": Odd(plain(aspect=Fraction(16, 11))),
    "absurdly-anamorphic.mp4": Odd(plain(aspect=Fraction(1, 30_000)), EITHER),
    "absurdly-anamorphic-the-other-way.mp4": Odd(plain(aspect=Fraction(30_000, 1)), EITHER),
    "turned-90.mp4": Odd(plain(rotation=90)),
    "turned-180.mp4": Odd(plain(rotation=180)),
    "turned-270-and-anamorphic.mp4": Odd(plain(rotation=270, aspect=Fraction(4, 3))),
    "turned-by-30.mp4": Odd(plain(rotation=30)),
    "begins-late.mkv": Odd(plain(times=tuple(100 + time for time in tenths(10)))),
    "begins-before-zero.mp4": Odd(plain(times=tuple(time - 0.5 for time in tenths(10)))),
    "an-hour-between-two-frames.mkv": Odd(plain(times=(0.0, 3600.0)), REJECTED),
    "minutes-between-two-frames.mp4": Odd(plain(times=(0.0, 0.1, 200.0))),
    "a-thousand-frames-a-second.mkv": Odd(
        plain(times=tuple(number / 1000 for number in range(1000)), size=(32, 32), rate=1000), EITHER
    ),
    "all-frames-at-once.mp4": Odd(
        patched(plain(options={"bf": "0"}), (*TRACK, b"mdia", b"minf", b"stbl", b"stts"), _all_at_once),
        EITHER,
    ),
    "says-it-is-endless.mp4": Odd(patched(plain(), (b"moov", b"mvhd"), _big(16)), EITHER),
    "its-track-says-it-is-endless.mp4": Odd(patched(plain(), (*TRACK, b"mdia", b"mdhd"), _big(16)), EITHER),
    "says-it-is-huge.mp4": Odd(patched(plain(), (*TRACK, b"tkhd"), _big(76)), EITHER),
    "edited.mp4": Odd(_edited),
    "claims-268-megapixels.webm": Odd(_vp8_claiming(16_383, 16_383), REJECTED),
    "grows.webm": Odd(
        plain(codec="libvpx", options=VPX, times=tenths(12), later_sizes={6: (320, 240)}), EITHER
    ),
    "shrinks-and-grows.webm": Odd(
        plain(codec="libvpx", options=VPX, times=tenths(12), later_sizes={4: (64, 64), 8: (642, 362)}), EITHER
    ),
    "grows-beyond-all-limits.webm": Odd(
        plain(codec="libvpx", options=VPX, times=tenths(3), later_sizes={2: (7200, 7000)}), REJECTED
    ),
    "five-sounds.mp4": Odd(sounding(*(Sound(language=name) for name in ("deu", "eng", "fra", "ita", "rmo")))),
    "channels-in-an-order-of-their-own.mov": Odd(_channels_of_their_own),
    "picture-much-later-than-sound.mkv": Odd(
        lambda path: craft(
            path, [Track(times=tuple(8 + time for time in tenths(10)))], [Sound(codec="libopus", end=9.0)]
        )
    ),
    "sound-much-longer.mkv": Odd(
        lambda path: craft(path, [Track()], [Sound(codec="libopus", end=14.0)]), EITHER
    ),
    "sound-much-longer.mp4": Odd(sounding(Sound(end=20.0)), EITHER),
    "sound-much-shorter.mp4": Odd(sounding(Sound(end=0.2))),
    "sound-begins-late.mkv": Odd(sounding(Sound(start=0.6, end=1.5))),
    "sound-with-a-hole.mkv": Odd(sounding(Sound(end=1.5, hole=(0.3, 1.0)))),
    "sound-of-eight-thousand.mov": Odd(sounding(Sound(codec="pcm_s16le", rate=8000))),
    "sound-in-eight-channels.mkv": Odd(sounding(Sound(codec="flac", rate=96_000, layout="7.1"))),
    "two-pictures.mkv": Odd(lambda path: craft(path, [Track(), Track(size=(320, 180))]), EITHER),
    "attachments.mkv": Odd(
        lambda path: craft(path, attachments={"font.ttf": ("application/x-truetype-font", b"\0\1\0\0" * 50)})
    ),
    "whereabouts.mov": Odd(
        lambda path: craft(
            path,
            options={"movflags": "use_metadata_tags"},
            metadata={
                "location": "+48.1374+011.5755/",
                "com.apple.quicktime.location.ISO6709": "+48.1374+011.5755+520.0/",
                "com.apple.quicktime.make": "Example",
                "com.apple.quicktime.model": "Secret Phone",
                "title": "a secret title",
            },
        )
    ),
    "still-avif.mp4": Odd(still("AVIF")),
    "still-avif-named-as-film.mov": Odd(still("AVIF", quality=60)),
    "moving-avif.mp4": Odd(
        still("AVIF", save_all=True, append_images=[drawn(number, SIZE) for number in range(4)])
    ),
    "brand-avis.mp4": Odd(rebranded(b"avis"), EITHER),
    "brand-msf1.mp4": Odd(rebranded(b"msf1"), EITHER),
    "brand-heic.mp4": Odd(rebranded(b"heic"), EITHER),
    "brand-unknown.mp4": Odd(rebranded(b"zzzz"), EITHER),
    "gif.mp4": Odd(still("GIF")),
    "zeros.mp4": Odd(lambda _: bytes(100_000), REJECTED),
    "ftyp-and-nothing.mp4": Odd(lambda _: Box(b"ftyp", b"isom\0\0\2\0isom").bytes, REJECTED),
    "matroska-and-nothing.mkv": Odd(lambda _: b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f" + bytes(64), REJECTED),
}


def inputs(scratch: Path) -> dict[str, bytes]:
    """Return all odd videos: name -> bytes; they are encoded in the folder `scratch`."""
    return {name: odd.make(scratch / name) for name, odd in ODD.items()}
