"""Many uploads at once: each is accepted or told when to retry, and each accepted one gets exactly one record."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.api_end_to_end.served_stack import Response, ServedStack, card, key_of, photo

DEV_RATE, DEV_BURST = 10, 20
PARALLEL = 50


def send_at_once(stack: ServedStack, at_once: ThreadPoolExecutor, count: int) -> list[Response]:
    begun = time.monotonic()
    pictures = [photo(f"{uuid4()}") for _ in range(count)]
    responses = list(at_once.map(stack.upload, pictures))
    counted = dict(Counter(response.status for response in responses))
    print(f"\n{count} uploads at once: {counted} in {time.monotonic() - begun:.1f} s", end="")
    return responses


def require_one_outcome_each(
    stack: ServedStack, responses: list[Response], before: set[tuple[str, str]]
) -> None:
    begun = time.monotonic()
    keys = [key_of(response) for response in responses if response.status == 202]
    records = stack.wait_for_outcomes(keys)
    print(f"; all ended after {time.monotonic() - begun:.1f} s more", end="")
    ended = Counter(record["object_key"] for record in records if record["status"] == "PUBLISHED")
    assert {key: ended[key] for key in keys} == dict.fromkeys(keys, 1)
    stored = set(stack.versions()) - before
    assert Counter(key for key, _ in stored) == Counter(keys)  # and none of the refused ones
    logged = Counter(line["object_key"] for line in stack.logged_outcomes())
    assert {key: logged[key] for key in keys} == dict.fromkeys(keys, 1)


def test_uploads_beyond_the_plans_limits_are_accepted_or_told_when_to_retry(
    stack: ServedStack, uploads: int, at_once: ThreadPoolExecutor
) -> None:
    count, before = max(uploads, 2 * DEV_BURST), set(stack.versions())
    with stack.throttled(DEV_RATE, DEV_BURST):
        responses = send_at_once(stack, at_once, count)
    assert {response.status for response in responses} == {202, 429}
    assert sum(response.status == 202 for response in responses) >= DEV_BURST
    for response in responses:
        if response.status == 429:
            assert int(response.headers["retry-after"]) >= 1
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json.keys() == {"title", "status", "detail", "request_id"}
    require_one_outcome_each(stack, responses, before)


def test_every_upload_at_once_within_the_plans_limits_ends_in_exactly_one_terminal_record(
    stack: ServedStack, uploads: int, at_once: ThreadPoolExecutor
) -> None:
    before = set(stack.versions())
    responses = send_at_once(stack, at_once, uploads)
    assert {response.status for response in responses} == {202}
    require_one_outcome_each(stack, responses, before)


def test_the_same_idempotency_key_sent_at_once_stores_one_object(
    stack: ServedStack, at_once: ThreadPoolExecutor
) -> None:
    before, name, data = set(stack.versions()), str(uuid4()), photo(f"{uuid4()}")
    sent = [at_once.submit(stack.upload, data, Idempotency_Key=name) for _ in range(PARALLEL)]
    responses = [each.result() for each in sent]
    assert Counter(response.status for response in responses) == {202: PARALLEL}
    assert len({response.text for response in responses}) == 1
    stored = set(stack.versions()) - before
    assert [key for key, _ in stored] == [key_of(responses[0])]
    other = stack.upload(photo(f"{uuid4()}"), Idempotency_Key=name)
    assert (other.status, other.json["title"]) == (409, "Conflict")
    stack.wait_for_outcomes([key_of(responses[0])])
    later = stack.upload(photo(f"{uuid4()}"), Idempotency_Key=name)
    assert later.status == 409
    assert set(stack.versions()) - before == stored


def test_different_bytes_with_one_idempotency_key_store_one_object_and_get_409(
    stack: ServedStack, at_once: ThreadPoolExecutor
) -> None:
    before, name = set(stack.versions()), str(uuid4())
    pictures = [photo(f"{uuid4()}") for _ in range(PARALLEL)]
    sent = [at_once.submit(stack.upload, data, Idempotency_Key=name) for data in pictures]
    responses = [each.result() for each in sent]
    assert Counter(response.status for response in responses) == {202: 1, 409: PARALLEL - 1}
    ((key, version),) = set(stack.versions()) - before
    winner = next(data for data, each in zip(pictures, responses, strict=True) if each.status == 202)
    found = stack.s3.get_object(Bucket=stack.uploads, Key=key, VersionId=version)
    assert found["Body"].read() == winner


def test_an_idempotency_key_is_remembered_when_its_original_was_moved_away(stack: ServedStack) -> None:
    name, data = str(uuid4()), card(Weapons=95)
    first = stack.upload(data, Idempotency_Key=name)
    stack.wait_for_outcomes([key_of(first)])
    assert key_of(first) not in [key for key, _ in stack.versions()]
    again = stack.upload(data, Idempotency_Key=name)
    assert (again.status, again.json) == (202, first.json)
    assert stack.upload(photo(), Idempotency_Key=name).status == 409
    assert key_of(first) not in [key for key, _ in stack.versions()]


@pytest.fixture(scope="module")
def known(stack: ServedStack) -> Response:
    """Return the response of an upload that is processed."""
    response = stack.upload(photo(f"{uuid4()}"))
    stack.wait_for_outcomes([key_of(response)])
    return response


@pytest.mark.parametrize("whose", ["none", "wrong", "empty", "disabled"])
def test_without_a_valid_key_the_answer_is_403_and_nothing_is_stored(
    stack: ServedStack, known: Response, whose: str
) -> None:
    key = {"none": None, "wrong": "x" * 40, "empty": " ", "disabled": ""}[whose]
    if whose == "disabled":
        key = stack.disabled_key()
    before, records = stack.versions(), len(stack.records())
    body = b'{"content_type": "image/jpeg", "bytes": 100}'
    responses = [
        stack.upload(photo("refused"), key=key, Idempotency_Key="refused"),
        stack.request("POST", "/v1/uploads", body, key=key),
        stack.request("GET", f"/v1/images/{known.json['image_id']}", key=key),
    ]
    for response in responses:
        assert (response.status, response.json["title"]) == (403, "Forbidden")
        assert response.headers["content-type"] == "application/problem+json"
    assert stack.versions() == before
    assert len(stack.wait_for_outcomes()) == records
