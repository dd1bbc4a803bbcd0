"""With `delivery.cdn`: what readers had from the edge is gone there after a takedown, a withdrawal, and a delete."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from components.rules import KeyArn
from operations.__main__ import main as operations
from tests.api_end_to_end.served_stack import PATIENCE, ServedStack, key_of, photo, serve_stack
from tests.fixtures.edge_site import ask

pytestmark = pytest.mark.long
GONE = {"DELETED", "BLOCKED"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStack]:
    """Serve a stack with a distribution in front of its renditions, encrypted with a key of the operator's."""
    out = tmp_path_factory.mktemp("edge")
    encryption = {"keyArn": KeyArn.EXAMPLE}
    with serve_stack(
        out, {"delivery": {"cdn": True}, "encryption": encryption, "video.enabled": False}
    ) as opened:
        (out / "outputs.json").write_text(json.dumps(dict(opened.outputs)), "utf-8")
        yield opened


class Published:
    """An upload that readers have had from the edge."""

    def __init__(self, stack: ServedStack, number: int) -> None:
        self._stack = stack
        uploaded = stack.upload(photo(number), Content_Type="image/jpeg").json
        self.id, self.key = uploaded["image_id"], key_of(uploaded)
        stack.wait_for_outcomes([self.key])
        answer = stack.request("GET", f"/v1/images/{self.id}").json
        assert answer["status"] == "PUBLISHED"
        self.urls = [each["url"] for each in answer["renditions"]]
        (record,) = stack.deployed.records(self.key)
        assert [each["url"] for each in record["renditions"]] == self.urls
        assert all(url.startswith(f"{stack.world.edge_endpoint}/") for url in self.urls)
        for result in ("Miss", "Hit"):
            answers = [ask(url) for url in self.urls]
            assert {(each.status, each.result) for each in answers} == {(200, result)}
        assert answers[0].body.startswith(b"\xff\xd8"), "a JPEG"
        assert answers[0].headers["x-content-type-options"] == "nosniff"
        assert answers[0].headers["cache-control"] == "public, max-age=900, immutable"

    def statuses(self) -> set[int]:
        return {ask(url).status for url in self.urls}

    def _is_over(self) -> bool:
        """Return whether what became of it is announced: a delete is in its record before anything is removed."""
        newest = self._stack.deployed.records(self.key)[-1]
        return newest["status"] in GONE and "announced_at" in newest

    def wait_until_removed(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._is_over():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert self._stack.deployed.keys("renditions_bucket", f"{self.key}/") == set()


def invalidations(stack: ServedStack) -> list[dict[str, Any]]:
    cloudfront: Any = stack.world.client("cloudfront")
    listed = cloudfront.list_invalidations(DistributionId=stack.outputs["cdn_distribution"])
    found: list[dict[str, Any]] = listed["InvalidationList"].get("Items") or []
    return found


def wait_for_invalidations(stack: ServedStack) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(each["Status"] != "Completed" for each in invalidations(stack)):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def take_down(stack: ServedStack, upload: Published) -> None:
    given = ["--stack", "dev", "--outputs", str(stack.out / "outputs.json"), "--id", upload.id]
    assert operations(["takedown", *given, "--reason", "a court order"]) == 0


def withdraw(stack: ServedStack, upload: Published) -> None:
    assert stack.request("DELETE", f"/v1/images/{upload.id}").status == 202


def delete(stack: ServedStack, upload: Published) -> None:
    """Delete the version, as an operator may, and no delete marker."""
    (version,) = (id_ for key, id_ in stack.versions() if key == upload.key)
    stack.s3.delete_object(Bucket=stack.uploads, Key=upload.key, VersionId=version)


def test_no_byte_is_left_at_the_edge_once_the_invalidation_is_carried_out(
    stack: ServedStack, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = (take_down, withdraw, delete)
    uploads = {remove: Published(stack, number) for number, remove in enumerate(ways)}
    kept = Published(stack, 9)
    for remove, upload in uploads.items():
        remove(stack, upload)
        upload.wait_until_removed()
    assert len(invalidations(stack)) >= len(uploads), "asked for before the record said that it is gone"
    wait_for_invalidations(stack)
    capsys.readouterr()
    assert operations(["cost", "--stack", "dev", "--outputs", str(stack.out / "outputs.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["invalidations"] == len(invalidations(stack))
    for remove, upload in uploads.items():
        assert upload.statuses() == {403}, remove.__name__
    assert kept.statuses() == {200}


def test_where_no_invalidation_is_asked_for_the_edge_delivers_what_was_taken_down(
    stack: ServedStack,
) -> None:
    upload = Published(stack, 20)
    functions: Any = stack.world.client("lambda")
    name = stack.outputs["process_image_function"]
    before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    without = {key: value for key, value in before.items() if key != "CDN_DISTRIBUTION"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": without})
    try:
        time.sleep(1.5)  # for so long a function may run as it was
        asked = len(invalidations(stack))
        take_down(stack, upload)
        upload.wait_until_removed()
        assert len(invalidations(stack)) == asked
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": before})
    wait_for_invalidations(stack)
    assert upload.statuses() == {200}


def test_a_forgotten_key_is_forgotten_at_the_edge_too(
    stack: ServedStack, capsys: pytest.CaptureFixture[str]
) -> None:
    upload = Published(stack, 30)
    given = ["--stack", "dev", "--outputs", str(stack.out / "outputs.json"), "--case", "GDPR-7"]
    assert operations(["forget", upload.key, *given]) == 0
    assert "CloudFront forgets them" in capsys.readouterr().out
    wait_for_invalidations(stack)
    assert upload.statuses() == {403}
