"""Uploads whose pictures were judged before: what they cost, and what they are judged by."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from media_pipeline.moderation.policy import Policy
from media_pipeline.observability import Observability
from media_pipeline.records.answer_cache import PICTURES_PER_LOOK, AnswerCache
from media_pipeline.records.fields import FIELDS
from media_pipeline.records.record import Record, Status
from tests.fixtures.moto_stack import MotoStack
from tests.unit.processing.driving import WEAPON, draw
from tests.unit.processing.test_judged_requests import moving, saved, transparent

DAY = 86_400.0
FIGHT = [("Violence", "", 60.0)]
STRICTER = Policy.parse({"mode": "enforce", "block": {"Weapons": 90, "Violence": 55}})
ASKING_FOR_MORE = Policy.parse(
    {"mode": "enforce", "recordFrom": 20, "block": {"Weapons": 90}, "review": {"Violence": 50}}
)
ASKING_FOR_LESS = Policy.parse({"mode": "enforce", "block": {"Weapons": 90}})


@pytest.fixture
def caching(stack: MotoStack) -> MotoStack:
    stack.settings = replace(stack.settings, cache_days=30)
    return stack


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the metrics of the cache count: one entry for each picture and error."""
    found: list[str] = []
    monkeypatch.setattr(
        Observability, "answers_reused", lambda _, pictures: found.extend(["reused"] * pictures)
    )
    monkeypatch.setattr(Observability, "answer_cache_failed", lambda _, error: found.append(repr(error)))
    return found


def processed(stack: MotoStack, key: str, data: bytes) -> tuple[Record, int]:
    """Upload and process; return the record and how many requests to Rekognition it took."""
    before = len(stack.rekognition.calls)
    event = stack.upload(key, data)
    assert stack.deliver(event)
    return stack.record(key, event), len(stack.rekognition.calls) - before


def items(stack: MotoStack) -> list[dict[str, Any]]:
    """The items of the cache."""
    found = stack.clients.dynamodb.scan(TableName="records")["Items"]
    return [dict(item) for item in found if item["object_key"]["S"].startswith("!answers/")]


def change(stack: MotoStack, changed: Callable[[dict[str, Any]], None]) -> None:
    """Change the only answer that is kept."""
    (item,) = (item for item in items(stack) if "answer" in item)
    changed(item)
    stack.clients.dynamodb.put_item(TableName="records", Item=item)


def failing(monkeypatch: pytest.MonkeyPatch, stack: MotoStack, *operations: str, error: Exception) -> None:
    """Let some operations of DynamoDB fail."""
    real = stack.clients.dynamodb._make_api_call  # type: ignore[attr-defined] # botocore's own way in

    def call(operation: str, parameters: Any) -> Any:
        if operation in operations:
            raise error
        return real(operation, parameters)

    monkeypatch.setattr(stack.clients.dynamodb, "_make_api_call", call)


def test_the_same_bytes_under_another_key_cost_no_request(caching: MotoStack, picture: bytes) -> None:
    first, asked = processed(caching, "a.jpg", picture)
    again, asked_again = processed(caching, "b.jpg", picture)
    assert (asked, asked_again) == (1, 0)
    assert first.status is again.status is Status.PUBLISHED
    assert first.moderation
    assert again.moderation
    assert (first.moderation.reused, again.moderation.reused) == (0, 1)
    assert again.attributes["moderation"]["reused"] == 1
    assert "reused" not in first.attributes["moderation"]
    assert again.moderation.pictures[0]._replace(reused=False) == first.moderation.pictures[0]
    assert (again.moderation.model_version, again.moderation.asked_from) == ("7.0", 50.0)


def test_without_a_cache_each_upload_is_asked_about_and_nothing_is_kept(
    stack: MotoStack, picture: bytes
) -> None:
    assert [processed(stack, key, picture)[1] for key in ("a.jpg", "b.jpg")] == [1, 1]
    assert items(stack) == []


