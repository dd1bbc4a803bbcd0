"""Deciding again from a record never says anything else than Rekognition and the policy would on a new upload."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media_pipeline.moderation.policy import Policy
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.moderation.verdicts import Mode, Verdict
from media_pipeline.records.item_size import fitted
from media_pipeline.records.record import plain, to_item
from operations.deciding_again import Decided, Outcome, Unknown, decide_again, decided_then, outcome

Answer = list[tuple[str, str, float]]
LABELS = (
    ("Explicit", ""),
    ("Explicit Nudity", "Explicit"),
    ("Violence", ""),
    ("Weapons", "Violence"),
    ("Graphic Violence", "Violence"),
    ("A Label of Tomorrow", "Violence"),  # not in the taxonomy
)
# Around the thresholds below, and so near to them that hundredths do not tell which side they are on.
CONFIDENCES = (20.0, 30.0, 49.999, 50.0, 50.004, 59.996, 60.0, 60.004, 79.998, 80.0, 95.12345678)
THRESHOLDS = (30.0, 50.0, 60.0, 80.0, 95.12)
KNOWN = [name for name, _ in LABELS[:-1]]

answers = st.lists(
    st.lists(
        st.tuples(st.sampled_from(LABELS), st.sampled_from(CONFIDENCES)),
        unique_by=lambda pair: pair[0],
        max_size=4,
    ).map(lambda found: [(name, parent, sure) for (name, parent), sure in found]),
    min_size=1,
    max_size=4,
)
rules = st.dictionaries(st.sampled_from(KNOWN), st.sampled_from(THRESHOLDS), min_size=1, max_size=3)
policies = st.builds(
    lambda mode, block, review, exempt, record_from, many: Policy.parse(
        {
            "mode": mode,
            "block": block,
            "review": review,
            "exempt": exempt,
            "manyScenes": many,
            **({} if record_from is None else {"recordFrom": record_from}),
        }
    ),
    st.sampled_from(["enforce", "enforce", "observe", "off"]),
    rules,
    rules,
    st.lists(st.sampled_from(KNOWN), max_size=2, unique=True),
    st.sampled_from([None, 20, 30, 60]),
    st.sampled_from(["allow", "review"]),
)


class Rekognition:
    """Answers about the picture `b"n"` with the labels of the n-th answer, from the confidence it is asked for."""

    def __init__(self, found: list[Answer]) -> None:
        self._found = found

    def detect_moderation_labels(self, *, Image: Any, MinConfidence: float) -> dict[str, Any]:  # noqa: N803 - AWS's
        return {
            "ModerationLabels": [
                {"Name": name, "ParentName": parent, "Confidence": sure}
                for name, parent, sure in self._found[int(Image["Bytes"])]
                if sure >= MinConfidence
            ],
            "ModerationModelVersion": "7.0",
        }


def judge(found: list[Answer], policy: Policy, *, is_video: bool, many_scenes: bool) -> Any:
    rekognition: Any = Rekognition(found)
    return Moderator(rekognition=rekognition, policy=policy).judge(
        [str(number).encode() for number in range(len(found))],
        before_each=lambda: None,
        times=[float(number) for number in range(len(found))] if is_video else None,
        many_scenes=many_scenes,
    )


def stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record's `moderation` as it comes back from DynamoDB."""
    read: dict[str, Any] = plain(to_item({"moderation": document})["moderation"])
    return read


