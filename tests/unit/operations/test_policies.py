"""Policies that are only tried are refused in the configuration's own words, or are what a deployment would have."""

import json
from pathlib import Path

import pytest

from components import environment
from components.stack_files import read_config
from media_pipeline.moderation.policy import Policy
from operations.errors import OperationsError
from operations.policies import read_policy
from tests.components.recording import PROJECT


def deployed(**overrides: object) -> Policy:
    """Return the policy that the functions would get with these keys."""
    config = read_config(
        PROJECT, "dev", {name.replace("__", "."): value for name, value in overrides.items()}
    )
    return Policy.parse(json.loads(environment.image_settings(config)["MODERATION"]))


def test_without_changes_it_is_the_policy_of_the_stacks_file() -> None:
    assert read_policy(PROJECT, "dev") == deployed()


def test_set_changes_one_key_and_leaves_the_others() -> None:
    tried = read_policy(PROJECT, "dev", settings=["moderation.block.Violence=70"])
    assert tried == deployed(moderation__block__Violence=70)
    assert tried.block["Weapons"] == 90


@pytest.mark.parametrize(
    "key",
    [
        "moderation.block.Hate Symbols",
        'moderation.block["Hate Symbols"]',
        "media-pipeline:moderation.block.hate symbols",
    ],
)
def test_a_label_may_be_written_as_pulumi_does_and_in_another_case(key: str) -> None:
    assert read_policy(PROJECT, "dev", settings=[f"{key}=75"]).block["Hate Symbols"] == 75


def test_keys_can_be_removed_and_lists_and_words_be_set() -> None:
    tried = read_policy(
        PROJECT,
        "dev",
        removed=["moderation.review.Violence", "moderation.recordFrom"],
        settings=['moderation.exempt=["Smoking"]', "moderation.mode=observe"],
    )
    assert "Violence" not in tried.review
    assert (tried.record_from, tried.exempt, str(tried.mode)) == (None, ("Smoking",), "observe")


BY_PREFIX = """\
mode: enforce
block: {Weapons: 70}
paths:
  - prefix: avatars/
    block: {Explicit: 40}
  - prefix: games/
    exempt: [Weapons]
"""


def test_keys_of_an_entry_of_paths_are_tried_and_removed_like_others(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(BY_PREFIX)
    tried = read_policy(
        PROJECT,
        "dev",
        file=file,
        settings=["moderation.paths[0].block.Explicit=50", "moderation.paths[1].mode=observe"],
        removed=["moderation.paths[1].exempt"],
    )
    assert (tried.of("avatars/1").block, tried.of("1").block) == ({"Explicit": 50}, {"Weapons": 70})
    assert (tried.of("games/1").mode, tried.of("games/1").exempt) == ("observe", ())
    with pytest.raises(OperationsError, match=r"moderation\.paths\[2\]: the policy has no such entry"):
        read_policy(PROJECT, "dev", file=file, settings=["moderation.paths[2].mode=off"])


def test_a_file_is_taken_whole_as_a_policy_or_as_a_stacks_file(tmp_path: Path) -> None:
    bare = tmp_path / "policy.yaml"
    bare.write_text("mode: enforce\nblock:\n  Weapons: 70\n")
    stack = tmp_path / "Pulumi.other.yaml"
    stack.write_text(
        "config:\n  media-pipeline:moderation:\n    mode: enforce\n    block:\n      Weapons: 70\n"
    )
    expected = Policy.parse({"mode": "enforce", "block": {"Weapons": 70}})
    assert read_policy(PROJECT, "dev", file=bare) == expected
    assert read_policy(PROJECT, "dev", file=stack) == expected
    changed = read_policy(PROJECT, "dev", file=bare, settings=["moderation.block.Weapons=80"])
    assert changed.block == {"Weapons": 80}


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (
            "moderation.block.Violense=70",
            ["moderation.block.Violense", "Violence", "pulumi config set --path"],
        ),
        ("moderation.block.Violence=170", ["moderation.block.Violence", "170", "from 0 to 100"]),
        ("moderation.block.Violence=high", ["moderation.block.Violence", "high"]),
        ("moderation.mode=of", ["moderation.mode", "enforce"]),
        ("moderation.blok.Violence=70", ["moderation.blok"]),
        ("moderation.block.Violence", ["KEY=VALUE is needed"]),
        ("video.moderationFrames=24", ["only keys of moderation can be tried"]),
        ("moderation=x", ["only keys of moderation can be tried"]),
        ("moderation.mode.x=1", ["moderation.mode has no keys"]),
    ],
)
def test_what_is_not_valid_is_refused_with_what_is_allowed(setting: str, words: list[str]) -> None:
    with pytest.raises(OperationsError) as refused:
        read_policy(PROJECT, "dev", settings=[setting])
    for word in words:
        assert word in str(refused.value)


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(OperationsError, match="2 problems"):
        read_policy(PROJECT, "dev", settings=["moderation.block.Violense=70", "moderation.mode=of"])


def test_what_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(OperationsError, match=r"moderation\.review\.Alcohol cannot be removed"):
        read_policy(PROJECT, "dev", removed=["moderation.review.Alcohol"])


def test_a_file_that_is_missing_or_no_yaml_is_said(tmp_path: Path) -> None:
    with pytest.raises(OperationsError, match="missing"):
        read_policy(PROJECT, "dev", file=tmp_path / "none.yaml")
