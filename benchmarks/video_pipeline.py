"""The pipeline itself: from opening the file to the last byte of the MP4, including frame selection's fingerprints."""

from pathlib import Path

from benchmarks.video_recipes import Settings
from media_pipeline.images.sniffing import sniff
from media_pipeline.videos.frame_selection import choose_frames
from media_pipeline.videos.source import THREADS, open_video
from media_pipeline.videos.transcoding import AUDIO_BIT_RATES, CRF, PRESET, transcode
from media_pipeline.videos.video_limits import VideoLimits

HEIGHT = 720
MODERATION_FRAMES = 12
_HEAD_BYTES = 4096
SETTINGS = Settings(height=HEIGHT, crf=CRF, preset=PRESET, threads=THREADS, sound=AUDIO_BIT_RATES["mono"])


def as_the_function_does(source: Path, target: Path, settings: Settings) -> None:
    """Transcode the video and choose the frames that would be judged. Raises RejectedError."""
    limits = VideoLimits()
    with source.open("rb") as file:
        kind = sniff(file.read(_HEAD_BYTES))
    with open_video(source, kind.content_type, limits) as video:
        made = transcode(video, target, lines=settings.height, limits=limits)
    choose_frames(made.frames, MODERATION_FRAMES)
