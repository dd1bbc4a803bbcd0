"""The parts that a stack may leave out: their keys, their bounds, and what they need where they are enabled."""

import pytest

from components import bounds
from tests.components.config_parsing import Raw, parse, problems, put


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("notify.results", "ops@example.com"),
        ("video.enabled", "sometimes"),
        ("video.height", 15),
        ("video.height", 4321),
        ("video.height", 720.5),
        ("video.moderationFrames", 1),
        ("video.moderationFrames", 201),
        ("memory.video", 127),
        ("memory.video", 10_241),
        ("timeout.video", 901),
        ("concurrency.video", 1),
        ("limits.videoBytes", 0),
        ("limits.videoBytes", 4864 * 1024**2 + 1),
        ("limits.videoSeconds", 0),
        ("limits.judgedPerDay", -1),
        ("dashboard", "large"),
        ("limits.videoSeconds", 14_401),
        ("api.enabled", None),
        ("api.rate", 0),
        ("api.rate", 10_001),
        ("api.burst", 0),
        ("api.burst", 5001),
        ("api.quotaPerDay", 0),
        ("api.quotaPerDay", "many"),
        ("api.corsOrigins", "*"),
        ("api.corsOrigins", ["www.example.com"]),
        ("api.corsOrigins", ["http://www.example.com"]),
        ("api.corsOrigins", ["https://www.example.com/"]),
        ("api.corsOrigins", ["https://www.example.com/app"]),
        ("api.corsOrigins", ["https://WWW.example.com"]),
        ("api.corsOrigins", ["https://*.example.com"]),
        ("api.corsOrigins", ["https://www.example.com:port"]),
        ("api.corsOrigins", ["https://www.example.com\n"]),
        ("api.corsOrigins", ["null"]),
        ("api.corsOrigins", ["https://a.example.com", "https://a.example.com"]),
        ("api.corsOrigins", ["https://a.example.com", "*"]),
        ("review.approvals.default", 0),
        ("review.approvals.Explicit", 6),
        ("review.approvals.Explicit", "both"),
        ("review.approvals", 2),
        ("review.appealDays", -1),
        ("review.secondLook", 101),
        ("review.sampleAllowed", -0.1),
        ("review.appealDays", 366),
        ("lists.like", "allow"),
        ("lists.like", True),
    ],
)
def test_a_value_out_of_bounds_is_refused_under_its_key(raw: Raw, path: str, value: object) -> None:
    (key,) = problems(put(raw, path, value))
    assert key.startswith(path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("notify.results", ["ops@example.com"]),
        ("video.enabled", "true"),
        ("video.height", 2160),
        ("video.moderationFrames", 2),
        ("memory.video", 10_240),
        ("timeout.video", "900"),
        ("limits.videoBytes", 4864 * 1024**2),
        ("api.enabled", "false"),
        ("api.rate", "10000"),
        ("api.burst", 5000),
        ("api.quotaPerDay", 1.0),
        ("api.corsOrigins", ["*"]),
        ("api.corsOrigins", ["https://www.example.com", "https://example.com:8443", "http://localhost:3000"]),
        ("review", {}),
        ("review.approvals", {}),
        ("review.appealDays", 30),
        ("review.secondLook", "2.5"),
        ("review.sampleAllowed", 0.1),
        ("lists", {}),
        ("lists.like", "block"),
        ("review.approvals", {"default": 1, "explicit": "2", "Drugs & Tobacco": 5}),
    ],
)
def test_a_value_within_bounds_is_taken(raw: Raw, path: str, value: object) -> None:
    parse(put(raw, path, value))


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("video.hight", "height"),
        ("video.moderationframes", "moderationFrames"),
        ("api.quotaperday", "quotaPerDay"),
        ("api.corsOrigin", "corsOrigins"),
        ("limits.videobytes", "videoBytes"),
        ("notify.result", "results"),
        ("review.approval", "approvals"),
        ("lists.liek", "like"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(raw: Raw, path: str, meant: str) -> None:
    found = problems(put(raw, path, 5))
    assert found[path].given == "is not a known key"
    assert found[path].allowed == f"did you mean {meant}?"


NEEDED = {
    "video": ["video.height", "video.moderationFrames", "memory.video", "timeout.video", "concurrency.video",
              "limits.videoBytes", "limits.videoSeconds"],
    "api": ["api.rate", "api.burst", "api.quotaPerDay"],
}  # fmt: skip


@pytest.mark.parametrize("switch", [True, "true"])
@pytest.mark.parametrize(("part", "key"), [(part, key) for part, keys in NEEDED.items() for key in keys])
def test_what_a_part_needs_is_asked_for_where_it_is_enabled(
    raw: Raw, part: str, key: str, switch: object
) -> None:
    group, name = key.split(".")
    del raw[group][name]
    (reported,) = problems(put(raw, f"{part}.enabled", switch)).values()
    assert reported.key == key
    assert reported.given == f"is missing, and {part}.enabled is true"
    assert reported.fix.startswith(f"pulumi config set --path {key} ")
    parse(put(raw, f"{part}.enabled", False))


@pytest.mark.parametrize("part", NEEDED)
def test_a_part_that_is_off_needs_its_switch_only(raw: Raw, part: str) -> None:
    for key in NEEDED[part]:
        group, name = key.split(".")
        del raw[group][name]
    raw[part] = {"enabled": False}
    parse(raw)


def test_too_many_origins_for_the_apis_environment_are_refused_under_their_key(raw: Raw) -> None:
    put(raw, "api.enabled", True)
    put(raw, "api.corsOrigins", [f"https://page-{number:03}.example.com" for number in range(120)])
    problem = problems(raw)["api.corsOrigins"]
    assert "upload-api" in problem.given
    assert "4096" in problem.allowed
    parse(put(raw, "api.enabled", False))


@pytest.mark.parametrize(("name", "meant"), [("Explicit Nudity", "Explicit"), ("Defaults", "default")])
def test_approvals_take_top_level_labels_and_the_default_only(raw: Raw, name: str, meant: str) -> None:
    problem = problems(put(raw, f"review.approvals.{name}", 2))[f"review.approvals.{name}"]
    assert "default or a top-level label: Explicit, " in problem.allowed
    assert problem.fix.endswith(f"pulumi config set --path review.approvals.{meant} 2")


def test_labels_of_approvals_get_their_spelling_and_count_once(raw: Raw) -> None:
    config = parse(put(raw, "review", {"approvals": {"DEFAULT": 1, "hate symbols": 2}}))
    assert config.review.approvals == {"default": 1, "Hate Symbols": 2}
    assert parse({**raw, "review": {}}).review.approvals == {}
    twice = problems(put(raw, "review", {"approvals": {"Explicit": 1, "explicit": 2}}))
    assert "different case" in twice["review.approvals.explicit"].given


def test_appeals_are_taken_no_longer_than_originals_stay(raw: Raw) -> None:
    raw = put(raw, "retention.quarantine", 30)
    problem = problems(put(raw, "review.appealDays", 180))["review.appealDays"]
    assert problem.fix.endswith("pulumi config set --path retention.quarantine 180")
    assert parse(put(raw, "review.appealDays", 30)).review.appeal_days == 30
    kept = put(raw, "retention.quarantine", 0)
    assert parse(put(kept, "review.appealDays", 365)).review.appeal_days == 365


@pytest.mark.parametrize("originals", [bounds.ORIGINALS_RETENTION_DAYS[0], 2 * bounds.LATE_MESSAGE_DAYS])
def test_records_stay_as_long_as_a_message_or_an_original_can_be_left(raw: Raw, originals: int) -> None:
    raw = put(raw, "retention.originals", originals)
    least = max(bounds.LATE_MESSAGE_DAYS, originals)
    assert parse(put(raw, "retention.records", least)).retention.records == least
    problem = problems(put(raw, "retention.records", least - 1))["retention.records"]
    assert problem.fix.endswith(f"pulumi config set --path retention.records {least}")
    assert parse(put(raw, "retention.records", 0)).retention.records == 0, "0 keeps them"


def test_an_unknown_key_that_resembles_nothing_gets_the_list_of_known_ones(raw: Raw) -> None:
    problem = problems(put(raw, "memory.xyz", 5))["memory.xyz"]
    assert problem.allowed == "one of image, video"
