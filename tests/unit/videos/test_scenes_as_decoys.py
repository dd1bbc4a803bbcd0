"""A video that hides a moving forbidden picture among more scenes than the budget can judge."""

import math
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter

from embedded_aws.rekognition import draw_card, read_card
from media_pipeline.moderation.verdicts import Verdict
from media_pipeline.records.record import Status
from media_pipeline.videos.frame_selection import choose_frames
from media_pipeline.videos.judged_frames import from_published
from media_pipeline.videos.source import open_video
from media_pipeline.videos.transcoding import TranscodedVideo, transcode
from media_pipeline.videos.video_limits import VideoLimits
from tests.fixtures.shares import first_quick
from tests.unit.videos.filming import shoot

ATTACK = Path(__file__).parents[4] / "shared" / "attacks" / "inputs" / "moving2.mp4"
SIZE = (480, 320)
RATE = 10
DECOYS, DECOY_SECONDS, MOVING_SECONDS = 48, 0.3, 9.6


def decoys(count: int, seed: int = 5) -> list[Image.Image]:
    """Draw patterns of black and white, none like another."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        pattern = Image.new("L", (8, 6))
        pattern.putdata([rng.choice((0, 255)) for _ in range(48)])
        found.append(pattern.convert("RGB").resize(SIZE, Image.Resampling.NEAREST))
    return found


def moving_card(share: float) -> Image.Image:
    """Draw a forbidden card that moves, over a colour that changes; `share` is how much of the time has passed."""
    colour = tuple(round(90 + 80 * math.sin(8 * share + phase)) for phase in (0, 2, 4))
    image = Image.new("RGB", SIZE, (colour[0], colour[1], colour[2]))
    card = draw_card({"Weapons": 99.0}, (360, 240))
    image.paste(card, (round(60 + 60 * math.sin(share * 61)), round(40 + 40 * math.sin(share * 47))))
    return image


def attack(path: Path, *, moving: bool = True) -> None:
    """Encode decoys, the moving card between them if wanted, and a blurred version of it at the very beginning."""
    pictures = decoys(DECOYS)
    each, count = round(DECOY_SECONDS * RATE), round(MOVING_SECONDS * RATE)
    frames = [image for image in pictures for _ in range(each)]
    if moving:
        shown = [moving_card(number / count) for number in range(count)]
        half = len(frames) // 2
        frames = [*frames[:half], *shown, *frames[half:]]
        frames = [shown[count // 2].filter(ImageFilter.GaussianBlur(30))] * 5 + frames
    shoot(
        path,
        seconds=len(frames) / RATE,
        rate=RATE,
        picture=lambda time: frames[min(len(frames) - 1, round(time * RATE))],
        options={"preset": "veryfast", "crf": "24"},
    )


def publish(path: Path, folder: Path, lines: int = 320) -> TranscodedVideo:
    with open_video(path, "video/mp4", VideoLimits()) as source:
        return transcode(source, folder / "published.mp4", lines=lines, limits=VideoLimits())


def seen(video: TranscodedVideo, budget: int) -> list[float]:
    """Return the times of the judged frames in which a forbidden card can be read."""
    choice = choose_frames(video.frames, budget)
    times = [video.frames[number].time for number in choice.frames]
    assert len(times) <= budget
    assert (
        max(later - earlier for earlier, later in pairwise(times)) <= video.seconds / (budget / 2 - 1) + 0.1
    )
    assert choice.many_scenes
    frames = from_published(video, choice.frames, lambda _: None)
    return [frame.time for frame in frames if read_card(frame.picture)]


@pytest.mark.parametrize("budget", first_quick(8, 12, 24))
def test_moving_card_among_decoys_is_judged(budget: int, tmp_path: Path) -> None:
    attack(tmp_path / "a.mp4")
    assert seen(publish(tmp_path / "a.mp4", tmp_path), budget)


@pytest.mark.long
@pytest.mark.skipif(not ATTACK.exists(), reason="../shared/attacks is absent")
def test_moving_card_of_the_attack_is_judged(tmp_path: Path) -> None:
    video = publish(ATTACK, tmp_path, lines=240)
    for budget in (12, 24):
        assert len(seen(video, budget)) >= 2


@pytest.mark.parametrize(
    ("many", "status", "verdict"),
    [(Verdict.ALLOW, Status.PUBLISHED, "allow"), (Verdict.REVIEW, Status.REVIEW, "review")],
)
def test_video_of_many_more_scenes_than_judged_frames_ends_as_the_policy_says(
    videos: Any, many: Verdict, status: Status, verdict: str, tmp_path: Path
) -> None:
    policy = replace(videos.settings.policy, many_scenes=many)
    videos.settings = replace(videos.settings, policy=policy)
    attack(tmp_path / "a.mp4", moving=False)
    event = videos.upload("a.mp4", (tmp_path / "a.mp4").read_bytes())
    assert videos.deliver(event)
    record = videos.stack.record("a.mp4", event)
    moderation = record.attributes["moderation"]
    assert record.status is status
    assert (moderation["verdict"], moderation["many_scenes"]) == (verdict, True)
    (message,) = videos.stack.announcements()
    assert message["moderation"]["many_scenes"] is True
    if many is Verdict.REVIEW:
        assert "more distinct scenes than the 5 judged frames" in record.attributes["detail"]
        assert videos.stack.keys("renditions") == set()
        assert len(videos.stack.keys("quarantine")) == 1 + len(record.attributes["review"])
