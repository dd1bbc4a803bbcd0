"""The environment as settings: right ones parse, wrong ones say which variable is wrong."""

import pytest

from media_pipeline.errors import SettingsError
from media_pipeline.moderation.verdicts import Mode, Verdict
from media_pipeline.settings.functions import IDLE_MEGABYTES, ImageSettings, Settings, VideoSettings

ENVIRONMENT = {
    "STACK": "dev",
    "UPLOADS_BUCKET": "u",
    "QUARANTINE_BUCKET": "q",
    "RENDITIONS_BUCKET": "r",
    "RECORDS_TABLE": "t",
    "EVENTS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:events",
    "QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/images",
    "SIZES": '{"card":{"fit":"cover","height":300,"width":400},"large":2048}',
    "FORMATS": '["jpeg","webp"]',
    "QUALITY": '{"jpeg":80,"webp":75}',
    "GRAYSCALE": "false",
    "TRANSPARENCY": "keep",
    "BACKGROUND": "#00Ff7f",
    "MODERATION": '{"block":{"Weapons":90},"exempt":[],"mode":"enforce","review":{}}',
    "MODERATION_CACHE_DAYS": "30",
    "LIMITS": '{"bytes":1,"frames":2,"pixels":3}',
    "RECORDS_RETENTION_DAYS": "0",
    "TRACING": "true",
}


def test_environment_parses_into_typed_settings() -> None:
    settings = ImageSettings.from_environment(ENVIRONMENT)
    assert [(size.name, size.width, size.height) for size in settings.specs.sizes] == [
        ("card", 400, 300),
        ("large", 2048, None),
    ]
    assert settings.specs.formats == ("jpeg", "webp")
    assert (settings.specs.transparency, settings.specs.background) == ("keep", (0, 255, 127))
    assert settings.policy.mode is Mode.ENFORCE
    assert settings.cache_days == 30
    assert (settings.limits.bytes, settings.limits.frames, settings.limits.pixels) == (1, 2, 3)
    assert settings.tracing


@pytest.mark.parametrize(("memory", "budget"), [(1024, 388), (512, 132), (1769, 760), (3008, 1380)])
def test_a_picture_may_take_half_of_the_memory_without_the_idle_function(memory: int, budget: int) -> None:
    settings = ImageSettings.from_environment({**ENVIRONMENT, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)})
    assert settings.limits.memory == budget * 1024 * 1024


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_missing_variable_is_named(name: str) -> None:
    environment = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(SettingsError, match=name):
        ImageSettings.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIZES", "[1]"),
        ("SIZES", "{"),
        ("FORMATS", '"jpeg"'),
        ("GRAYSCALE", "yes"),
        ("TRANSPARENCY", "yes"),
        ("BACKGROUND", "white"),
        ("BACKGROUND", "#fff"),
        ("BACKGROUND", "#0g0000"),
        ("TRACING", "1"),
        ("RECORDS_RETENTION_DAYS", "many"),
        ("MODERATION", '{"mode":"never"}'),
        ("MODERATION_CACHE_DAYS", "a month"),
        ("MODERATION_CACHE_DAYS", "-1"),
        ("QUALITY", '{"jpeg":"best"}'),
        ("LISTS_LIKE", "allow"),
        ("PROVENANCE_KEEP", "some"),
        ("REVIEW_APPROVALS", '{"default":0}'),
        ("REVIEW_APPROVALS", '{"Explicit":"both"}'),
        ("LIMITS", '{"bytes":1}'),
    ],
)
def test_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        ImageSettings.from_environment({**ENVIRONMENT, name: value})


def test_likeness_means_review_unless_it_is_configured() -> None:
    assert ImageSettings.from_environment(ENVIRONMENT).lists_like is Verdict.REVIEW
    assert ImageSettings.from_environment({**ENVIRONMENT, "LISTS_LIKE": "block"}).lists_like is Verdict.BLOCK


def test_provenance_is_kept_only_where_it_is_configured() -> None:
    assert not ImageSettings.from_environment(ENVIRONMENT).keeps_provenance
    assert ImageSettings.from_environment({**ENVIRONMENT, "PROVENANCE_KEEP": "true"}).keeps_provenance


def test_shared_settings_need_no_image_variables() -> None:
    shared = {key: ENVIRONMENT[key] for key in ENVIRONMENT if key not in ("SIZES", "MODERATION", "LIMITS")}
    assert Settings.from_environment(shared).stack == "dev"


VIDEO = {
    **ENVIRONMENT,
    "LIMITS": '{"bytes":1,"frames":2,"pixels":3,"videoBytes":4,"videoSeconds":5}',
    "VIDEO": '{"height":720,"moderationFrames":12}',
}


def test_video_settings_are_the_images_and_more() -> None:
    settings = VideoSettings.from_environment(VIDEO)
    assert (settings.height, settings.moderation_frames) == (720, 12)
    assert (settings.video_bytes, settings.video_seconds) == (4, 5)
    assert settings.specs == ImageSettings.from_environment(VIDEO).specs


def test_a_video_may_take_half_of_the_memory_with_the_idle_function() -> None:
    settings = VideoSettings.from_environment({**VIDEO, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008"})
    assert settings.video_memory == (3008 // 2 - IDLE_MEGABYTES) * 1024 * 1024


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VIDEO", "[]"),
        ("VIDEO", '{"height":720}'),
        ("VIDEO", '{"height":0,"moderationFrames":12}'),
        ("VIDEO", '{"height":720,"moderationFrames":1}'),
        ("LIMITS", '{"bytes":1,"frames":2,"pixels":3}'),
    ],
)
def test_wrong_video_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        VideoSettings.from_environment({**VIDEO, name: value})


def test_where_videos_go_may_be_left_out_but_not_be_empty() -> None:
    assert ImageSettings.from_environment(ENVIRONMENT).videos_queue_url is None
    assert ImageSettings.from_environment({**ENVIRONMENT, "VIDEOS_QUEUE_URL": "q"}).videos_queue_url == "q"
    with pytest.raises(SettingsError, match="VIDEOS_QUEUE_URL"):
        ImageSettings.from_environment({**ENVIRONMENT, "VIDEOS_QUEUE_URL": ""})
