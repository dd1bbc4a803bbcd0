"""What is on the hash list is not published, whatever Rekognition would say; and a list that is not known blocks."""

import hashlib
import io
import json
from concurrent.futures import wait
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from PIL import Image, ImageOps

from media_pipeline.images import likeness
from media_pipeline.images.likeness import entry_hashes, hashes
from media_pipeline.images.pdq import pdq
from media_pipeline.moderation.hash_list import Entry, Kind
from media_pipeline.moderation.policy import Policy
from media_pipeline.moderation.verdicts import Mode, Verdict
from media_pipeline.processing.judging import EarlyJudging
from media_pipeline.records.decisions import Action, decision_id
from media_pipeline.records.hash_list import REFRESH_SECONDS, HashListTable
from media_pipeline.records.record import Record, Status, iso_time
from media_pipeline.storage import Storage
from tests.fixtures.deciding import decide
from tests.fixtures.moto_stack import MotoStack
from tests.unit.images.drawing import detailed
from tests.unit.processing.driving import KILLED, LEASE_OVER, WEAPON, kill_at, settle

FIGHT = [("Violence", "", 60.0)]
MODES = {mode: {"mode": mode.value, "block": {"Weapons": 90}} for mode in Mode}
MODES[Mode.OFF] = {"mode": "off"}


def put_on_list(stack: MotoStack, data: bytes, action: Verdict = Verdict.BLOCK, **changed: Any) -> Entry:
    now = stack.clock.now
    parts: dict[str, Any] = {
        "id": decision_id(now),
        "kind": Kind.SHA256,
        "value": hashlib.sha256(data).hexdigest(),
        "action": action,
        "reason": "notice 7",
        "person": "arn:aws:iam::123456789012:user/ada",
        "at": iso_time(now),
    }
    entry = Entry(**{**parts, **changed})
    HashListTable(dynamodb=stack.clients.dynamodb, table="records", clock=stack.clock).add([entry])
    return entry


def processed(stack: MotoStack, data: bytes, key: str = "a.jpg") -> Record:
    event = stack.upload(key, data)
    assert stack.deliver(event)
    return stack.record(key, event)


@pytest.mark.parametrize("mode", Mode)
def test_the_same_bytes_are_blocked_in_every_mode_without_a_request(
    stack: MotoStack, picture: bytes, mode: Mode
) -> None:
    stack.settings = replace(stack.settings, policy=Policy.parse(MODES[mode]))
    entry = put_on_list(stack, picture)
    record = processed(stack, picture)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "known_block")
    assert (
        record.attributes["detail"] == f"it has the same bytes as entry {entry.id} of the hash list: notice 7"
    )
    assert record.attributes["moderation"]["known"] == {"list_id": entry.id, "kind": "sha256"}
    assert stack.rekognition.calls == []
    assert stack.keys("renditions") == set()
    assert stack.keys("uploads") == set()
    version = record.version
    assert stack.keys("quarantine") == {f"a.jpg/{version}", f"a.jpg/{version}.review/1.jpg"}
    assert [each["reason"] for each in stack.announcements()] == ["known_block"]


def test_other_bytes_are_judged_as_ever(stack: MotoStack, picture: bytes) -> None:
    put_on_list(stack, picture + b"x")
    record = processed(stack, picture)
    assert record.status is Status.PUBLISHED
    assert "known" not in record.attributes["moderation"]
    assert len(stack.rekognition.calls) == 1


@pytest.mark.parametrize("mode", Mode)
def test_an_entry_can_ask_for_a_person_who_sees_the_labels(
    stack: MotoStack, picture: bytes, mode: Mode
) -> None:
    stack.settings = replace(stack.settings, policy=Policy.parse(MODES[mode]))
    stack.rekognition.labels = FIGHT
    put_on_list(stack, picture, Verdict.REVIEW)
    record = processed(stack, picture)
    assert (record.status, record.attributes["reason"]) == (Status.REVIEW, "known_review")
    assert record.moderation
    assert [label.name for label in record.moderation.labels] == ([] if mode is Mode.OFF else ["Violence"])


