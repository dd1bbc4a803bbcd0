"""Why the peers disagree: every disagreement is of a kind in this table, or it is unexplained.

A kind is recognised by what the file's header says and by what differs, never by the file's name.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.second_opinion.views import differences
from benchmarks.second_opinion.workers import PEERS, Shown


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """One thing in which one peer and the pipeline differ about a file."""

    shown: Shown
    peer: str
    what: str
    """`refused` (the peer shows what the pipeline rejects), `size`, `frames`, `orientation`, `colour`, `crash`."""
    words: str
    other_agrees: bool
    """Whether the other peer shows the same as the pipeline."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the file's header says."""
        return self.shown.ours.facts

    @property
    def type(self) -> str:
        """The file's content type."""
        return self.shown.ours.content_type

    @property
    def other_refuses(self) -> bool:
        """Whether the other peer shows nothing of the file."""
        return any(peer != self.peer for peer in self.shown.refusals)

    @property
    def detail(self) -> str:
        """The sentence with which the pipeline rejects the file."""
        return self.shown.ours.detail


@dataclass(frozen=True)
class Kind:
    """A kind of disagreement, why it is none of the pipeline's faults, and how it is recognised."""

    name: str
    reason: str
    matches: Callable[[Disagreement], bool]


def disagreements(shown: Shown) -> Iterator[Disagreement]:
    """Yield in what the peers differ from the pipeline about a file; a peer that shows nothing has no opinion."""
    if shown.crash:
        yield Disagreement(shown=shown, peer="-", what="crash", words=shown.crash, other_agrees=False)
        return
    ours = shown.ours.view
    found = {
        peer: {"refused": shown.ours.reason} if ours is None else differences(ours, view)
        for peer, view in shown.views.items()
    }
    for peer, differing in found.items():
        agrees = any(not found[other] for other in PEERS if other != peer and other in found)
        for what, words in differing.items():
            yield Disagreement(shown=shown, peer=peer, what=what, words=words, other_agrees=agrees)


def explained(disagreement: Disagreement) -> Kind | None:
    """Return the kind of a disagreement; None where nothing in the table explains it."""
    return next((kind for kind in KINDS if kind.matches(disagreement)), None)


def _refused(*beginnings: str) -> Callable[[Disagreement], bool]:
    return lambda found: found.what == "refused" and found.detail.startswith(beginnings)


def _refused_because(*reasons: str) -> Callable[[Disagreement], bool]:
    return lambda found: found.what == "refused" and found.shown.ours.reason in reasons


def _of(
    content_type: str,
    what: str,
    *,
    peer: str | None = None,
    where: Callable[[Disagreement], bool] = lambda _: True,
) -> Callable[[Disagreement], bool]:
    """Match what differs about files of a type; both may be several words, and end in `*`."""
    return lambda found: (
        any(
            found.type == one or (one[-1] == "*" and found.type.startswith(one[:-1]))
            for one in content_type.split()
        )
        and found.what in what.split()
        and peer in (None, found.peer)
        and where(found)
    )


def _fact(name: str, *values: Any) -> Callable[[Disagreement], bool]:
    return lambda found: found.facts.get(name) in values


def _layout(*words: str) -> Callable[[Disagreement], bool]:
    return lambda found: any(word in str(found.facts.get("layout")) for word in words)


_LENGTHS = ("size", "frames", "orientation", "colour")

