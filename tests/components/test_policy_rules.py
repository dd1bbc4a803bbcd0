"""Every kind of rule of the moderation policy is checked, reaches the functions, and changes what they decide by."""

import json
from typing import Any, get_origin

import pytest

from components import environment
from components.config_model import Moderation
from media_pipeline.moderation.policy import Policy
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.moderation.verdicts import Mode, Verdict
from media_pipeline.processing.endings import WITHHELD
from tests.components.config_parsing import Raw, parse, problems

KEYS = {
    field.alias or name: field
    for name, field in Moderation.model_fields.items()
    if name not in ("cache_days", "paths")
}
"""Those that a verdict follows from: the cache holds what Rekognition answered, whatever the policy is. Policies by
prefix have tests of their own."""
THRESHOLDS = sorted(key for key, field in KEYS.items() if get_origin(field.annotation) is dict)
VALUES: dict[str, Any] = {"mode": "enforce", "recordFrom": 30, "exempt": ["Alcohol"], "manyScenes": "review"}


@pytest.fixture
def every_key(raw: Raw) -> dict[str, Any]:
    """The functions' document about a policy that has every key, each group of thresholds with one rule."""
    raw["moderation"] = {key: VALUES.get(key, {"Weapons": 90}) for key in KEYS}
    document: dict[str, Any] = json.loads(environment.image_settings(parse(raw))["MODERATION"])
    return document


def test_every_key_of_the_policy_is_handed_to_the_functions(every_key: dict[str, Any]) -> None:
    assert set(every_key) == set(KEYS)


@pytest.mark.parametrize("key", sorted(KEYS.keys() - {"mode", "block"}))
def test_every_key_of_the_policy_changes_what_the_functions_decide_by(
    every_key: dict[str, Any], key: str
) -> None:
    without = {name: value for name, value in every_key.items() if name != key}
    assert Policy.parse(every_key).version != Policy.parse(without).version


@pytest.mark.parametrize("key", THRESHOLDS)
def test_no_group_of_thresholds_takes_a_label_twice(raw: Raw, key: str) -> None:
    raw["moderation"] = {"mode": "enforce", "block": {"Weapons": 90}, key: {"Weapons": 90, "weapons": 80}}
    assert f"moderation.{key}.weapons" in problems(raw)


def test_thresholds_are_among_the_keys() -> None:
    assert {"block", "review"} <= set(THRESHOLDS)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_publishes_or_ends_in_a_status(verdict: Verdict) -> None:
    result = ModerationResult(
        verdict=verdict,
        mode=Mode.ENFORCE,
        reason=None,
        labels=(),
        model_version=None,
        policy_version="",
        judged=1,
    )
    assert result.publishes == (verdict not in WITHHELD)


def test_no_two_verdicts_are_equally_severe() -> None:
    assert len({verdict.severity for verdict in Verdict}) == len(Verdict)
