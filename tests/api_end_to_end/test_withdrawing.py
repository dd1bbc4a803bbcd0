"""An uploader takes an upload back: every byte of it is gone, whatever became of it, and nobody else's is touched."""

import time
from uuid import uuid4

import pytest

from tests.api_end_to_end.served_stack import PATIENCE, ServedStack, card, key_of, photo


def withdraw(stack: ServedStack, image: dict[str, str]) -> int:
    return stack.request("DELETE", f"/v1/images/{image['image_id']}").status


def wait_until_deleted(stack: ServedStack, image: dict[str, str]) -> None:
    """Wait until the delete is recorded, and then carried out and announced."""
    until = time.monotonic() + PATIENCE
    while stack.status(key_of(image)) != "DELETED":
        assert time.monotonic() < until, "the upload was withdrawn, and is still not DELETED"
        time.sleep(0.1)
    stack.wait_for_outcomes()


def test_published_upload_is_gone_with_its_links(stack: ServedStack) -> None:
    accepted, other = (stack.upload(photo(f"{uuid4()}")).json for _ in range(2))
    stack.wait_for_outcomes([key_of(accepted), key_of(other)])
    links = [each["url"] for each in stack.request("GET", accepted["status_url"]).json["renditions"]]
    assert [stack.get_bytes(link)[0] for link in links] == [200] * len(links)
    assert withdraw(stack, accepted) == 202
    wait_until_deleted(stack, accepted)
    # To a signer who may not list the bucket, S3 answers 403 for an object that is not there.
    assert [stack.get_bytes(link)[0] for link in links] == [403] * len(links)
    assert not any(
        name.startswith(f"{key_of(accepted)}/") for name in stack.deployed.keys("renditions_bucket")
    )
    image = stack.request("GET", accepted["status_url"]).json
    assert (image["status"], image["renditions"]) == ("DELETED", [])
    assert withdraw(stack, accepted) == 202
    assert stack.request("GET", other["status_url"]).json["status"] == "PUBLISHED"


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param({"Weapons": 99.0}, id="blocked", marks=pytest.mark.long),
        pytest.param({"Violence": 60.0}, id="review"),
    ],
)
def test_withheld_upload_leaves_quarantine(stack: ServedStack, labels: dict[str, float]) -> None:
    accepted = stack.upload(card(**labels)).json
    key = key_of(accepted)
    stack.wait_for_outcomes([key])
    assert any(name.startswith(key) for name in stack.deployed.keys("quarantine_bucket"))
    assert withdraw(stack, accepted) == 202
    wait_until_deleted(stack, accepted)
    assert not any(name.startswith(key) for name in stack.deployed.keys("quarantine_bucket"))
    assert stack.request("GET", accepted["status_url"]).json["status"] == "DELETED"


def test_unknown_upload_is_404_and_a_key_is_needed(stack: ServedStack) -> None:
    path = f"/v1/images/{'a' * 32}"
    assert stack.request("DELETE", path).status == 404
    assert stack.request("DELETE", path, key=None).status == 403