def test_a_block_of_the_policy_outweighs_an_entry_that_asks_for_review(
    stack: MotoStack, picture: bytes
) -> None:
    stack.rekognition.labels = WEAPON
    put_on_list(stack, picture, Verdict.REVIEW)
    record = processed(stack, picture)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "policy_block")


def test_a_block_that_is_only_observed_does_not_outweigh_an_entry_that_asks_for_review(
    stack: MotoStack, picture: bytes
) -> None:
    stack.settings = replace(stack.settings, policy=Policy.parse(MODES[Mode.OBSERVE]))
    stack.rekognition.labels = WEAPON
    put_on_list(stack, picture, Verdict.REVIEW)
    record = processed(stack, picture)
    assert (record.status, record.attributes["reason"]) == (Status.REVIEW, "known_review")
    assert stack.keys("renditions") == set()


def test_of_two_entries_the_more_severe_one_counts(stack: MotoStack, picture: bytes) -> None:
    put_on_list(stack, picture, Verdict.REVIEW)
    put_on_list(stack, picture)
    assert processed(stack, picture).attributes["reason"] == "known_block"


def test_where_the_list_cannot_be_read_nothing_is_published_and_the_message_comes_back(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_list(stack, picture)
    query = stack.clients.dynamodb.query

    def failing(**request: Any) -> Any:
        if request["ExpressionAttributeValues"][":key"]["S"] == "!hashes":
            raise EndpointConnectionError(endpoint_url="https://dynamodb.example")
        return query(**request)

    event = stack.upload("a.jpg", picture)
    with monkeypatch.context() as patched:
        patched.setattr(stack.clients.dynamodb, "query", failing)
        assert not stack.deliver(event)
    assert stack.rekognition.calls == []
    assert stack.keys("renditions") == set()
    assert stack.deliver(event)
    assert stack.record("a.jpg", event).attributes["reason"] == "known_block"


def test_a_list_that_takes_longer_than_the_time_counts_against_no_picture_and_is_read_on(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = stack.clock.now - 86_400
    for number in range(7):
        put_on_list(stack, str(number).encode(), id=decision_id(began + number))
    entry = put_on_list(stack, picture, id=decision_id(began + 7))
    query, check = stack.clients.dynamodb.query, EarlyJudging.check
    context = stack.new_context()

    def slow(**request: Any) -> Any:
        if request["ExpressionAttributeValues"][":key"]["S"] != "!hashes":
            return query(**request)
        context.seconds -= 12
        return query(**request, Limit=1)

    def check_later(judging: EarlyJudging) -> None:
        if judging._verdict is not None:
            wait([judging._verdict])  # the time is over while there are files to encode
        check(judging)

    monkeypatch.setattr(stack.clients.dynamodb, "query", slow)
    monkeypatch.setattr(EarlyJudging, "check", check_later)
    worker, event = stack._image_worker(), stack.upload("a.jpg", picture)
    for _ in range(3):
        context = stack.new_context()
        body = json.dumps({"Records": [event]})
        assert not stack.invoke(worker, stack.images_url, body, context, 1)
        record = stack.record("a.jpg", event)
        assert (record.status, record.unfinished) == (Status.PROCESSING, 0)
        stack.clock.now += 8
    context = stack.new_context()
    assert stack.invoke(worker, stack.images_url, body, context, 1)
    known = stack.record("a.jpg", event).attributes["moderation"]["known"]
    assert known["list_id"] == entry.id


def test_a_block_that_was_cut_off_ends_with_its_own_reason(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = put_on_list(stack, picture)
    event = stack.upload("a.jpg", picture)
    kill_at(monkeypatch, Storage, "quarantine")
    with pytest.raises(KILLED):
        stack.deliver(event)
    table = HashListTable(dynamodb=stack.clients.dynamodb, table="records", clock=stack.clock)
    assert table.remove(entry.id)  # the stored verdict stands
    stack.clock.now += LEASE_OVER
    settle(stack, event)
    assert stack.record("a.jpg", event).attributes["reason"] == "known_block"


def test_what_was_put_on_the_list_while_it_was_deleted_is_not_published_again(
    stack: MotoStack, picture: bytes
) -> None:
    event = stack.upload("a.jpg", picture)
    assert stack.deliver(event)
    marker = stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg")["VersionId"]
    assert stack.deliver(stack.event("ObjectRemoved:DeleteMarkerCreated", "a.jpg", marker))
    assert stack.keys("renditions") == set()
    put_on_list(stack, picture)
    stack.clock.now += REFRESH_SECONDS + 4 * stack.new_context().seconds
    stack.clients.s3.delete_object(Bucket="uploads", Key="a.jpg", VersionId=marker)
    settle(stack, stack.event("ObjectRemoved:Delete", "a.jpg", marker))
    record = stack.record("a.jpg", event)
    assert (record.status, record.attributes["reason"]) == (Status.BLOCKED, "known_block")
    assert stack.keys("renditions") == set()


def test_a_person_can_approve_what_the_list_blocked(stack: MotoStack, picture: bytes) -> None:
    put_on_list(stack, picture)
    event = stack.upload("a.jpg", picture)
    assert stack.deliver(event)
    assert stack.deliver(decide(stack, "a.jpg", event, Action.APPROVE))
    record = stack.record("a.jpg", event)
    assert record.status is Status.PUBLISHED
    assert record.attributes["moderation"]["known"]["kind"] == "sha256"


def test_a_warm_function_reads_the_list_once_a_minute(stack: MotoStack, picture: bytes) -> None:
    worker = stack._image_worker()
    reads: list[str] = []
    query = stack.clients.dynamodb.query

    def counted(**request: Any) -> Any:
        reads.append(request["ExpressionAttributeValues"][":key"]["S"])
        return query(**request)

    stack.clients.dynamodb.query = counted  # type: ignore[method-assign]
    try:
        for number, seconds in enumerate((0, 30, 29, 1)):
            stack.clock.now += seconds
            deliver(stack, worker, f"{number}.jpg", picture)
    finally:
        del stack.clients.dynamodb.query
    assert reads.count("!hashes") == 2


def look(stack: MotoStack, image: Image.Image, action: Verdict = Verdict.BLOCK) -> Entry:
    own, *variants = (each.hex for each in entry_hashes(image))
    return put_on_list(stack, b"", action, kind=Kind.PDQ, value=own, variants=tuple(variants))


@pytest.mark.parametrize("like", [Verdict.REVIEW, Verdict.BLOCK])
@pytest.mark.parametrize("mode", Mode)
def test_what_looks_like_an_entry_ends_as_it_is_configured(
    stack: MotoStack, like: Verdict, mode: Mode
) -> None:
    stack.settings = replace(stack.settings, policy=Policy.parse(MODES[mode]), lists_like=like)
    image = detailed(600, 400)
    entry = look(stack, image)
    record = processed(stack, jpeg(ImageOps.mirror(image.resize((300, 200)))))
    ended = (Status.REVIEW, "known_review") if like is Verdict.REVIEW else (Status.BLOCKED, "known_block")
    assert (record.status, record.attributes["reason"]) == ended
    known = record.attributes["moderation"]["known"]
    assert (known["list_id"], known["kind"]) == (entry.id, "pdq")
    assert 0 <= known["distance"] <= 31
    assert f"({known['distance']} of 256 bits differ)" in record.attributes["detail"]
    assert len(stack.rekognition.calls) == (like is Verdict.REVIEW and mode is not Mode.OFF)
    assert stack.keys("renditions") == set()


def test_an_entry_that_asks_for_review_never_blocks_what_looks_like_it(stack: MotoStack) -> None:
    stack.settings = replace(stack.settings, lists_like=Verdict.BLOCK)
    image = detailed(600, 400)
    look(stack, image, Verdict.REVIEW)
    assert processed(stack, jpeg(image)).attributes["reason"] == "known_review"


def test_the_same_bytes_outweigh_likeness(stack: MotoStack) -> None:
    data = jpeg(detailed(600, 400))
    look(stack, detailed(600, 400))
    exact = put_on_list(stack, data)
    record = processed(stack, data)
    assert record.attributes["reason"] == "known_block"
    assert record.attributes["moderation"]["known"]["list_id"] == exact.id


def test_another_picture_and_a_plain_one_are_not_held_back_by_likeness(
    stack: MotoStack, picture: bytes
) -> None:
    look(stack, detailed(600, 400))
    put_on_list(stack, b"", kind=Kind.PDQ, value=pdq(Image.open(io.BytesIO(picture))).hex)
    assert processed(stack, jpeg(detailed(600, 400, seed=2)), "other.jpg").status is Status.PUBLISHED
    assert processed(stack, picture, "plain.jpg").status is Status.PUBLISHED


@pytest.mark.parametrize(("bits", "status"), [(31, Status.REVIEW), (32, Status.PUBLISHED)])
def test_likeness_ends_at_31_bits(stack: MotoStack, bits: int, status: Status) -> None:
    data = jpeg(detailed(600, 400))
    published = processed(stack, data, "first.jpg")
    assert published.status is Status.PUBLISHED
    (own,) = hashes(stack.rekognition.calls[0]["Image"]["Bytes"])
    put_on_list(stack, b"", kind=Kind.PDQ, value=f"{own.bits ^ (1 << bits) - 1:064x}")
    assert processed(stack, data, "again.jpg").status is status


def test_of_entries_that_it_looks_like_the_most_severe_counts_and_of_those_the_nearest(
    stack: MotoStack,
) -> None:
    stack.settings = replace(stack.settings, lists_like=Verdict.BLOCK)
    data = jpeg(detailed(600, 400))
    assert processed(stack, data, "first.jpg").status is Status.PUBLISHED
    (own,) = hashes(stack.rekognition.calls[0]["Image"]["Bytes"])
    for bits, action in ((0, Verdict.REVIEW), (20, Verdict.BLOCK), (10, Verdict.BLOCK)):
        put_on_list(stack, b"", action, kind=Kind.PDQ, value=f"{own.bits ^ (1 << bits) - 1:064x}")
    record = processed(stack, data, "again.jpg")
    assert record.attributes["reason"] == "known_block"
    assert record.attributes["moderation"]["known"]["distance"] == 10


def test_a_frame_of_an_animation_is_enough(stack: MotoStack) -> None:
    first, second = detailed(300, 200, seed=4), detailed(300, 200, seed=5)
    out = io.BytesIO()
    first.save(out, "GIF", save_all=True, append_images=[second], duration=900, loop=0)
    specs = replace(stack.settings.specs, formats=("webp",), quality={"webp": 80})
    stack.settings = replace(stack.settings, specs=specs)
    look(stack, second)
    assert processed(stack, out.getvalue(), "a.gif").attributes["reason"] == "known_review"


def test_pictures_are_not_hashed_while_no_entry_is_about_a_look(
    stack: MotoStack, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likeness, "hashes", lambda _: 1 / 0)
    put_on_list(stack, b"other")
    assert processed(stack, picture).status is Status.PUBLISHED


def jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def deliver(stack: MotoStack, worker: Any, key: str, data: bytes) -> None:
    body = json.dumps({"Records": [stack.upload(key, data)]})
    assert stack.invoke(worker, stack.images_url, body, None, 1)
