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
    """Yield all packets of the streams, each with the share of the file that is read; broken data end the file.

    Raises RejectedError (corrupt, resource_exhausted), OutOfTimeError where the machine stood still.
    """
    done = 0.0
    wanted = {stream.index for stream in streams}
    # All of them, since PyAV skips those of other streams by itself, and may do so for minutes.
    found = source.container.demux()
    source.overhead.begin_pass()
    while True:
        with source.overhead.search(), decoding():
            packet = next(found, None)
        if packet is None:
            return
        if packet.stream.index in wanted:
            source.times.add(packet)
            if packet.pos is not None:
                done = max(done, min(1.0, packet.pos / source.length))
            yield packet, done
        source.overhead.packet_done()


def decode(source: SourceVideo, packet: Packet[Any]) -> tuple[list[Any], bool]:
    """Decode one packet; return its frames and whether it was broken.

    Raises RejectedError: corrupt, unsupported_type.
    """
    with decoding():
        try:
            if packet.stream.type == "video":
                return _decode_video(source, packet), False
            return _decode_sound(source, packet), False
        except EOFError:
            return [], False
        except InvalidDataError:
            return [], True  # the next may be fine


def _decode_sound(source: SourceVideo, packet: Packet[Any]) -> list[Any]:
    frames: list[Any] = packet.decode()
    seconds = (frame.samples / frame.sample_rate for frame in frames if frame.sample_rate)
    source.overhead.count_sound(sum(seconds))
    return frames


def _decode_video(source: SourceVideo, packet: Packet[Any]) -> list[Any]:
    frames = _decode_pictures(source, packet)
    source.overhead.count_pictures(len(frames))
    return frames


def _decode_pictures(source: SourceVideo, packet: Packet[Any]) -> list[Any]:
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
