"""What a client learns about an upload, and what it must not learn."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from media_pipeline.errors import Reason
from media_pipeline.messaging.statuses import SENTENCES
from media_pipeline.records.record import Status
from tests.unit.api.conftest import JPEG, UploadApi, document

ID = "k5ahn2u4cfb7wyq3zt6oxmjd2eilrvg7"
LABELS = {
    "verdict": "block",
    "mode": "enforce",
    "reason": "Weapons 95.0 reached the block threshold of 90",
    "labels": [{"name": "Weapons", "parent": "Violence", "confidence": 95.0}],
}
SECRETS = ("Weapons", "Violence", "95", "owner", "lease", "sha256", "trace")


def rendition(version: str = "v1") -> dict[str, Any]:
    return {
        "name": "thumbnail",
        "format": "webp",
        "width": 150,
        "height": 100,
        "bytes": 4711,
        "key": f"api/{ID}/{version}/thumbnail-0a1b2c3d.webp",
    }


FACTS: dict[str, Any] = {
    "content_type": "image/jpeg",
    "width": 4032,
    "height": 3024,
    "bytes": 123,
    "dominant_colour": "#7a8c5e",
    "placeholder": "thumbhash",
    "finished_at": "2027-01-15T08:00:02.500Z",
    "sha256": "a" * 64,
    "trace_id": "trace",
}


def test_unknown_id_is_404(upload_api: UploadApi) -> None:
    response = upload_api.image(ID)
    assert (response.status, response.json["title"]) == (404, "Not Found")


@pytest.mark.parametrize(
    "odd", ["upload", "x", "K" * 32, "a" * 33, "%2e%2e%2f", "..", "a" * 31 + "\n", "é" * 32]
)
def test_an_invalid_id_is_404_without_a_call_to_aws(
    upload_api: UploadApi, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    monkeypatch.setattr(upload_api.dynamodb, "query", None)
    assert upload_api.image(odd).status == 404


def test_key_that_only_begins_like_another_is_404(upload_api: UploadApi) -> None:
    upload_api.s3.put_object(Bucket="uploads", Key=f"api/{ID}x", Body=JPEG)
    assert upload_api.image(ID).status == 404


def test_stored_but_not_taken_up_is_received(upload_api: UploadApi) -> None:
    image_id = upload_api.upload().json["image_id"]
    assert upload_api.image(image_id).json == {
        "image_id": image_id,
        "status": "RECEIVED",
        "bytes": len(JPEG),
        "renditions": [],
    }


def test_published_one_has_its_facts_and_links_that_work_for_minutes(upload_api: UploadApi) -> None:
    upload_api.record(
        ID, "PUBLISHED", renditions=[rendition()], moderation=LABELS | {"verdict": "allow"}, **FACTS
    )
    shown = upload_api.image(ID).json
    assert (shown["status"], shown["width"], shown["height"], shown["bytes"]) == (
        "PUBLISHED",
        4032,
        3024,
        123,
    )
    assert (shown["dominant_colour"], shown["placeholder"]) == ("#7a8c5e", "thumbhash")
    (entry,) = shown["renditions"]
    url = urlsplit(entry.pop("url"))
    assert entry == {"name": "thumbnail", "format": "webp", "width": 150, "height": 100, "bytes": 4711}
    assert url.hostname == "renditions.s3.eu-west-1.amazonaws.com"
    assert url.path == "/" + rendition()["key"]
    assert 60 <= int(parse_qs(url.query)["X-Amz-Expires"][0]) <= 900


@pytest.mark.parametrize("status", ["BLOCKED", "REVIEW"])
def test_withheld_one_shows_neither_link_nor_label_nor_blurred_picture(
    upload_api: UploadApi, status: str
) -> None:
    reason = {"BLOCKED": "policy_block", "REVIEW": "policy_review"}[status]
    upload_api.record(
        ID,
        status,
        renditions=[rendition()],
        moderation=LABELS,
        reason=reason,
        detail=LABELS["reason"],
        **FACTS,
    )
    response = upload_api.image(ID)
    assert (response.json["status"], response.json["reason"]) == (status, reason)
    assert response.json["renditions"] == []
    assert response.json["detail"]
    assert not any(secret in response.text for secret in (*SECRETS, "dominant", "placeholder", "thumbhash"))


def test_rejected_one_says_why(upload_api: UploadApi) -> None:
    upload_api.record(ID, "REJECTED", reason="too_large", detail="it has 9 bytes; allowed are 8", bytes=9)
    shown = upload_api.image(ID).json
    assert (shown["reason"], shown["detail"]) == ("too_large", "it has 9 bytes; allowed are 8")


def test_failed_upload_shows_no_internals(upload_api: UploadApi) -> None:
    upload_api.record(
        ID, "FAILED", reason="proxy_refused", detail="Rekognition refused (InvalidImageFormatException)"
    )
    response = upload_api.image(ID)
    assert response.json["reason"] == "proxy_refused"
    assert "Rekognition" not in response.text


def test_one_being_worked_on_shows_no_rendition_that_its_record_already_lists(upload_api: UploadApi) -> None:
    upload_api.record(ID, "PROCESSING", renditions=[rendition()], moderation=LABELS, owner="owner", **FACTS)
    response = upload_api.image(ID)
    assert (response.json["status"], response.json["renditions"]) == ("PROCESSING", [])
    assert not any(secret in response.text for secret in SECRETS)


@pytest.mark.parametrize("newer", ["PROCESSING", "REJECTED", "FAILED", "SUPERSEDED"])
def test_status_is_the_newest_ones_and_renditions_those_last_published(
    upload_api: UploadApi, newer: str
) -> None:
    upload_api.record(ID, "PUBLISHED", 1, renditions=[rendition("v1")], **FACTS)
    upload_api.record(ID, newer, 2)
    shown = upload_api.image(ID).json
    assert shown["status"] == newer
    assert "/v1/thumbnail" in shown["renditions"][0]["url"]


@pytest.mark.parametrize("newer", ["BLOCKED", "REVIEW", "DELETED"])
@pytest.mark.parametrize("newest", [None, "PROCESSING", "FAILED"])
def test_what_was_published_is_hidden_once_something_newer_took_it_away(
    upload_api: UploadApi, newer: str, newest: str | None
) -> None:
    upload_api.record(ID, "PUBLISHED", 1, renditions=[rendition()], **FACTS)
    upload_api.record(ID, newer, 2)
    if newest:
        upload_api.record(ID, newest, 3)
    response = upload_api.image(ID)
    assert response.json["renditions"] == []
    assert "thumbhash" not in response.text


def test_newest_of_two_published_versions_is_shown(upload_api: UploadApi) -> None:
    upload_api.record(ID, "PUBLISHED", 1, renditions=[rendition("v1")], **FACTS)
    upload_api.record(ID, "PUBLISHED", 2, renditions=[rendition("v2")], **FACTS)
    (entry,) = upload_api.image(ID).json["renditions"]
    assert "/v2/" in entry["url"]


@pytest.mark.parametrize("first", ["PUBLISHED", "PROCESSING", "BLOCKED", "REJECTED"])
def test_later_uploads_of_the_same_form_do_not_show(upload_api: UploadApi, first: str) -> None:
    upload_api.record(ID, first, 1, renditions=[rendition("v1")], **FACTS)
    alone = without_signatures(upload_api.image(ID).json)
    for later in (2, 3):
        upload_api.record(ID, "REJECTED", later, reason="already_uploaded", detail="it came second")
    assert without_signatures(upload_api.image(ID).json) == alone


def without_signatures(image: dict[str, Any]) -> dict[str, Any]:
    """Return what does not change from one second to the next."""
    links = [each | {"url": each["url"].partition("?")[0]} for each in image["renditions"]]
    return image | {"renditions": links}


def test_upload_whose_event_is_late_is_received_although_a_later_one_was_refused(
    upload_api: UploadApi,
) -> None:
    image_id = upload_api.upload().json["image_id"]
    upload_api.record(image_id, "REJECTED", 2, reason="already_uploaded", detail="it came second")
    assert upload_api.image(image_id).json["status"] == "RECEIVED"


def test_video_shows_its_duration_and_itself(upload_api: UploadApi) -> None:
    video = rendition() | {"name": "video", "format": "mp4"}
    upload_api.record(
        ID, "PUBLISHED", renditions=[video], duration=12.48, **FACTS | {"content_type": "video/mp4"}
    )
    shown = upload_api.image(ID).json
    assert (shown["duration"], shown["renditions"][0]["format"]) == (12.48, "mp4")


def test_response_must_not_be_cached(upload_api: UploadApi) -> None:
    upload_api.record(ID, "PUBLISHED")
    assert upload_api.image(ID).headers["Cache-Control"] == "no-store"


def test_the_api_document_lists_every_status_with_its_meaning() -> None:
    schema = document()["components"]["schemas"]["Status"]
    assert schema["enum"] == ["RECEIVED", *Status]
    lines = schema["description"].splitlines()
    assert lines[1:] == [f"- `{status.value}`: {SENTENCES[status].meaning}" for status in Status]


def test_the_api_document_lists_every_reason() -> None:
    assert set(document()["components"]["schemas"]["Reason"]["enum"]) == set(Reason)
