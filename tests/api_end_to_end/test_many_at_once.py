"""Many uploads at once: each is taken or told when to come back, and what was taken ends exactly once."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.api_end_to_end.served_stack import Answer, House, card, key_of, photo

DEV_RATE, DEV_BURST = 10, 20
PARALLEL = 50


def send_at_once(house: House, at_once: ThreadPoolExecutor, count: int) -> list[Answer]:
    begun = time.monotonic()
    pictures = [photo(f"{uuid4()}") for _ in range(count)]
    answers = list(at_once.map(house.upload, pictures))
    counted = dict(Counter(answer.status for answer in answers))
    print(f"\n{count} uploads at once: {counted} in {time.monotonic() - begun:.1f} s", end="")
    return answers


def require_one_end_each(house: House, answers: list[Answer], before: set[tuple[str, str]]) -> None:
    begun = time.monotonic()
    keys = [key_of(answer) for answer in answers if answer.status == 202]
    records = house.settle(keys)
    print(f"; all ended after {time.monotonic() - begun:.1f} s more", end="")
    ended = Counter(record["object_key"] for record in records if record["status"] == "PUBLISHED")
    assert {key: ended[key] for key in keys} == dict.fromkeys(keys, 1)
    stored = set(house.versions()) - before
    assert Counter(key for key, _ in stored) == Counter(keys)  # and nothing of what was turned away
    logged = Counter(line["object_key"] for line in house.logged_outcomes())
    assert {key: logged[key] for key in keys} == dict.fromkeys(keys, 1)


def test_uploads_at_once_beyond_the_plans_limits_are_taken_or_told_when_to_come_back(
    house: House, uploads: int, at_once: ThreadPoolExecutor
) -> None:
    count, before = max(uploads, 2 * DEV_BURST), set(house.versions())
    with house.limited(DEV_RATE, DEV_BURST):
        answers = send_at_once(house, at_once, count)
    assert {answer.status for answer in answers} == {202, 429}
    assert sum(answer.status == 202 for answer in answers) >= DEV_BURST
    for answer in answers:
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json.keys() == {"title", "status", "detail", "request_id"}
    require_one_end_each(house, answers, before)


def test_every_upload_at_once_within_the_plans_limits_ends_in_exactly_one_terminal_record(
    house: House, uploads: int, at_once: ThreadPoolExecutor
) -> None:
    before = set(house.versions())
    answers = send_at_once(house, at_once, uploads)
    assert {answer.status for answer in answers} == {202}
    require_one_end_each(house, answers, before)


def test_the_same_idempotency_key_sent_at_once_stores_one_object(
    house: House, at_once: ThreadPoolExecutor
) -> None:
    before, name, data = set(house.versions()), str(uuid4()), photo(f"{uuid4()}")
    sent = [at_once.submit(house.upload, data, Idempotency_Key=name) for _ in range(PARALLEL)]
    answers = [each.result() for each in sent]
    assert Counter(answer.status for answer in answers) == {202: PARALLEL}
    assert len({answer.text for answer in answers}) == 1
    stored = set(house.versions()) - before
    assert [key for key, _ in stored] == [key_of(answers[0])]
    other = house.upload(photo(f"{uuid4()}"), Idempotency_Key=name)
    assert (other.status, other.json["title"]) == (409, "Conflict")
    house.settle([key_of(answers[0])])
    later = house.upload(photo(f"{uuid4()}"), Idempotency_Key=name)
    assert later.status == 409
    assert set(house.versions()) - before == stored


def test_other_bytes_under_one_idempotency_key_at_once_store_one_object_and_are_told_so(
    house: House, at_once: ThreadPoolExecutor
) -> None:
    before, name = set(house.versions()), str(uuid4())
    pictures = [photo(f"{uuid4()}") for _ in range(PARALLEL)]
    sent = [at_once.submit(house.upload, data, Idempotency_Key=name) for data in pictures]
    answers = [each.result() for each in sent]
    assert Counter(answer.status for answer in answers) == {202: 1, 409: PARALLEL - 1}
    ((key, version),) = set(house.versions()) - before
    winner = next(data for data, each in zip(pictures, answers, strict=True) if each.status == 202)
    found = house.s3.get_object(Bucket=house.uploads, Key=key, VersionId=version)
    assert found["Body"].read() == winner


def test_an_idempotency_key_is_remembered_when_its_original_was_moved_away(house: House) -> None:
    name, data = str(uuid4()), card(Weapons=95)
    first = house.upload(data, Idempotency_Key=name)
    house.settle([key_of(first)])
    assert key_of(first) not in [key for key, _ in house.versions()]
    again = house.upload(data, Idempotency_Key=name)
    assert (again.status, again.json) == (202, first.json)
    assert house.upload(photo(), Idempotency_Key=name).status == 409
    assert key_of(first) not in [key for key, _ in house.versions()]


@pytest.fixture(scope="module")
def known(house: House) -> Answer:
    """An upload that is done."""
    answer = house.upload(photo(f"{uuid4()}"))
    house.settle([key_of(answer)])
    return answer


@pytest.mark.parametrize("whose", ["none", "wrong", "empty", "disabled"])
def test_without_a_valid_key_the_answer_is_403_and_nothing_is_stored(
    house: House, known: Answer, whose: str
) -> None:
    key = {"none": None, "wrong": "x" * 40, "empty": " ", "disabled": ""}[whose]
    if whose == "disabled":
        key = house.disabled_key()
    before, records = house.versions(), len(house.records())
    wish = b'{"content_type": "image/jpeg", "bytes": 100}'
    answers = [
        house.upload(photo("refused"), key=key, Idempotency_Key="refused"),
        house.ask("POST", "/v1/uploads", wish, key=key),
        house.ask("GET", f"/v1/images/{known.json['image_id']}", key=key),
    ]
    for answer in answers:
        assert (answer.status, answer.json["title"]) == (403, "Forbidden")
        assert answer.headers["content-type"] == "application/problem+json"
    assert house.versions() == before
    assert len(house.settle()) == records
