"""What an uploader is told about a decision against an upload, and the appeal against it."""

import json
from typing import Any

import pytest

from media_pipeline.records.record import Record, from_item, iso_time, to_item
from tests.unit.api.conftest import NOW, Response, UploadApi
from tests.unit.api.test_status import ID, LABELS

DAY = 86_400
TEXT = "This is a photo of my own painting."
FINISHED = NOW - 10 * DAY
BLOCKED: dict[str, Any] = {
    "status": "BLOCKED",
    "reason": "policy_block",
    "moderation": LABELS,
    "finished_at": iso_time(FINISHED),
    "alert_id": "a" * 32,
}


@pytest.fixture
def stack(upload_api: UploadApi) -> UploadApi:
    """Return an API that takes appeals for 30 days."""
    upload_api.with_settings(appeal_days=30)
    return upload_api


def appeal(api: UploadApi, text: object = TEXT, image_id: str = ID) -> Response:
    body = json.dumps({"text": text}).encode()
    return api.post(f"/v1/images/{image_id}/appeal", body, {"Content-Type": "application/json"})


def read(api: UploadApi) -> Record:
    key = to_item({"object_key": f"api/{ID}", "sequencer": f"{1:032X}"})
    return from_item(api.dynamodb.get_item(TableName="records", Key=key)["Item"])


def put(api: UploadApi, **changed: Any) -> None:
    facts = {**BLOCKED, **changed}
    api.record(ID, facts.pop("status"), **facts)


@pytest.mark.parametrize(
    ("status", "reason", "automated", "ground"),
    [
        ("BLOCKED", "policy_block", True, "policy"),
        ("REVIEW", "policy_review", True, "policy"),
        ("BLOCKED", "person_block", False, "policy"),
        ("BLOCKED", "taken_down", False, "takedown"),
        ("BLOCKED", "known_block", True, "policy"),
    ],
)
def test_statement_says_who_decided_on_which_ground_and_when(
    upload_api: UploadApi, status: str, reason: str, automated: bool, ground: str
) -> None:
    put(upload_api, status=status, reason=reason)
    said = upload_api.image(ID)
    assert said.json["statement"] == {
        "automated": automated,
        "ground": ground,
        "decided_at": iso_time(FINISHED),
    }
    assert "Weapons" not in said.text


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("PUBLISHED", None),
        ("PROCESSING", None),
        ("REJECTED", "corrupt"),
        ("FAILED", "retries_exhausted"),
        ("REVIEW", "original_expired"),
    ],
)
def test_what_nobody_decided_against_has_no_statement(
    upload_api: UploadApi, status: str, reason: str | None
) -> None:
    put(upload_api, status=status, **({"reason": reason} if reason else {}))
    assert "statement" not in upload_api.image(ID).json


def test_appeal_is_noted_beside_the_outcome_and_waits_for_a_person(stack: UploadApi) -> None:
    put(stack)
    before = read(stack)
    statement = stack.image(ID).json["statement"]
    assert statement["redress"] == {"way": "appeal", "until": iso_time(FINISHED + 30 * DAY)}
    response = appeal(stack)
    assert response.status == 202
    assert response.json["status_url"].endswith(f"/dev/v1/images/{ID}")
    record = read(stack)
    added = {"appeal": {"at": iso_time(NOW), "text": TEXT, "state": "open"}, "attention": "APPEAL"}
    assert record.attributes == {**before.attributes, **added, "updated_at": iso_time(NOW)}
    said = stack.image(ID).json
    assert said["appeal"] == {"state": "open", "at": iso_time(NOW)}
    assert "redress" not in said["statement"]
    assert TEXT not in stack.image(ID).text


