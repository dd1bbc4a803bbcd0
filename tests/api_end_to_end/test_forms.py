"""Forms for larger uploads accept what was requested, until they expire, and nothing else."""

import base64
import json
import time
from types import SimpleNamespace
from uuid import uuid4

import pytest

from embedded_aws.s3 import form_policy
from tests.api_end_to_end.served_stack import ServedStack, key_of, photo

EXPIRED = 15 * 60 + 1  # seconds: a form is valid for fifteen minutes
LENIENT = base64.b64encode(b'{"expiration": "2099-01-01T00:00:00Z", "conditions": []}').decode()


def test_a_form_stores_the_file_under_its_id_and_the_pipeline_processes_it(stack: ServedStack) -> None:
    data = photo(f"{uuid4()}")
    form = stack.form(data, file_name="Grüße.jpg")
    assert stack.request("GET", form["status_url"]).status == 404
    assert stack.post_form(form, data) == 204
    assert stack.request("GET", form["status_url"]).status == 200
    stack.wait_for_outcomes([key_of(form)])
    image = stack.request("GET", form["status_url"]).json
    assert (image["status"], image["bytes"]) == ("PUBLISHED", len(data))


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"key": "api/" + "b" * 32}, 403),
        ({"key": "${filename}"}, 403),
        ({"key": "api/../elsewhere"}, 403),
        ({"key": "api/" + "b" * 2000}, 403),
        ({"Content-Type": "text/html"}, 403),
        ({"Content-Type": "image/jpeg, text/html"}, 403),
        ({"Content-Type": None}, 403),
        ({"x-amz-meta-file-name": "other.jpg"}, 403),
        ({"x-amz-signature": "0" * 64}, 403),
        ({"x-amz-signature": None}, 400),
        ({"policy": None}, 403),
        ({"x-amz-security-token": None}, 403),
        ({"acl": "public-read"}, 403),
        ({"success_action_redirect": "https://example.com/"}, 403),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else None,
)
def test_a_form_with_another_field_is_refused_and_nothing_is_stored(
    stack: ServedStack, changed: dict[str, str | None], status: int
) -> None:
    before, data = stack.versions(), photo(f"{uuid4()}")
    form = stack.form(data)
    assert stack.post_form(form, data, changed) == status
    assert stack.versions() == before
    assert stack.post_form(form, data) == 204  # unchanged it is accepted


def test_a_form_with_another_policy_is_refused_and_nothing_is_stored(stack: ServedStack) -> None:
    before, data = stack.versions(), photo(f"{uuid4()}")
    form = stack.form(data)
    assert stack.post_form(form, data, {"policy": LENIENT, "key": "elsewhere.jpg"}) == 403
    assert stack.versions() == before


@pytest.mark.parametrize("more", [1, 100_000])
def test_a_longer_body_than_was_asked_for_is_refused_and_nothing_is_stored(
    stack: ServedStack, more: int
) -> None:
    before, data = stack.versions(), photo(f"{uuid4()}")
    assert stack.post_form(stack.form(data), data + bytes(more)) == 400
    assert stack.versions() == before


def test_an_empty_file_is_refused_and_nothing_is_stored(stack: ServedStack) -> None:
    before = stack.versions()
    assert stack.post_form(stack.form(photo()), b"") == 400
    assert stack.versions() == before


def test_a_form_is_refused_after_its_time_and_nothing_is_stored(
    stack: ServedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, data = stack.versions(), photo(f"{uuid4()}")
    form = stack.form(data)
    with monkeypatch.context() as later:
        moved = SimpleNamespace(time=lambda: time.time() + EXPIRED, strptime=time.strptime)
        later.setattr(form_policy, "time", moved)
        assert stack.post_form(form, data) == 403
    assert stack.versions() == before
    assert stack.post_form(form, data) == 204


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"content_type": "image/jpeg", "bytes": 26_214_401}, 413),
        ({"content_type": "text/html", "bytes": 10}, 415),
        ({"content_type": "image/svg+xml", "bytes": 10}, 415),
        ({"content_type": "image/jpeg", "bytes": 0}, 400),
        ({"content_type": "image/jpeg", "bytes": 10, "key": "elsewhere"}, 400),
        ([], 400),
    ],
)
def test_no_form_is_given_for_what_the_stack_does_not_accept(
    stack: ServedStack, body: object, status: int
) -> None:
    response = stack.request("POST", "/v1/uploads", json.dumps(body).encode())
    assert (response.status, response.json["status"]) == (status, status)