def test_labels_are_kept_by_the_bytes_that_were_judged(caching: MotoStack, picture: bytes) -> None:
    processed(caching, "a.jpg", picture)
    sent = caching.rekognition.calls[0]["Image"]["Bytes"]
    kept = {item["object_key"]["S"]: item for item in items(caching)}
    assert set(kept) == {"!answers/model", f"!answers/{hashlib.sha256(sent).hexdigest()}"}
    assert {name for item in kept.values() for name in item} <= FIELDS.keys()
    assert {item["expires_at"]["N"] for item in kept.values()} == {str(int(caching.clock.now + 30 * DAY))}


def test_a_changed_policy_decides_anew_about_what_was_seen(caching: MotoStack, picture: bytes) -> None:
    caching.rekognition.labels = FIGHT
    assert processed(caching, "a.jpg", picture)[0].status is Status.REVIEW
    caching.settings = replace(caching.settings, policy=STRICTER)
    record, asked = processed(caching, "b.jpg", picture)
    assert (record.status, asked) == (Status.BLOCKED, 0)
    assert record.moderation
    assert record.moderation.policy_version == STRICTER.version
    caching.settings = replace(caching.settings, policy=ASKING_FOR_LESS)
    record, asked = processed(caching, "c.jpg", picture)
    assert (record.status, asked) == (Status.PUBLISHED, 0)


def test_an_answer_with_fewer_labels_than_needed_does_not_serve_and_is_replaced(
    caching: MotoStack, picture: bytes
) -> None:
    processed(caching, "a.jpg", picture)
    caching.settings = replace(caching.settings, policy=ASKING_FOR_MORE)
    assert [processed(caching, key, picture)[1] for key in ("b.jpg", "c.jpg")] == [1, 0]
    assert caching.rekognition.calls[-1]["MinConfidence"] == 20


def test_an_answer_with_more_labels_than_needed_is_cut_to_what_a_request_would_return(
    caching: MotoStack, picture: bytes
) -> None:
    caching.settings = replace(caching.settings, policy=ASKING_FOR_MORE)
    caching.rekognition.labels = [("Weapons", "Violence", 89.996), ("Violence", "", 89.996)]
    processed(caching, "a.jpg", picture)
    caching.settings = replace(caching.settings, policy=ASKING_FOR_LESS)
    record, asked = processed(caching, "b.jpg", picture)
    assert record.moderation
    assert asked == 0
    assert record.status is Status.PUBLISHED  # 89.996, although records show 90
    assert (record.moderation.labels, record.moderation.asked_from) == ((), 90.0)


def test_no_answer_is_used_once_a_newer_model_answered(caching: MotoStack, picture: bytes) -> None:
    processed(caching, "a.jpg", picture)
    caching.rekognition.model, caching.rekognition.labels = "7.1", WEAPON
    processed(caching, "other.jpg", draw((200, 10, 10)))
    record, asked = processed(caching, "b.jpg", picture)
    assert (record.status, asked) == (Status.BLOCKED, 1)
    record, asked = processed(caching, "c.jpg", picture)
    assert (record.status, asked) == (Status.BLOCKED, 0)
    assert record.moderation
    assert record.moderation.model_version == "7.1"


def test_an_answer_of_an_older_model_is_neither_kept_nor_brings_that_model_back(
    caching: MotoStack, picture: bytes
) -> None:
    caching.rekognition.model = "10.0"
    processed(caching, "a.jpg", picture)
    caching.rekognition.model = "9.2"
    other = draw((200, 10, 10))
    assert [processed(caching, key, other)[1] for key in ("b.jpg", "c.jpg")] == [1, 1]
    assert processed(caching, "d.jpg", picture)[1] == 0


def test_an_older_model_counts_again_once_nothing_newer_answered_for_as_long_as_answers_are_kept(
    caching: MotoStack, picture: bytes
) -> None:
    caching.rekognition.model = "7.1"
    processed(caching, "a.jpg", picture)
    caching.rekognition.model = "7.0"
    caching.clock.now += 31 * DAY
    assert [processed(caching, key, picture)[1] for key in ("b.jpg", "c.jpg")] == [1, 0]


