"""Every rule of the policy, as docs/operator/moderation-policy.md lists them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_pipeline.errors import SettingsError
from media_pipeline.moderation.policy import (
    Decision,
    Policy,
    decide,
    decide_generated,
    decide_many_scenes,
    merge,
    worst,
)
from media_pipeline.moderation.taxonomy import GENERATED_LABEL, Taxonomy
from media_pipeline.moderation.verdicts import Label, Mode, Verdict

VIOLENCE = Label("Violence", "", 95)
WEAPONS = Label("Weapons", "Violence", 95)


def policy(**rules: object) -> Policy:
    """An enforcing policy; `block` falls back to something that no test returns."""
    return Policy.parse({"mode": "enforce", "block": {"Gambling": 99}, **rules})


def verdict(labels: list[Label], **rules: object) -> Verdict:
    return decide(labels, policy(**rules)).verdict


def test_no_labels_are_allowed() -> None:
    assert decide([], policy()) == Decision(Verdict.ALLOW)


def test_issue_example_an_exempt_child_lifts_the_rule_of_its_ancestor() -> None:
    assert verdict([VIOLENCE, WEAPONS], block={"Violence": 90}, exempt=["Weapons"]) is Verdict.ALLOW


def test_issue_example_an_unreached_nearer_block_leaves_the_farther_review_standing() -> None:
    labels = [Label("Violence", "", 70), Label("Weapons", "Violence", 70)]
    decision = decide(labels, policy(block={"Weapons": 90}, review={"Violence": 50}))
    assert decision.verdict is Verdict.REVIEW
    assert decision.reason == "Weapons 70.0 reached the review threshold of 50 for Violence"


def test_a_threshold_is_reached_at_a_confidence_equal_to_it() -> None:
    assert verdict([Label("Weapons", "Violence", 90)], block={"Weapons": 90}) is Verdict.BLOCK
    assert verdict([Label("Weapons", "Violence", 89.99)], block={"Weapons": 90}) is Verdict.ALLOW


def test_the_reason_names_label_confidence_and_threshold() -> None:
    decision = decide([Label("Weapons", "Violence", 95)], policy(block={"Weapons": 90}))
    assert decision.reason == "Weapons 95.0 reached the block threshold of 90"


@pytest.mark.parametrize("descendant", [("Weapons", "Violence"), ("Physical Violence", "Graphic Violence")])
def test_ancestor_is_judged_beside_a_descendant_only_where_it_is_surer(descendant: tuple[str, str]) -> None:
    exempt = [descendant[0]]
    for confidence, expected in ((99, Verdict.ALLOW), (98.9, Verdict.BLOCK)):
        labels = [Label("Violence", "", 99), Label(*descendant, confidence)]
        assert verdict(labels, block={"Violence": 90}, exempt=exempt) is expected
    assert verdict(labels[:1], block={"Violence": 90}) is Verdict.BLOCK


def test_siblings_are_judged_each() -> None:
    labels = [VIOLENCE, WEAPONS, Label("Graphic Violence", "Violence", 95)]
    assert verdict(labels, block={"Violence": 90}, exempt=["Weapons"]) is Verdict.BLOCK


def test_the_nearest_entry_of_block_counts_alone() -> None:
    labels = [Label("Blood & Gore", "Graphic Violence", 80)]
    assert verdict(labels, block={"Violence": 50, "Graphic Violence": 90}) is Verdict.ALLOW
    assert verdict(labels, block={"Violence": 50}) is Verdict.BLOCK


def test_a_rule_reaches_down_through_all_three_levels() -> None:
    assert verdict([Label("Corpses", "Death and Emaciation", 80)], review={"Visually Disturbing": 50}) is (
        Verdict.REVIEW
    )


def test_block_beats_review_of_the_same_label() -> None:
    assert verdict([WEAPONS], block={"Weapons": 90}, review={"Weapons": 50}) is Verdict.BLOCK
    assert verdict([WEAPONS], block={"Violence": 90}, review={"Weapons": 50}) is Verdict.BLOCK


def test_block_of_one_label_beats_review_of_another() -> None:
    labels = [
        Label("Smoking", "Drugs & Tobacco Paraphernalia & Use", 99),
        Label("Middle Finger", "Rude Gestures", 60),
    ]
    assert verdict(labels, review={"Drugs & Tobacco": 50}, block={"Rude Gestures": 50}) is Verdict.BLOCK


def test_an_exemption_as_near_as_a_rule_lifts_it() -> None:
    assert verdict([WEAPONS], block={"Weapons": 90}, exempt=["Weapons"]) is Verdict.ALLOW


def test_an_exemption_farther_than_a_rule_leaves_it_standing() -> None:
    assert verdict([WEAPONS], block={"Weapons": 90}, exempt=["Violence"]) is Verdict.BLOCK


def test_an_exemption_lifts_each_rule_on_its_own() -> None:
    labels = [Label("Blood & Gore", "Graphic Violence", 95)]
    rules = {"block": {"Violence": 90}, "review": {"Blood & Gore": 50}, "exempt": ["Graphic Violence"]}
    assert verdict(labels, **rules) is Verdict.REVIEW


def test_names_compare_without_case() -> None:
    labels = [Label("WEAPONS", "violence", 95), Label("violence", "", 95)]
    assert verdict(labels, block={"weApons": 90}) is Verdict.BLOCK
    assert verdict(labels, block={"Violence": 90}, exempt=["wEAPONS"]) is Verdict.ALLOW


def test_the_parent_of_a_known_label_comes_from_the_taxonomy() -> None:
    assert verdict([Label("Weapons", "", 95)], block={"Violence": 90}) is Verdict.BLOCK


@pytest.mark.parametrize(("confidence", "expected"), [(50, Verdict.REVIEW), (49.9, Verdict.ALLOW)])
def test_a_label_without_a_known_ancestor_goes_to_review_from_50_on(
    confidence: float, expected: Verdict
) -> None:
    assert verdict([Label("Deepfake", "Synthetic", confidence)]) is expected
    assert verdict([Label("Deepfake", "", confidence)]) is expected


def test_an_unknown_label_under_a_known_one_follows_its_rules() -> None:
    assert verdict([Label("Katana", "Weapons", 95)], block={"Weapons": 90}) is Verdict.BLOCK
    assert verdict([Label("Katana", "Weapons", 95)], exempt=["Violence"]) is Verdict.ALLOW


def test_unknown_labels_are_placed_through_one_another() -> None:
    labels = [Label("Katana", "Swords", 95), Label("Swords", "Weapons", 95)]
    assert verdict(labels, block={"Violence": 90}) is Verdict.BLOCK


def test_labels_that_claim_to_be_each_others_parents_go_to_review() -> None:
    labels = [Label("A", "B", 80), Label("B", "A", 80), Label("Self", "Self", 80)]
    assert verdict(labels) is Verdict.REVIEW


def test_observe_gives_the_verdict_that_enforce_would_but_withholds_nothing() -> None:
    observing = Policy.parse({"mode": "observe", "block": {"Weapons": 90}})
    assert decide([WEAPONS], observing).verdict is Verdict.BLOCK
    assert not observing.withholds(Verdict.BLOCK)


def test_enforce_withholds_what_is_blocked_or_to_review_only() -> None:
    withheld = {each for each in Verdict if policy().withholds(each)}
    assert withheld == {Verdict.BLOCK, Verdict.REVIEW}


def test_off_gives_no_verdict() -> None:
    assert decide([WEAPONS], Policy.parse({"mode": "off", "block": {"Weapons": 1}})) == Decision(Verdict.OFF)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"block": {"Weapons": 90, "Explicit": 60}}, 60),
        ({"block": {"Weapons": 90}, "review": {"Violence": 50}}, 50),
        ({"block": {"Weapons": 90}, "recordFrom": 30}, 30),
        ({"block": {"Weapons": 20}, "recordFrom": 30}, 20),
        ({"block": {"Weapons": 0}}, 0),
    ],
)
def test_min_confidence_is_the_least_of_record_from_and_all_thresholds(
    document: dict[str, object], expected: float
) -> None:
    assert policy(**document).min_confidence == expected


def test_min_confidence_without_any_number_is_rekognitions_own() -> None:
    assert Policy.parse({"mode": "observe"}).min_confidence == 50


def test_equal_policies_have_equal_versions_and_others_differ() -> None:
    first = Policy.parse({"mode": "enforce", "block": {"weapons": 90.0, "Explicit": 60}, "exempt": []})
    same = Policy.parse({"mode": "enforce", "block": {"Explicit": 60, "Weapons": 90}})
    assert first.version == same.version
    changed: list[dict[str, object]] = [
        {"mode": "observe", "block": {"Explicit": 60, "Weapons": 90}},
        {"mode": "enforce", "block": {"Explicit": 61, "Weapons": 90}},
        {"mode": "enforce", "block": {"Explicit": 60}, "review": {"Weapons": 90}},
        {"mode": "enforce", "block": {"Explicit": 60, "Weapons": 90}, "exempt": ["Alcohol"]},
        {"mode": "enforce", "block": {"Explicit": 60, "Weapons": 90}, "recordFrom": 10},
        {"mode": "enforce", "block": {"Explicit": 60, "Weapons": 90}, "manyScenes": "review"},
    ]
    assert len({first.version, *(Policy.parse(document).version for document in changed)}) == 7
    spelled_out = Policy.parse(
        {"mode": "enforce", "block": {"Explicit": 60, "Weapons": 90}, "manyScenes": "allow"}
    )
    assert spelled_out.version == first.version


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({}, "mode"),
        ({"mode": "strict"}, "strict"),
        ({"mode": "enforce"}, "at least one label to block"),
        ({"mode": "enforce", "block": {"Nudity": 60}}, "Nudity"),
        ({"mode": "enforce", "block": {"Weapons": 101}}, "Weapons"),
        ({"mode": "enforce", "block": {"Weapons": True}}, "Weapons"),
        ({"mode": "enforce", "block": {"Weapons": float("nan")}}, "Weapons"),
        ({"mode": "enforce", "block": {"Weapons": 1, "weapons": 2}}, "twice"),
        ({"mode": "enforce", "block": ["Weapons"]}, "block"),
        ({"mode": "enforce", "block": {"Weapons": 1}, "exempt": "Weapons"}, "exempt"),
        ({"mode": "enforce", "block": {"Weapons": 1}, "recordFrom": -1}, "recordFrom"),
        ({"mode": "enforce", "block": {"Weapons": 1}, "recrodFrom": 1}, "recrodFrom"),
        ({"mode": "enforce", "block": {"Weapons": 1}, "manyScenes": "block"}, "manyScenes"),
    ],
)
def test_a_wrong_policy_is_refused_with_the_place(document: dict[str, object], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        Policy.parse(document)


@pytest.mark.parametrize(
    ("many", "labels", "expected"),
    [
        ("allow", [], Verdict.ALLOW),
        ("review", [], Verdict.REVIEW),
        ("review", [WEAPONS], Verdict.BLOCK),
        ("allow", [WEAPONS], Verdict.BLOCK),
    ],
)
def test_many_scenes_get_what_the_policy_says_unless_a_label_is_worse(
    many: str, labels: list[Label], expected: Verdict
) -> None:
    rules = policy(block={"Weapons": 90}, manyScenes=many)
    assert worst([decide(labels, rules), decide_many_scenes(12, rules)]).verdict is expected


def test_the_worse_of_two_proxies_decides() -> None:
    decisions = [Decision(Verdict.ALLOW), Decision(Verdict.BLOCK, "black"), Decision(Verdict.REVIEW, "white")]
    assert worst(decisions) == Decision(Verdict.BLOCK, "black")


def test_no_decision_is_never_an_allowing_one() -> None:
    with pytest.raises(ValueError, match="empty"):
        worst([])


def test_merged_proxies_keep_each_label_once_with_its_highest_confidence() -> None:
    white, black = [Label("Weapons", "Violence", 60)], [Label("weapons", "Violence", 90), VIOLENCE]
    assert merge(white, black) == (VIOLENCE, Label("weapons", "Violence", 90))


LABELS = st.lists(
    st.builds(
        lambda name, confidence: Label(name, "", confidence),
        st.sampled_from(sorted(Taxonomy.load().names.values())),
        st.floats(0, 100),
    ),
    max_size=8,
)


@given(labels=LABELS, data=st.data())
def test_the_order_of_labels_never_matters(labels: list[Label], data: st.DataObject) -> None:
    rules = policy(
        block={"Violence": 70, "Explicit": 20}, review={"Weapons": 30, "Alcohol": 50}, exempt=["Drinking"]
    )
    assert decide(data.draw(st.permutations(labels)), rules) == decide(labels, rules)


@given(labels=LABELS)
def test_a_lower_threshold_never_gives_a_milder_verdict(labels: list[Label]) -> None:
    order = list(Verdict)
    strict = decide(labels, policy(block={"Violence": 30}, review={"Explicit": 10}))
    mild = decide(labels, policy(block={"Violence": 80}, review={"Explicit": 60}))
    assert order.index(strict.verdict) >= order.index(mild.verdict)


def test_the_taxonomy_has_the_documented_ten_top_levels_and_every_name_once() -> None:
    file = Path(__file__).parents[3] / "lambda" / "media_pipeline" / "moderation" / "taxonomy.json"
    document = json.loads(file.read_text("utf-8"))
    listed = [
        name
        for top, middles in document["labels"].items()
        for name in (top, *middles, *(leaf for leaves in middles.values() for leaf in leaves))
    ]
    assert len(document["labels"]) == 10
    assert len(listed) == len({name.casefold() for name in listed})
    assert set(Taxonomy.load().names.values()) == {*listed, GENERATED_LABEL}
    assert GENERATED_LABEL not in listed
    assert Taxonomy.load().parents["air crash"] == "crashes"
    assert Taxonomy.load().parents["crashes"] == "visually disturbing"
    assert "visually disturbing" not in Taxonomy.load().parents


def test_modes_are_the_documented_three() -> None:
    assert [*Mode] == ["enforce", "observe", "off"]


def test_what_says_that_a_model_made_it_is_judged_by_the_rule_for_that_and_by_no_other() -> None:
    def verdict(**rules: object) -> Verdict:
        rules = {"mode": "enforce", "block": {"Weapons": 0}, **rules}
        return decide_generated(Policy.parse(rules)).verdict

    assert verdict() is Verdict.ALLOW
    assert verdict(review={"ai-generated": 50}) is Verdict.REVIEW
    assert verdict(block={GENERATED_LABEL: 100}) is Verdict.BLOCK
    assert verdict(review={GENERATED_LABEL: 50}, exempt=[GENERATED_LABEL]) is Verdict.ALLOW
    assert decide_generated(Policy.parse({"mode": "off"})).verdict is Verdict.OFF


def test_a_rule_about_what_a_file_says_asks_rekognition_for_nothing_more() -> None:
    rules = {"mode": "enforce", "block": {"Weapons": 90}, "review": {GENERATED_LABEL: 10}}
    assert Policy.parse(rules).min_confidence == 90
    assert Policy.parse({"mode": "enforce", "block": {GENERATED_LABEL: 10}}).min_confidence == 50
