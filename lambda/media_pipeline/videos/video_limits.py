"""Limits of one uploaded video, and the containers and codecs that are accepted."""

from dataclasses import dataclass

from media_pipeline.errors import Reason, RejectedError
from media_pipeline.limits import MAX_SIDE, MEBIBYTE

MAX_STREAMS = 32
"""Tracks of one file: phones write up to nine, cameras one per microphone."""
MAX_RATE = 240.0
"""Frames per second: the slow motion of phones."""
FRAMES_HELD = 29
"""Decoded frames in memory at once, or as much beside them (measured): H.264 and HEVC have up to 16 reference frames,
and as many wait for their turn; each thread of a decoder has its own; the encoder has small ones."""
LARGE_FRAME = 32 * MEBIBYTE
"""Bytes of a decoded frame beyond which a decoder gets few threads, each of which would hold another frame."""
BYTES_PER_PIXEL = 3.0
"""Of a frame whose pixel format is unknown: 10 bits in 4:2:0. 8 bits take half of it, 4:4:4 twice as much."""

FORMATS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
}
"""Sniffed content type -> the one demuxer that may open it."""
VIDEO_DECODERS = frozenset(
    {
        "av1",
        "dvvideo",
        "h263",
        "h264",
        "hevc",
        "libdav1d",
        "mjpeg",
        "mpeg1video",
        "mpeg2video",
        "mpeg4",
        "prores",
        "vp8",
        "vp9",
    }
)
AUDIO_DECODERS = frozenset(
    {
        "aac",
        "ac3",
        "adpcm_ima_qt",
        "adpcm_ima_wav",
        "adpcm_ms",
        "alac",
        "amrnb",
        "amrwb",
        "dca",
        "eac3",
        "flac",
        "libopencore_amrnb",
        "libopencore_amrwb",
        "mlp",
        "mp2",
        "mp2float",
        "mp3",
        "mp3float",
        "opus",
        "pcm_alaw",
        "pcm_f32be",
        "pcm_f32le",
        "pcm_f64be",
        "pcm_f64le",
        "pcm_mulaw",
        "pcm_s16be",
        "pcm_s16le",
        "pcm_s24be",
        "pcm_s24le",
        "pcm_s32be",
        "pcm_s32le",
        "pcm_s8",
        "pcm_u8",
        "truehd",
        "vorbis",
    }
)


@dataclass(frozen=True, kw_only=True)
class VideoLimits:
    """Upper bounds of one uploaded video; beyond any of them it is rejected before it is decoded."""

    bytes: int = 524_288_000
    seconds: int = 300
    pixels: int = 50_000_000
    memory: int = 900 * MEBIBYTE
    """Bytes that decoding and encoding may add to the idle process."""

    header_memory: int = 700 * MEBIBYTE
    """Bytes that reading a file's header may add to the idle process, with the first frames that it takes."""

    def check_picture(self, width: int, height: int, bytes_per_pixel: float = BYTES_PER_PIXEL) -> None:
        """Check the size of frames; `bytes_per_pixel` is what a decoded pixel takes in memory.

        Raises RejectedError: corrupt, too_many_pixels.
        """
        if width < 1 or height < 1:
            raise RejectedError(Reason.CORRUPT, f"the video says it has {width} x {height} pixels")
        allowed = min(self.pixels, int(self.memory / (bytes_per_pixel * FRAMES_HELD)))
        if width * height > allowed or max(width, height) > MAX_SIDE:
            raise RejectedError(
                Reason.TOO_MANY_PIXELS,
                f"its frames of {width} x {height} have {width * height / 1e6:,.1f} megapixels;"
                f" allowed are {allowed / 1e6:,.1f}",
            )

    def check_seconds(self, seconds: float) -> None:
        """Check the duration.

        Raises RejectedError: too_long.
        """
        if seconds > self.seconds:
            raise RejectedError(
                Reason.TOO_LONG,
                f"it lasts {seconds:,.0f} s; this stack accepts videos of up to {self.seconds:,} s",
            )

    def check_frames(self, frames: int, seconds: float) -> None:
        """Check the frame rate: no camera records more than MAX_RATE.

        Raises RejectedError: too_many_frames.
        """
        if frames > MAX_RATE * (seconds + 1):
            raise RejectedError(
                Reason.TOO_MANY_FRAMES,
                f"it has {frames:,} frames in {seconds:,.1f} s; allowed are {MAX_RATE:g} per second",
            )