def test_an_answer_is_too_old_after_the_configured_days(caching: MotoStack, picture: bytes) -> None:
    processed(caching, "a.jpg", picture)
    caching.clock.now += 29 * DAY
    processed(caching, "other.jpg", draw((200, 10, 10)))  # the note about the model is of today
    assert processed(caching, "b.jpg", picture)[1] == 0
    caching.clock.now += 2 * DAY
    assert processed(caching, "c.jpg", picture)[1] == 1


def test_fewer_days_count_at_once(caching: MotoStack, picture: bytes) -> None:
    processed(caching, "a.jpg", picture)
    caching.clock.now += 2 * DAY
    caching.settings = replace(caching.settings, cache_days=1)
    assert processed(caching, "b.jpg", picture)[1] == 1


@pytest.mark.parametrize("make", [lambda: moving(5, "RGB", "WEBP"), lambda: moving(3, "RGBA", "PNG")])
def test_all_pictures_of_an_animation_are_looked_up_with_one_read(
    caching: MotoStack, monkeypatch: pytest.MonkeyPatch, make: Callable[[], bytes]
) -> None:
    caching.settings = replace(
        caching.settings, specs=replace(caching.settings.specs, formats=("jpeg", "webp"))
    )
    data = make()
    assert processed(caching, "a", data)[1] > 2
    real, calls = caching.clients.dynamodb._make_api_call, []  # type: ignore[attr-defined]

    def call(operation: str, parameters: Any) -> Any:
        calls.append(operation)
        return real(operation, parameters)

    monkeypatch.setattr(caching.clients.dynamodb, "_make_api_call", call)
    record, asked = processed(caching, "b", data)
    assert (asked, calls.count("BatchGetItem"), calls.count("BatchWriteItem")) == (0, 1, 0)
    assert record.moderation
    assert record.moderation.reused == record.moderation.judged > 2


def test_more_pictures_than_one_read_takes_are_no_trouble(stack: MotoStack) -> None:
    errors: list[Exception] = []
    cache = AnswerCache(
        dynamodb=stack.clients.dynamodb, table="records", clock=stack.clock, days=30, on_error=errors.append
    )
    digests = {hashlib.sha256(bytes([number])).hexdigest() for number in range(PICTURES_PER_LOOK + 9)}
    look = cache.look(digests, asked_from=50.0)
    assert errors == []
    assert look is not None


def test_a_known_picture_that_blocks_ends_the_questions(caching: MotoStack) -> None:
    caching.rekognition.labels = WEAPON
    caching.settings = replace(
        caching.settings, specs=replace(caching.settings.specs, formats=("jpeg", "webp"))
    )
    first, asked = processed(caching, "a", moving(6, "RGB", "WEBP"))
    again, asked_again = processed(caching, "b", moving(6, "RGB", "WEBP"))
    assert first.status is again.status is Status.BLOCKED
    assert asked > 0 == asked_again


def test_an_attempt_that_is_cut_off_leaves_only_answers_that_were_paid_for(
    caching: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = moving(2, "RGBA", "PNG")
    caching.settings = replace(
        caching.settings, specs=replace(caching.settings.specs, formats=("png",), transparency="keep")
    )
    _, all_of_it = processed(caching, "a", data)
    (one, *_) = (item for item in items(caching) if "answer" in item)
    caching.clients.dynamodb.delete_item(
        TableName="records", Key={name: one[name] for name in ("object_key", "sequencer")}
    )
    event = caching.upload("b", data)
    with monkeypatch.context() as patch:

        def refuse(*_: Any) -> None:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "UpdateItem")

        patch.setattr(type(caching.records), "store_verdict", refuse)
        assert not caching.deliver(event)
    answers = caching.record("b", event).attributes["answers"]
    assert len(answers["pictures"]) == 1 < all_of_it
    assert "reused" not in answers["pictures"][0]


def throttled() -> Exception:
    return ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "BatchGetItem")


