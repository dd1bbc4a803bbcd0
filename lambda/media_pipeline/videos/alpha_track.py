"""Transparency of VP8 and VP9 in WebM: a second video, of which every packet is attached to one of the first.

FFmpeg's own decoders for them leave it out, and libvpx's would allocate a frame of any size that a packet announces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from av.codec import CodecContext
from av.packet import Packet
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from media_pipeline.errors import Reason, RejectedError

_CODECS = frozenset({"vp8", "vp9"})
_SIDE_DATA = "matroska_block_additional"
_ID_BYTES = 8
"""Length of BlockAddID before the data; 1 is alpha (WebM container guidelines)."""
_ALPHA_ID = (1).to_bytes(_ID_BYTES, "big")
_COLOUR, _WITH_ALPHA = "yuv420p", "yuva420p"


class AlphaTrack:
    """Decodes the alpha packets of one video track and joins their frames with those of the video."""

    def __init__(self, codec: str, max_pixels: int) -> None:
        self._context: Any = CodecContext.create(codec, "r")
        self._context.options = {"max_pixels": str(max_pixels)}
        self._context.thread_count = 1  # so that a packet's frame is there before that of the video
        self._planes: dict[int | None, VideoFrame] = {}

    def decode(self, packet: Packet[Any]) -> None:
        """Decode what is attached to a packet of the video. Raises FFmpegError."""
        for side_data in packet.iter_sidedata():
            data = bytes(side_data) if side_data.data_type == _SIDE_DATA else b""
            if data.startswith(_ALPHA_ID):
                attached: Any = Packet(data[_ID_BYTES:])
                attached.pts, attached.time_base = packet.pts, packet.time_base
                for frame in self._context.decode(attached):
                    self._planes[packet.pts] = frame

    def merge(self, frame: VideoFrame) -> VideoFrame:
        """Return a frame of the video with its alpha channel, unchanged where it has none.

        Raises RejectedError: corrupt.
        """
        alpha = self._planes.pop(frame.pts, None)
        if alpha is None:
            return frame
        if (alpha.width, alpha.height) != (frame.width, frame.height):
            raise RejectedError(
                Reason.CORRUPT,
                f"its picture has {frame.width} x {frame.height} px, its transparency {alpha.width} x {alpha.height}",
            )
        colour = frame if frame.format.name == _COLOUR else cast(Any, frame).reformat(format=_COLOUR)
        merged = VideoFrame(frame.width, frame.height, _WITH_ALPHA)
        _copy_planes([*colour.planes, alpha.planes[0]], merged.planes)
        merged.pts, merged.time_base, merged.duration = frame.pts, frame.time_base, frame.duration
        merged.colorspace, merged.color_range = frame.colorspace, frame.color_range
        merged.color_primaries, merged.color_trc = frame.color_primaries, frame.color_trc
        return merged


def has_alpha(format_: VideoFormat) -> bool:
    """Return whether a pixel format has an alpha channel."""
    return any(component.is_alpha for component in format_.components)


def alpha_track(video: VideoStream, max_pixels: int) -> AlphaTrack | None:
    """Return what decodes the transparency of a video track, None where it announces none."""
    codec = video.codec_context.codec.canonical_name
    announced = codec in _CODECS and video.metadata.get("alpha_mode") == "1"
    return AlphaTrack(codec, max_pixels) if announced else None


def _copy_planes(sources: Sequence[Any], targets: Sequence[Any]) -> None:
    for source, target in zip(sources, targets, strict=True):
        plane = Image.frombuffer(
            "L", (source.width, source.height), bytes(source), "raw", "L", source.line_size, 1
        )
        rows = plane.tobytes("raw", "L", target.line_size, 1)
        target.update(rows.ljust(target.buffer_size, b"\0"))
