"""How many persons must approve a picture, by its labels."""

import pytest

from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.moderation.verdicts import Label

FIGHT = Label("Violence", "", 60)
WEAPONS = Label("Weapons", "Violence", 90)
NUDITY = Label("Exposed Female Nipple", "Explicit Nudity", 70)


@pytest.mark.parametrize(
    ("rule", "labels", "persons"),
    [
        ({}, [FIGHT, NUDITY], 1),
        ({"Explicit": 2}, [FIGHT], 1),
        ({"Explicit": 2}, [FIGHT, NUDITY], 2),
        ({"default": 2, "Violence": 1}, [WEAPONS], 1),
        ({"default": 2, "Violence": 1}, [WEAPONS, NUDITY], 2),
        ({"default": 3}, [], 3),
        ({"Violence": 2}, [Label("Crowd Crush", "Violence", 80)], 2),  # of a newer model: its parent is known
        ({"default": 2}, [Label("Crowd Crush", "Crowds", 80)], 2),
    ],
)
def test_label_that_needs_most_persons_counts(
    rule: dict[str, int], labels: list[Label], persons: int
) -> None:
    assert ApprovalRule.parse(rule).needed(labels) == persons


def test_nobody_is_not_a_number_of_persons() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ApprovalRule.parse({"default": 0})