@pytest.mark.parametrize(
    "error",
    [throttled(), ReadTimeoutError(endpoint_url="https://dynamodb.example")],
    ids=["throttled", "hangs"],
)
@pytest.mark.parametrize("operation", ["BatchGetItem", "BatchWriteItem"])
def test_a_cache_in_trouble_costs_a_request_and_is_counted(
    caching: MotoStack,
    monkeypatch: pytest.MonkeyPatch,
    counted: list[str],
    picture: bytes,
    operation: str,
    error: Exception,
) -> None:
    with monkeypatch.context() as patch:
        failing(patch, caching, operation, error=error)
        for key in ("a.jpg", "b.jpg"):
            record, asked = processed(caching, key, picture)
            assert (record.status, asked) == (Status.PUBLISHED, 1)
    assert counted == [repr(error)] * 2
    assert [processed(caching, key, picture)[1] for key in ("c.jpg", "d.jpg")] == [1, 0]


def spoilt_labels(item: dict[str, Any]) -> None:
    item["answer"]["M"]["labels"] = {"S": ""}


def spoilt_confidence(item: dict[str, Any]) -> None:
    item["answer"]["M"]["labels"]["L"][0]["M"]["confidence"] = {"S": "nan"}


def no_labels(item: dict[str, Any]) -> None:
    del item["answer"]["M"]["labels"]


def no_answer(item: dict[str, Any]) -> None:
    del item["answer"]


def half_a_label(item: dict[str, Any]) -> None:
    del item["answer"]["M"]["labels"]["L"][0]["M"]["confidence"]


@pytest.mark.parametrize("spoil", [spoilt_labels, spoilt_confidence, no_labels, no_answer, half_a_label])
def test_an_answer_that_cannot_be_read_allows_nothing(
    caching: MotoStack, counted: list[str], picture: bytes, spoil: Callable[[dict[str, Any]], None]
) -> None:
    caching.rekognition.labels = WEAPON
    processed(caching, "a.jpg", picture)
    change(caching, spoil)
    record, asked = processed(caching, "b.jpg", picture)
    assert (record.status, asked, len(counted)) == (Status.BLOCKED, 1, 1)
    assert processed(caching, "c.jpg", picture)[1] == 0  # it was replaced


def test_a_note_about_the_model_that_cannot_be_read_lets_no_answer_be_used(
    caching: MotoStack, counted: list[str], picture: bytes
) -> None:
    processed(caching, "a.jpg", picture)
    note = next(item for item in items(caching) if "model_version" in item)
    del note["noted_at"]
    caching.clients.dynamodb.put_item(TableName="records", Item=note)
    assert [processed(caching, key, picture)[1] for key in ("b.jpg", "c.jpg")] == [1, 0]
    assert len([error for error in counted if error != "reused"]) == 1


def test_answers_of_a_model_without_a_comparable_version_are_not_kept(
    caching: MotoStack, counted: list[str], picture: bytes
) -> None:
    caching.rekognition.model = "newest"
    assert [processed(caching, key, picture)[1] for key in ("a.jpg", "b.jpg")] == [1, 1]
    assert len(counted) == 2


def test_reuse_is_counted(caching: MotoStack, counted: list[str], picture: bytes) -> None:
    for key in ("a.jpg", "b.jpg", "c.jpg"):
        processed(caching, key, picture)
    assert counted == ["reused"] * 2


def test_answers_are_no_records_of_the_objects_whose_keys_they_have(
    caching: MotoStack, picture: bytes
) -> None:
    processed(caching, "a.jpg", picture)
    keys = [item["object_key"]["S"] for item in items(caching)]
    for key in keys:
        record, asked = processed(caching, key, picture)
        assert (record.status, asked, record.attempt) == (Status.PUBLISHED, 0, 1)
    assert {item["sequencer"]["S"] for item in items(caching) if "answer" in item} == {"!answer"}


def test_the_same_pixels_in_another_container_cost_no_request(caching: MotoStack) -> None:
    image = transparent().convert("RGB")
    assert [processed(caching, name, saved(image, name))[1] for name in ("PNG", "BMP", "TIFF")] == [1, 0, 0]
