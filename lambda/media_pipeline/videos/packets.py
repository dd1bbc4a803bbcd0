"""Packets of an opened video: read from the file one after the other, and decoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from av.audio.stream import AudioStream
from av.error import InvalidDataError
from av.packet import Packet
from av.video.stream import VideoStream

from media_pipeline.videos.source import SourceVideo, decoding


def packets(
    source: SourceVideo, streams: list[VideoStream | AudioStream]
) -> Iterator[tuple[Packet[Any], float]]:
    """Yield all packets, each with the share of the file that is read; broken data end the file.

    Raises RejectedError: corrupt.
    """
    done = 0.0
    found = source.container.demux(streams)
    while True:
        with decoding():
            packet = next(found, None)
        if packet is None:
            return
        source.times.add(packet)
        if packet.pos is not None:
            done = max(done, min(1.0, packet.pos / source.length))
        yield packet, done


def decode(source: SourceVideo, packet: Packet[Any]) -> tuple[list[Any], bool]:
    """Decode one packet; return its frames and whether it was broken.

    Raises RejectedError: corrupt, unsupported_type.
    """
    with decoding():
        try:
            is_video = packet.stream.type == "video"
            return (_decode_video(source, packet) if is_video else list(packet.decode())), False
        except EOFError:
            return [], False
        except InvalidDataError:
            return [], True  # the next may be fine


def _decode_video(source: SourceVideo, packet: Packet[Any]) -> list[Any]:
    if source.alpha is not None:
        source.alpha.decode(packet)
        return [source.alpha.merge(frame) for frame in packet.decode()]
    if source.hevc_alpha is not None:
        source.hevc_alpha.look_at(packet)
    frames: list[Any] = packet.decode()
    for frame in frames:
        if source.hevc_alpha is not None:
            source.hevc_alpha.check(frame)
    return frames
