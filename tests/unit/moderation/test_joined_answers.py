"""Answers of Rekognition that two records of one version hold are kept together when one of the two goes."""

from typing import Any

import pytest

from media_pipeline.moderation.result import Answers


def answers(*digests: str, asked_from: float = 50.0, model: str = "7.0") -> dict[str, Any]:
    pictures = [{"sha256": digest, "labels": []} for digest in digests]
    return {"asked_from": asked_from, "model_version": model, "pictures": pictures}


def test_every_picture_is_there_once() -> None:
    joined = Answers.joined(answers("a", "b"), answers("b", "c"))
    assert sorted(picture["sha256"] for picture in joined["pictures"]) == ["a", "b", "c"]


@pytest.mark.parametrize("other", [answers("a"), answers(), answers("c", model="8.0")])
def test_what_adds_nothing_changes_nothing(other: dict[str, Any]) -> None:
    own = answers("a", "b")
    assert Answers.joined(own, other) is own


@pytest.mark.parametrize(("own", "other"), [(50.0, 60.0), (60.0, 50.0)])
def test_labels_are_known_from_the_higher_confidence_on(own: float, other: float) -> None:
    joined = Answers.joined(answers("a", asked_from=own), answers("b", asked_from=other))
    assert joined["asked_from"] == 60.0