KINDS: tuple[Kind, ...] = (
    Kind(
        "format not accepted",
        "The pipeline accepts the formats of docs/reference/formats.md; FFmpeg reads many more.",
        _refused("the bytes are "),
    ),
    Kind(
        "raw photograph",
        "What the peers show is the camera's preview or undeveloped samples; the pipeline refuses both by name.",
        _refused("a raw photograph"),
    ),
    Kind(
        "layout without a decoder",
        "Pillow has no decoder for the layout; the pipeline refuses it and names it.",
        _refused(
            "a TIFF file in a layout", "a BMP file with", "a PNG file that was optimised", "a JPEG file in"
        ),
    ),
    Kind(
        "Dolby Vision without a base",
        "The peer shows the base layer in wrong colours; the pipeline refuses the profile by name.",
        lambda found: found.what == "refused" and "Dolby Vision" in found.detail,
    ),
    Kind(
        "over a limit",
        "The stack's limits are lower than the peer's.",
        _refused_because(
            "too_many_pixels",
            "too_many_frames",
            "too_large",
            "too_long",
            "resource_exhausted",
            "unsupported_type",
        ),
    ),
    Kind(
        "two tables of properties",
        "HEIF allows one `ipma` box of each version; libavif, which is also Chrome's decoder, refuses the file.",
        lambda found: found.what == "refused" and found.facts.get("property_tables", 0) > 1,
    ),
    Kind(
        "boxes that libavif refuses",
        "libavif, which is also Chrome's decoder, finds the sequence's boxes malformed; FFmpeg reads what it can.",
        lambda found: (
            found.peer == "ffmpeg"
            and _refused("the picture's header cannot be read")(found)
            and found.type == "image/avif"
        ),
    ),
    Kind(
        "broken for the other peer too",
        "One peer shows what is left; the other one, told to be strict, refuses the file as the pipeline does.",
        lambda found: (
            found.what == "refused" and found.other_refuses and found.type not in ("image/gif", "image/bmp")
        ),
    ),
    Kind(
        "pixels that break off",
        "Both peers fill up what is missing of a GIF, FFmpeg of a bitmap; the pipeline publishes no half pictures.",
        lambda found: (
            found.type in ("image/gif", "image/bmp")
            and _refused("the picture cannot be decoded: ")(found)
            and any(
                words in found.detail
                for words in ("not enough image data", "cannot decode image data", "truncated")
            )
        ),
    ),
    Kind(
        "header that makes no sense",
        "A width of zero, or a palette of more colours than there can be: the peer goes on, Pillow does not.",
        _refused(
            "the picture says it has 0 x",
            "the picture cannot be decoded: Unsupported BMP Palette size",
            "the picture cannot be decoded: invalid palette",
        ),
    ),
    Kind(
        "damaged strips of a TIFF",
        "libtiff reports broken strips to Pillow, which refuses them; the peers go on with what they have.",
        lambda found: found.type == "image/tiff" and _refused("the picture cannot be decoded: ")(found),
    ),
    Kind(
        "no colour management in FFmpeg",
        "FFmpeg shows the samples as if they were sRGB, whatever profile is embedded; libvips converts them.",
        _of("image/*", "colour", peer="ffmpeg", where=_fact("colours", "profile")),
    ),
    Kind(
        "gAMA and cHRM",
        "The peers ignore PNG's gamma and chromaticities; the standard (PNG 3, 4.3) and browsers do not.",
        _of("image/png", "colour", where=_fact("colours", "numbers")),
    ),
    Kind(
        "HDR",
        "The peers show PQ and HLG signals as if they were sRGB; the pipeline tone maps them.",
        _of(
            "image/* video/*",
            "colour",
            where=lambda found: found.facts.get("colours") == "hdr" or bool(found.facts.get("is_hdr")),
        ),
    ),
    Kind(
        "code points",
        "The peer ignores the primaries and the transfer that AVIF, HEIC and PNG announce by numbers (H.273).",
        _of("image/*", "colour", where=_fact("colours", "code points")),
    ),
    Kind(
        "orientation ignored by FFmpeg",
        "FFmpeg turns JPEGs with sound EXIF alone; libvips turns the others as well.",
        _of(
            "image/*",
            "size orientation colour",
            peer="ffmpeg",
            where=lambda found: found.facts.get("orientation", 1) != 1,
        ),
    ),
    Kind(
        "orientation in a text of PNG",
        "libvips reads EXIF from PNG's eXIf chunk, not from ImageMagick's texts.",
        _of(
            "image/png",
            "size orientation",
            peer="libvips",
            where=lambda found: found.facts.get("orientation", 1) != 1,
        ),
    ),
    Kind(
        "clean aperture ignored by FFmpeg",
        "FFmpeg shows what the owner cropped away.",
        _of(
            "image/avif image/heic",
            "size orientation colour",
            peer="ffmpeg",
            where=_fact("has_aperture", True),
        ),
    ),
    Kind(
        "clean aperture between two pixels",
        "libheif rounds a fraction of a pixel to the next; the pipeline shows no pixel that was cut in two.",
        _of("image/avif image/heic", "size", peer="libvips", where=_fact("has_aperture", True)),
    ),
    Kind(
        "animated PNG in libvips",
        "libvips shows the still picture alone.",
        _of("image/png", "frames colour", peer="libvips", where=lambda found: _frames(found) > 1),
    ),
    Kind(
        "still picture before an animated PNG",
        "FFmpeg leaves out the picture for viewers that cannot play; the pipeline judges and counts it.",
        _of("image/png", "frames colour", peer="ffmpeg", where=_fact("has_default_image", True)),
    ),
    Kind(
        "animated AVIF in libvips",
        "libvips shows the primary picture alone.",
        _of("image/avif", "frames colour", peer="libvips", where=lambda found: _frames(found) > 1),
    ),
    Kind(
        "further pictures behind a JPEG",
        "FFmpeg counts previews and gain maps (MPO) as frames; the first picture is the photograph.",
        _of("image/jpeg", "frames", peer="ffmpeg"),
    ),
    Kind(
        "opacity of AVIF in FFmpeg",
        "FFmpeg shows the colours without the picture's plane of opacity.",
        _of("image/avif image/heic", "colour", peer="ffmpeg", where=_fact("has_alpha", True)),
    ),
    Kind(
        "key colour in FFmpeg",
        "FFmpeg ignores PNG's key colour for grey, and below 8 bits; libvips honours it.",
        _of("image/png", "colour", peer="ffmpeg", where=_fact("has_alpha", True)),
    ),
    Kind(
        "canvas of a GIF",
        "Browsers, and so the pipeline, leave clear what no frame covers or what is disposed of to the background.",
        _of(
            "image/gif",
            "colour size frames",
            where=lambda found: bool(found.facts.get("has_alpha") or found.facts.get("disposes")),
        ),
    ),
    Kind(
        "screen of a GIF in FFmpeg",
        "FFmpeg scales or cuts frames that are larger than the screen; libvips agrees with the pipeline.",
        _of("image/gif", "colour size frames", peer="ffmpeg", where=lambda found: found.other_agrees),
    ),
    Kind(
        "index beyond the palette",
        "No standard says which colour it has; Pillow takes black, as browsers do.",
        _of("image/gif image/bmp", "colour", where=_fact("has_short_palette", True)),
    ),
    Kind(
        "unfinished chunk of a PNG in libvips",
        "libvips drops a last chunk that is cut off, although all rows can be decoded.",
        _of("image/png", "colour", peer="libvips", where=_fact("is_cut", True)),
    ),
    Kind(
        "damaged JPEG in FFmpeg",
        "FFmpeg goes on after damage in another way than libjpeg, in Pillow and libvips.",
        _of("image/jpeg", "colour", peer="ffmpeg", where=lambda found: found.other_agrees),
    ),
    Kind(
        "monochrome AVIF in libvips",
        "libheif shows samples of limited range, 16 to 235, without expanding them.",
        _of("image/avif", "colour", peer="libvips", where=_fact("mode", "L")),
    ),
    Kind(
        "inks",
        "Without a profile of inks each program has its own formula (docs/adr/0021); FFmpeg reads Adobe's inverted.",
        _of("image/*", "colour", where=_fact("mode", "CMYK")),
    ),
    Kind(
        "integers of 32 bits and floats",
        "They have no fixed white: the pipeline stretches their range, libvips clips it.",
        _of("image/tiff", "colour", where=_fact("mode", "I", "F")),
    ),
    Kind(
        "samples of unspecified meaning",
        "The peer takes a sample that TIFF calls unspecified for opacity (docs/adr/0021).",
        _of("image/tiff", "colour", where=_layout("extra samples 0")),
    ),
    Kind(
        "first page of a TIFF",
        "The first page is marked as a smaller version of another one; the pipeline shows that one.",
        _of("image/tiff", "size colour orientation", where=lambda found: bool(found.facts.get("page"))),
    ),
    Kind(
        "compression that libvips' build lacks",
        "The build of libvips has no decoder for it and shows black or white.",
        _of("image/tiff", "colour", peer="libvips", where=_layout("LZMA", "old JPEG", "WebP", "Zstandard")),
    ),
    Kind(
        "TIFF in FFmpeg",
        "FFmpeg's own decoder does not do the layout; libtiff, in Pillow and libvips, does.",
        _of("image/tiff", "colour size orientation", peer="ffmpeg", where=lambda found: found.other_agrees),
    ),
    Kind(
        "TIFF layouts that FFmpeg lacks",
        "FFmpeg shows green or black for YCbCr and JPEG in TIFF, and for planes of 16 bits.",
        _of("image/tiff", "colour", peer="ffmpeg", where=_layout("JPEG", "YCbCr", "separate planes")),
    ),
    Kind(
        "signed or premultiplied samples in libvips",
        "libvips clips samples with a sign at zero, and multiplies associated alpha a second time.",
        _of("image/tiff", "colour", peer="libvips", where=_layout("with a sign", "extra samples 1")),
    ),
    Kind(
        "unused byte of a bitmap",
        "FFmpeg takes the fourth byte of a pixel for opacity although the header has no field for it.",
        _of("image/bmp", "colour", peer="ffmpeg", where=_fact("bits", 16, 32)),
    ),
    Kind(
        "skipped pixels of a bitmap",
        "What run lengths skip is of the first colour here, and black or clear there; nothing is specified.",
        _of("image/bmp", "colour", peer="ffmpeg", where=_fact("compression", 1, 2)),
    ),
    Kind(
        "video whose size changes",
        "FFmpeg's command stretches later pictures to the first one's size; the pipeline fits and pads them.",
        _of("video/*", "colour size", where=lambda found: found.facts.get("sizes", 1) > 1),
    ),
    Kind(
        "palette of a bitmap that runs into its pixels",
        "FFmpeg then makes up a palette of grey; Pillow and browsers read the palette that is there.",
        _of("image/bmp", "colour", peer="ffmpeg", where=_fact("has_overlap", True)),
    ),
    Kind(
        "transparency of a video",
        "FFmpeg's default decoder shows the colours under the opacity; the pipeline composes on the background.",
        _of("video/*", "colour", where=lambda found: "alpha_mode" in found.facts.get("metadata", ())),
    ),
    Kind(
        "other track of a video",
        "The command is told to show the first track; the pipeline shows the one that is marked as default.",
        _of("video/*", "colour size", where=lambda found: found.facts.get("tracks", 1) > 1),
    ),
    Kind(
        "video that starts late",
        "The pipeline begins with the first picture, FFmpeg's filter with time zero.",
        _of("video/*", "colour", where=lambda found: abs(found.facts.get("start", 0.0)) > 0.05),
    ),
)
"""The first kind that matches counts."""


def _frames(found: Disagreement) -> int:
    view = found.shown.ours.view
    return view.frames if view else 0
