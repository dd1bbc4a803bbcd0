"""Videos: deployed as one where they are enabled, and nothing of them where they are not."""

import json

import pytest

from components.packaging import StackPackages
from media_pipeline.settings.functions import VideoSettings
from tests.components.conftest import Run, part
from tests.components.queries import ALARM, FUNCTION, LAYER, arn, environment, of_media, permissions
from tests.components.recording import Recording

MEBIBYTE = 1024**2


def test_process_video_may_do_exactly_what_process_image_does_on_its_own_queue(recorded: Recording) -> None:
    assert permissions(recorded, "process-video") == of_media(recorded, "process-video", "videos")


def test_its_environment_is_the_image_functions_with_the_videos_limits(recorded: Recording) -> None:
    video, image = environment(recorded, "process-video"), environment(recorded, "process-image")
    settings = VideoSettings.from_environment(video)
    assert settings.queue_url == recorded.outputs["videos_queue_url"] == image["VIDEOS_QUEUE_URL"]
    assert (settings.height, settings.moderation_frames) == {"dev": (720, 12), "prod": (1080, 24)}[
        recorded.stack
    ]
    assert settings.video_bytes == {"dev": 524_288_000, "prod": 1_073_741_824}[recorded.stack]
    assert settings.video_seconds == {"dev": 300, "prod": 600}[recorded.stack]
    assert set(video) - set(image) == {"VIDEO"}
    assert set(image) - set(video) == {"VIDEOS_QUEUE_URL"}  # nobody hands a video on to itself
    assert {name for name in set(video) & set(image) if video[name] != image[name]} == {
        "QUEUE_URL",
        "LIMITS",
        "TIMEOUT",
    }
    limits = json.loads(video["LIMITS"])
    assert {name: limits[name] for name in ("bytes", "pixels", "frames")} == json.loads(image["LIMITS"])


@pytest.mark.parametrize(
    ("video_bytes", "megabytes"),
    [(524_288_000, 512 + 2 * 500), (1, 512 + 2), (4864 * MEBIBYTE, 10_240), (MEBIBYTE + 1, 512 + 4)],
)
def test_its_disk_holds_the_largest_video_twice(run: Run, video_bytes: int, megabytes: int) -> None:
    recorded = run("dev", part("dev", "limits", videoBytes=video_bytes))
    assert recorded.one(FUNCTION, "process-video").inputs["ephemeralStorage"] == {"size": megabytes}
    assert "ephemeralStorage" not in recorded.one(FUNCTION, "process-image").inputs


@pytest.mark.parametrize(("stack", "expected"), [("dev", (3008, 600, 2)), ("prod", (3008, 900, 2))])
def test_it_has_the_size_that_its_stack_configures(
    recordings: dict[str, Recording], stack: str, expected: tuple[int, int, int]
) -> None:
    recorded = recordings[stack]
    function = recorded.one(FUNCTION, "process-video").inputs
    mapping = recorded.one("aws:lambda/eventSourceMapping:EventSourceMapping", "process-video-mapping")
    concurrency = mapping.inputs["scalingConfig"]["maximumConcurrency"]
    assert (function["memorySize"], function["timeout"], concurrency) == expected


def test_it_runs_on_both_layers(recorded: Recording, zips: StackPackages) -> None:
    layers = recorded.one(FUNCTION, "process-video").inputs["layers"]
    assert layers == [arn("lambda", recorded, f"{name}-layer") for name in ("image", "video")]
    assert zips.video_layer is not None
    assert recorded.one(LAYER, "-video-layer").inputs["code"].path == str(zips.video_layer.path)


def test_a_video_that_takes_most_of_the_timeout_rings(recorded: Recording) -> None:
    alarm = recorded.one(ALARM, "-process-video-duration").inputs
    timeout = recorded.one(FUNCTION, "process-video").inputs["timeout"]
    assert alarm["threshold"] == timeout * 1000 * 0.7
    assert (alarm["metricName"], alarm["extendedStatistic"]) == ("Duration", "p95")


def test_a_stack_without_videos_has_nothing_of_them(run: Run) -> None:
    recorded = run("dev", part("dev", "video", enabled=False))
    assert [each.urn for each in recorded.resources if "video" in each.urn] == []
    assert {name for name in recorded.outputs if "video" in name} == set()
    for function in recorded.of(FUNCTION):
        variables = function.inputs["environment"]["variables"]
        assert not [name for name in variables if "VIDEO" in name and name != "VIDEO_ENABLED"], function.name
    assert "videos" not in str(permissions(recorded, "process-image") | permissions(recorded, "dead-letters"))


def test_taking_videos_away_leaves_everything_else_as_it_was(run: Run) -> None:
    """Nothing that a stack of pictures has is replaced or renamed when videos come or go."""
    on = {each.urn for each in run("dev", part("dev", "video")).resources}
    off = {each.urn for each in run("dev", part("dev", "video", enabled=False)).resources}
    assert off < on
    assert {urn.rsplit("::", 1)[1].split("-dev-")[1].split("-")[0] for urn in on - off} == {
        "videos", "video", "process", "dead",
    }  # fmt: skip
