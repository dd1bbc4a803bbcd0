"""When the packets of a video begin and end: what a container's header says of it may be wrong or missing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from av.packet import Packet


class PacketTimes:
    """Collects the times of packets, in seconds on the source's clock."""

    def __init__(self) -> None:
        self.last_end = Fraction(0)
        """End of the last packet of any track."""
        self.first: Fraction | None = None
        """Begin of the first packet of any track."""
        self.video_span = Fraction(0)
        """Time that the video packets cover in the order of decoding."""
        self._first_decoded: Fraction | None = None
        self._first_shown: Fraction | None = None

    def add(self, packet: Packet[Any]) -> None:
        """Take the times of one more packet."""
        if not packet.time_base:
            return
        duration = (packet.duration or 0) * packet.time_base
        shown = packet.pts * packet.time_base if packet.pts is not None else None
        if shown is not None:
            self.last_end = max(self.last_end, shown + duration)
            self.first = shown if self.first is None else min(shown, self.first)
        if packet.stream.type != "video" or packet.dts is None:
            return
        decoded = packet.dts * packet.time_base
        if self._first_decoded is None:
            self._first_decoded = decoded
        self.video_span = max(self.video_span, decoded + duration - self._first_decoded)
        if shown is not None:
            self._first_shown = shown if self._first_shown is None else min(shown, self._first_shown)

    @property
    def video_end(self) -> Fraction | None:
        """End of the last picture in an MP4 file, where durations follow the order of decoding.

        The picture shown last need not be decoded last; but all durations together are the time from the first picture
        to the end of the last one.
        """
        return None if self._first_shown is None else self._first_shown + self.video_span