def shapes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the document in every form in which a version of the pipeline stored it."""
    pictures = "frames" if "frames" in document else "pictures"
    short = [{**picture, "labels": picture["labels"][:1], "omitted": True} for picture in document[pictures]]

    def without(*names: str) -> dict[str, Any]:
        return {name: value for name, value in document.items() if name not in names}

    return {
        "today": document,
        "without the number of pictures to judge": without("to_judge"),
        "without the least confidence": without("to_judge", "asked_from"),
        "merged": without("to_judge", "asked_from", pictures),
        "merged, with the least confidence": without("to_judge", pictures),
        "shortened": {**document, pictures: short},
    }


@settings(max_examples=300, deadline=None)
@given(answers, policies, policies, st.booleans(), st.booleans())
def test_what_a_record_says_is_what_judging_again_says(
    found: list[Answer], then: Policy, now: Policy, is_video: bool, many_scenes: bool
) -> None:
    many_scenes = many_scenes and is_video
    result = judge(found, then, is_video=is_video, many_scenes=many_scenes)
    really = judge(found, now, is_video=is_video, many_scenes=many_scenes)
    expected = outcome(really.verdict, now.mode)
    document = stored(result.to_document())
    for name, shape in shapes(document).items():
        answer = decide_again(shape, now)
        assert isinstance(answer, Unknown) or answer.outcome is expected, name
    knows_all = (
        then.mode is not Mode.OFF
        and then.min_confidence <= now.min_confidence
        and result.judged == len(found)
    )
    if knows_all or now.mode is not Mode.ENFORCE:
        assert isinstance(decide_again(document, now), Decided)
    assert decided_then(document).outcome is outcome(result.verdict, then.mode)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Decided(Outcome.PUBLISHED, None)),
        ({"mode": "off", "verdict": "off"}, Unknown.NOT_ASKED),
        ({"asked_from": None}, Unknown.NOT_RECORDED),
        ({"asked_from": 50.5}, Unknown.ASKED_FROM),
        ({"to_judge": 3}, Unknown.NOT_ALL_JUDGED),
        ({"pictures": [], "judged": 2}, Unknown.MERGED),
        ({"pictures": [{"sha256": "a", "labels": [], "omitted": True}]}, Unknown.OMITTED),
    ],
)
def test_what_a_record_lacks_makes_its_object_unknown(
    change: dict[str, Any], expected: Decided | Unknown
) -> None:
    record = {
        "verdict": "allow",
        "mode": "enforce",
        "labels": [],
        "pictures": [{"sha256": "a", "labels": []}, {"sha256": "b", "labels": []}],
        "judged": 2,
        "to_judge": 2,
        "asked_from": 50,
    }
    policy = Policy.parse({"mode": "enforce", "block": {"Violence": 50}})
    assert decide_again({**record, **change}, policy) == expected


def one_picture(*labels: tuple[str, str, float], asked_from: float = 30, **members: Any) -> dict[str, Any]:
    found = [{"name": name, "parent": parent, "confidence": sure} for name, parent, sure in labels]
    picture = {"sha256": "a", "labels": found, **members}
    known = {"judged": 1, "to_judge": 1, "asked_from": asked_from}
    return {"verdict": "allow", "mode": "enforce", "labels": found, "pictures": [picture], **known}


def test_a_label_below_what_would_be_asked_for_does_not_count() -> None:
    record = one_picture(("A Label of Tomorrow", "", 55.0))
    at_60 = Policy.parse({"mode": "enforce", "block": {"Violence": 60}})
    at_55 = Policy.parse({"mode": "enforce", "block": {"Violence": 55}})
    assert decide_again(record, at_60) == Decided(Outcome.PUBLISHED, None)
    assert decide_again(record, at_55).outcome is Outcome.REVIEW  # type: ignore[union-attr]


def test_a_label_that_the_taxonomy_does_not_know_may_lie_below_what_was_asked_for() -> None:
    record = one_picture(asked_from=80)
    rules = {"mode": "enforce", "block": {"Violence": 90}}
    assert isinstance(decide_again(record, Policy.parse(rules)), Decided)
    assert decide_again(record, Policy.parse({**rules, "recordFrom": 20})) is Unknown.ASKED_FROM


def test_a_picture_with_labels_left_out_does_not_even_say_that_it_is_blocked() -> None:
    """The label that was left out may be the one that is exempt, as sure as its ancestor."""
    policy = Policy.parse({"mode": "enforce", "block": {"Violence": 90}, "exempt": ["Weapons"]})
    whole = one_picture(("Violence", "", 95.0), ("Weapons", "Violence", 95.0))
    assert decide_again(whole, policy) == Decided(Outcome.PUBLISHED, None)
    assert decide_again(one_picture(("Violence", "", 95.0), omitted=True), policy) is Unknown.OMITTED


def test_a_block_is_certain_whatever_the_record_lacks() -> None:
    violence = {"name": "Violence", "parent": "", "confidence": 95}
    old = {"verdict": "block", "mode": "enforce", "labels": [violence], "judged": 3}
    answer = decide_again(old, Policy.parse({"mode": "enforce", "block": {"Violence": 90}}))
    assert answer == Decided(Outcome.BLOCKED, "Violence 95.0 reached the block threshold of 90")
    assert isinstance(
        decide_again(old, Policy.parse({"mode": "enforce", "block": {"Violence": 99}})), Unknown
    )


def test_pictures_with_labels_left_out_for_want_of_room_are_unknown() -> None:
    labels = [(f"Label {number}", "Violence", 40.0) for number in range(400)]
    policy = Policy.parse({"mode": "enforce", "block": {"Explicit": 90}, "recordFrom": 30})
    result = judge([labels] * 60, policy, is_video=True, many_scenes=False)
    facts = fitted({"moderation": result.to_document()})
    assert result.verdict is Verdict.ALLOW
    assert decide_again(stored(facts["moderation"]), policy) is Unknown.OMITTED


def test_the_model_example_merged_labels_of_an_animation_do_not_publish_what_live_blocks() -> None:
    """Two pictures that are blocked apart: merged, the surer ancestor of one is taken for an ancestor of the other."""
    found: list[Answer] = [
        [("Explicit", "", 95.0)],
        [("Explicit", "", 55.0), ("Explicit Nudity", "Explicit", 95.0)],
    ]
    policy = Policy.parse({"mode": "observe", "block": {"Explicit": 80}, "exempt": ["Explicit Nudity"]})
    enforcing = Policy.parse({"mode": "enforce", "block": {"Explicit": 80}, "exempt": ["Explicit Nudity"]})
    document = stored(judge(found, policy, is_video=False, many_scenes=False).to_document())
    assert decide_again(document, enforcing).outcome is Outcome.BLOCKED  # type: ignore[union-attr]
    merged = {name: value for name, value in document.items() if name not in ("pictures", "to_judge")}
    assert decide_again(merged, enforcing) is Unknown.MERGED


def test_hashes_of_judged_pictures_are_in_the_record() -> None:
    policy = Policy.parse({"mode": "enforce", "block": {"Explicit": 80}})
    document = judge([[], []], policy, is_video=False, many_scenes=False).to_document()
    expected = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(2)]
    assert [picture["sha256"] for picture in document["pictures"]] == expected
    assert (document["judged"], document["to_judge"]) == (2, 2)


@pytest.mark.parametrize(
    ("verdict", "labels", "expected"),
    [
        (Verdict.BLOCK, [], Outcome.BLOCKED),
        (Verdict.REVIEW, [], Outcome.REVIEW),
        (Verdict.REVIEW, [("Weapons", "Violence", 95.0)], Outcome.BLOCKED),
    ],
)
@pytest.mark.parametrize("mode", Mode)
def test_what_the_hash_list_decided_stays_so_unless_the_policy_blocks_it(
    verdict: Verdict, labels: Answer, expected: Outcome, mode: Mode
) -> None:
    found = [{"name": name, "parent": parent, "confidence": sure} for name, parent, sure in labels]
    moderation = {
        "verdict": verdict.value,
        "mode": "enforce",
        "reason": "it has the same bytes as entry 01J of the hash list: notice",
        "labels": found,
        "policy_version": "0123456789ab",
        "judged": len(labels),
        "asked_from": 50.0 if labels else None,
        "pictures": [{"sha256": "ab" * 32, "labels": found}] if labels else [],
        "known": {"list_id": "01J", "kind": "sha256"},
    }
    policy = Policy.parse({"mode": mode.value, "block": {} if mode is Mode.OFF else {"Weapons": 90}})
    if mode is not Mode.ENFORCE and expected is Outcome.BLOCKED and verdict is Verdict.REVIEW:
        expected = Outcome.REVIEW
    again = decide_again(moderation, policy)
    assert isinstance(again, Decided)
    assert again.outcome is expected
