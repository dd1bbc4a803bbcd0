"""Answers of the cache beside those that are asked for; and how an answer is kept."""

import hashlib
from typing import Any, cast

import pytest

from media_pipeline.moderation.cached import CachedAnswer, FreshAnswer, KnownAnswers, comparable
from media_pipeline.moderation.policy import Policy
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.moderation.result import Answers, JudgedPicture, ModerationResult
from media_pipeline.moderation.verdicts import Label, Verdict
from tests.fixtures.moto_stack import FakeRekognition

PROXIES = (b"first", b"second", b"third")
WEAPON = Label("Weapons", "Violence", 95.0)
POLICY = Policy.parse({"mode": "enforce", "block": {"Weapons": 90}})


def known(*pictures: bytes, labels: tuple[Label, ...] = ()) -> KnownAnswers:
    digests = [hashlib.sha256(picture).hexdigest() for picture in pictures]
    return KnownAnswers(
        model_version="7.0",
        pictures={digest: JudgedPicture(sha256=digest, labels=labels, reused=True) for digest in digests},
    )


def judged(
    cached: KnownAnswers, model: str = "7.0"
) -> tuple[ModerationResult, list[bytes], list[FreshAnswer]]:
    """Judge the three pictures; return the result, what Rekognition was asked, and the answers that were paid for."""
    rekognition = FakeRekognition(model=model)
    fresh: list[FreshAnswer] = []

    def on_answer(_: Answers, answer: FreshAnswer) -> None:
        fresh.append(answer)

    moderator = Moderator(rekognition=cast(Any, rekognition), policy=POLICY)
    result = moderator.judge(PROXIES, before_each=lambda: None, cached=cached, on_answer=on_answer)
    return result, [call["Image"]["Bytes"] for call in rekognition.calls], fresh


def test_only_pictures_that_the_cache_does_not_know_are_asked_about() -> None:
    result, asked, fresh = judged(known(b"second"))
    assert asked == [b"first", b"third"]
    assert (result.judged, result.reused, len(fresh)) == (3, 1, 2)
    assert [picture.reused for picture in result.pictures] == [False, True, False]


def test_if_a_request_shows_another_model_the_known_pictures_are_asked_about_as_well() -> None:
    result, asked, fresh = judged(known(b"second"), model="7.1")
    assert asked == [b"first", b"third", b"second"]
    assert (result.judged, result.reused, result.model_version) == (3, 0, "7.1")
    assert {answer.model_version for answer in fresh} == {"7.1"}


def test_a_known_picture_that_blocks_decides_without_a_request() -> None:
    result, asked, _ = judged(known(b"second", labels=(WEAPON,)))
    assert asked == []
    assert (result.verdict, result.judged, result.model_version) == (Verdict.BLOCK, 1, "7.0")


def test_an_answer_reads_back_as_it_was() -> None:
    answer = CachedAnswer(
        labels=(Label("Weapons", "Violence", 89.99600219726562), Label("Violence", "", 100.0)),
        asked_from=33.3,
        model_version="7.0",
        asked_at=1_800_000_000.125,
    )
    assert CachedAnswer.from_document(answer.to_document()) == answer


@pytest.mark.parametrize(
    ("asked_from", "model", "asked_at", "serves"),
    [
        (50.0, "7.0", 100.0, True),
        (49.0, "7.0", 101.0, True),
        (50.1, "7.0", 100.0, False),
        (50.0, "7.1", 100.0, False),
        (50.0, "6.1", 100.0, False),
        (50.0, "7.0", 99.9, False),
    ],
    ids=["just", "more labels", "fewer labels", "newer model", "older model", "too old"],
)
def test_an_answer_serves_a_request_that_would_return_no_more(
    asked_from: float, model: str, asked_at: float, serves: bool
) -> None:
    answer = CachedAnswer(labels=(), asked_from=asked_from, model_version=model, asked_at=asked_at)
    assert answer.serves(asked_from=50.0, model_version="7.0", not_before=100.0) is serves


def test_versions_of_the_model_are_compared_by_their_numbers() -> None:
    versions = ["6.1", "7.0", "7.0 (stand-in)", "7.0-beta", "7.0.1", "7.1", "7.10", "10.0"]
    assert sorted(versions, key=lambda version: comparable(version) or "") == versions
    assert [comparable(text) for text in ("", "v7", "7.", "newest", "12345678")] == [None] * 5
