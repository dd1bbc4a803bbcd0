"""Transparency of HEVC: a second layer of the stream, which an SEI message announces.

FFmpeg decodes it where it knows the stream's extension of the video parameter set, and leaves it out without a word
where it does not: then the colours that transparency hides would be shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from av.packet import Packet
from av.video.stream import VideoStream

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.videos.alpha_track import has_alpha

_SEI_UNITS = frozenset({39, 40})  # prefix and suffix SEI (ITU-T H.265, table 7-1)
_ALPHA_CHANNEL_INFORMATION = 165  # payload type (ITU-T H.265, F.14.2.8)
_ARRAYS = 22
"""Offset of the number of arrays in HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.2.1)."""
_VERSION = 1


class HevcAlpha:
    """Refuses frames without transparency of a track that announced it, in its header or in a key frame."""

    def __init__(self, configuration: bytes) -> None:
        self._length_bytes = (configuration[_ARRAYS - 1] & 3) + 1
        self._is_announced = any(map(_announces, _units_of_configuration(configuration)))

    def look_at(self, packet: Packet[Any]) -> None:
        """Read what a packet announces, before it is decoded."""
        if not self._is_announced and packet.is_keyframe:
            self._is_announced = any(map(_announces, _units(bytes(packet), self._length_bytes)))

    def check(self, frame: Any) -> None:
        """Check a decoded frame. Raises RejectedError: unsupported_type."""
        if self._is_announced and not has_alpha(frame.format):
            raise RejectedError(
                Reason.UNSUPPORTED_TYPE,
                "it is transparent in a layer of HEVC that cannot be decoded here; export it as ProRes 4444, or as "
                "VP9 with transparency",
            )


def hevc_alpha(video: VideoStream) -> HevcAlpha | None:
    """Return what checks a track of HEVC, None for other codecs and where the header has no configuration record."""
    context: Any = video.codec_context
    configuration = bytes(context.extradata or b"")
    is_record = len(configuration) > _ARRAYS and configuration[0] == _VERSION
    return HevcAlpha(configuration) if context.codec.canonical_name == "hevc" and is_record else None


def _units_of_configuration(record: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a configuration record; a broken one ends early."""
    at = _ARRAYS + 1
    for _ in range(record[_ARRAYS]):
        number = int.from_bytes(record[at + 1 : at + 3], "big")
        at += 3
        for _ in range(number):
            length = int.from_bytes(record[at : at + 2], "big")
            if not length or at + 2 + length > len(record):
                return
            yield record[at + 2 : at + 2 + length]
            at += 2 + length


def _units(packet: bytes, length_bytes: int) -> Iterator[bytes]:
    """Yield the NAL units of a packet, each after its length; a broken one ends early."""
    at = 0
    while at + length_bytes < len(packet):
        length = int.from_bytes(packet[at : at + length_bytes], "big")
        at += length_bytes
        if not length or at + length > len(packet):
            return
        yield packet[at : at + length]
        at += length


def _announces(unit: bytes) -> bool:
    """Return whether a NAL unit is an SEI message that says that the stream has an alpha layer."""
    if len(unit) < 3 or unit[0] >> 1 & 0x3F not in _SEI_UNITS:
        return False
    messages = unit[2:].replace(b"\0\0\3", b"\0\0")  # emulation prevention (ITU-T H.265, 7.4.2)
    at = 0
    while at + 2 < len(messages):
        kind, at = _number(messages, at)
        length, at = _number(messages, at)
        if kind == _ALPHA_CHANNEL_INFORMATION and at < len(messages):
            return not messages[at] & 0x80  # alpha_channel_cancel_flag: from here on there is none
        at += length
    return False


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return a payload's type or size, and where it ends: a byte of 255 says that more follows."""
    value = 0
    while at < len(data) and data[at] == 0xFF:
        value, at = value + 0xFF, at + 1
    return value + (data[at] if at < len(data) else 0), at + 1