def test_appeal_is_taken_once(stack: UploadApi) -> None:
    put(stack)
    assert [appeal(stack).status, appeal(stack).status] == [202, 202]
    noted = read(stack).attributes["appeal"]
    other = appeal(stack, "and another thing")
    assert (other.status, other.json["detail"]) == (
        409,
        "This upload was appealed already; its status says what became of it.",
    )
    assert read(stack).attributes["appeal"] == noted
    put(stack, appeal={**noted, "state": "upheld", "decided_at": iso_time(NOW)})
    assert appeal(stack).status == 409
    assert stack.image(ID).json["appeal"]["state"] == "upheld"


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "PUBLISHED"},
        {"status": "REVIEW"},
        {"status": "REJECTED"},
        {"status": "PROCESSING"},
        {"status": "DELETED"},
        {"moderation": None},
        {"finished_at": iso_time(NOW - 30 * DAY)},
    ],
)
def test_what_is_not_blocked_or_no_longer_in_time_is_not_appealed(
    stack: UploadApi, changed: dict[str, Any]
) -> None:
    put(stack, **changed)
    assert appeal(stack).status == 409
    assert "appeal" not in read(stack).attributes
    assert "redress" not in stack.image(ID).json.get("statement", {})


@pytest.mark.parametrize(("status", "shown"), [("PROCESSING", True), ("REVIEW", True), ("DELETED", False)])
def test_appeal_is_open_while_its_decision_is_carried_out(stack: UploadApi, status: str, shown: bool) -> None:
    put(stack, status=status, appeal={"at": iso_time(NOW), "text": TEXT, "state": "open"})
    assert ("appeal" in stack.image(ID).json) is shown


def test_appeal_against_what_is_being_decided_waits(stack: UploadApi) -> None:
    decision = {
        "id": "0" * 26,
        "action": "approve",
        "person": "anna",
        "at": iso_time(NOW),
        "sha256": "a" * 64,
        "policy_version": "1",
    }
    put(stack, decision=decision)
    assert "deciding" in appeal(stack).json["detail"]
    put(stack, decision=decision, carried_out="0" * 26)
    assert appeal(stack).status == 202


def test_record_that_was_opened_again_meanwhile_is_left_alone(
    stack: UploadApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(stack)
    real = stack.dynamodb.update_item

    def late(**request: Any) -> Any:
        put(stack, status="PROCESSING", alert_id="b" * 32)
        return real(**request)

    monkeypatch.setattr(stack.dynamodb, "update_item", late)
    response = appeal(stack)
    assert (response.status, response.headers["Retry-After"]) == (503, "2")
    assert {"appeal", "attention"}.isdisjoint(read(stack).attributes)


def test_appeal_whose_answer_was_lost_is_noted_once(
    stack: UploadApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(stack)
    real = stack.dynamodb.update_item

    def twice(**request: Any) -> Any:
        real(**request)
        return real(**request)

    monkeypatch.setattr(stack.dynamodb, "update_item", twice)
    assert appeal(stack).status == 202


@pytest.mark.parametrize("text", ["", " \n", "x" * 1001, 5, None, "\ud800"])
def test_text_that_says_nothing_or_too_much_is_refused(stack: UploadApi, text: object) -> None:
    put(stack)
    assert appeal(stack, text).status == 400
    assert "appeal" not in read(stack).attributes


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"x", b'{"text": "a", "more": 1}'])
def test_malformed_bodies_are_refused(stack: UploadApi, body: bytes) -> None:
    put(stack)
    assert stack.post(f"/v1/images/{ID}/appeal", body).status == 400


def test_thousand_characters_of_any_script_are_taken(stack: UploadApi) -> None:
    put(stack)
    assert appeal(stack, "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 1000).status == 202


def test_unknown_upload_and_odd_id_are_404(stack: UploadApi) -> None:
    assert appeal(stack).status == 404
    assert appeal(stack, image_id="K" * 32).status == 404


def test_stack_without_appeals_takes_none_and_promises_none(upload_api: UploadApi) -> None:
    put(upload_api)
    response = appeal(upload_api)
    assert (response.status, response.json["detail"]) == (404, "This stack takes no appeals.")
    assert "redress" not in upload_api.image(ID).json["statement"]


def test_other_methods_are_405(stack: UploadApi) -> None:
    response = stack.request("GET", f"/v1/images/{ID}/appeal")
    assert (response.status, response.headers["Allow"]) == (405, "POST")
