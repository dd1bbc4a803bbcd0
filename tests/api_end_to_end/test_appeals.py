"""An uploader appeals through the API, a person decides, and the uploader reads what became of it."""

import time

import pytest

from media_pipeline.records.decisions import Action
from tests.api_end_to_end.served_stack import PATIENCE, ServedStack, card, key_of


@pytest.mark.long
@pytest.mark.parametrize(
    ("action", "state", "status"),
    [
        (Action.APPROVE, "overturned", "PUBLISHED"),
        (Action.REJECT, "upheld", "BLOCKED"),
    ],
)
def test_appeal_is_decided_by_a_person_and_announced(
    stack: ServedStack, action: Action, state: str, status: str
) -> None:
    image = stack.upload(card(Weapons=99, Violence=90 if action is Action.APPROVE else 91)).json
    key = key_of(image)
    stack.wait_for_outcomes([key])
    said = stack.request("GET", image["status_url"]).json
    assert said["statement"]["automated"] is True
    assert said["statement"]["redress"]["way"] == "appeal"
    assert stack.appeal(image, "This is a photo of my own painting.").status == 202
    assert stack.appeal(image, "And another thing.").status == 409
    assert stack.request("GET", image["status_url"]).json["appeal"]["state"] == "open"
    stack.decide(key, action)
    until = time.monotonic() + PATIENCE
    while (said := stack.request("GET", image["status_url"]).json)["appeal"]["state"] == "open":
        assert time.monotonic() < until, "a person decided, and the appeal is still open"
        time.sleep(0.1)
    assert (said["appeal"]["state"], said["status"]) == (state, status)
    assert ("statement" in said) is (status == "BLOCKED")
    assert "painting" not in str(said)
