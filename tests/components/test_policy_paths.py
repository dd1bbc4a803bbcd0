"""`moderation.paths`: what is checked of a policy for a prefix, and what the functions make of it."""

import json
from typing import Any

import pytest

from components import environment
from components.config_model import Moderation, ModerationPath
from media_pipeline.moderation.policy import Policy
from tests.components.config_parsing import Raw, parse, problems

COMMON = {"mode": "enforce", "block": {"Weapons": 90}, "review": {"Violence": 50}, "recordFrom": 30}


def with_paths(raw: Raw, *entries: dict[str, Any], **common: Any) -> Raw:
    raw["moderation"] = {**COMMON, **common, "paths": list(entries)}
    return raw


def deployed(raw: Raw) -> Policy:
    """Return the policy that the functions get."""
    return Policy.parse(json.loads(environment.image_settings(parse(raw))["MODERATION"]))


def test_a_path_has_every_key_that_a_verdict_follows_from() -> None:
    assert ModerationPath.model_fields.keys() - {"prefix"} == Moderation.model_fields.keys() - {
        "paths",
        "cache_days",
    }


def test_what_a_path_leaves_out_is_as_outside_of_it_and_what_it_names_replaces_that(raw: Raw) -> None:
    policy = deployed(with_paths(raw, {"prefix": "avatars/", "block": {"explicit": 40}, "recordFrom": 0}))
    avatars = policy.of("avatars/1.jpg")
    assert (avatars.block, avatars.review, avatars.record_from) == ({"Explicit": 40}, {"Violence": 50}, 0)
    assert policy.of("Avatars/1.jpg").block == {"Weapons": 90}


def test_a_path_may_switch_rules_off_for_its_keys(raw: Raw) -> None:
    policy = deployed(
        with_paths(raw, {"prefix": "staff/", "mode": "off"}, {"prefix": "games/", "review": {}})
    )
    assert (str(policy.of("staff/a").mode), policy.of("games/a").review) == ("off", {})


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({}, "moderation.paths[0].prefix"),
        ({"prefix": ""}, "moderation.paths[0].prefix"),
        ({"prefix": "/avatars/"}, "moderation.paths[0].prefix"),
        ({"prefix": "avatars/*"}, "moderation.paths[0].prefix"),
        ({"prefix": "a" * 256}, "moderation.paths[0].prefix"),
        ({"prefix": "a/", "block": {"Wepons": 90}}, "moderation.paths[0].block.Wepons"),
        ({"prefix": "a/", "block": {"Weapons": 101}}, "moderation.paths[0].block.Weapons"),
        ({"prefix": "a/", "block": {}}, "moderation.paths[0].block"),
        ({"prefix": "a/", "review": {"Weapons": 9, "weapons": 9}}, "moderation.paths[0].review.weapons"),
        ({"prefix": "a/", "exempt": ["Alcohol", "alcohol"]}, "moderation.paths[0].exempt[1]"),
        ({"prefix": "a/", "cacheDays": 3}, "moderation.paths[0].cacheDays"),
        ({"prefix": "a/", "mode": "never"}, "moderation.paths[0].mode"),
        ("a/", "moderation.paths[0]"),
    ],
)
def test_what_is_wrong_with_a_path_is_said_under_its_key(raw: Raw, entry: Any, key: str) -> None:
    (reported,) = problems(with_paths(raw, entry))
    assert reported == key


def test_a_prefix_is_given_once(raw: Raw) -> None:
    found = problems(with_paths(raw, {"prefix": "a/"}, {"prefix": "b/"}, {"prefix": "a/", "mode": "observe"}))
    assert found["moderation.paths[2].prefix"].given == '"a/" is given twice'


def test_enforcing_for_a_prefix_needs_something_to_block_there(raw: Raw) -> None:
    entry = {"prefix": "a/", "mode": "enforce"}
    assert list(problems(with_paths(raw, entry, mode="off", block={}))) == ["moderation.paths[0].block"]
    assert deployed(with_paths(raw, {**entry, "block": {"Weapons": 1}}, mode="off", block={})).of("a/").block


def test_more_paths_than_the_functions_environment_holds_are_refused(raw: Raw) -> None:
    entries = [{"prefix": f"customers/{number}/", "block": {"Explicit": number}} for number in range(99)]
    assert "4096" in problems(with_paths(raw, *entries))["moderation"].allowed


def test_without_paths_the_functions_get_what_they_always_got(raw: Raw) -> None:
    assert "paths" not in environment.image_settings(parse(raw))["MODERATION"]
