"""S3 event notifications, as S3 sends them and as nobody should."""

import json
from typing import Any

import pytest

from media_pipeline.errors import UnknownMessageError
from media_pipeline.events import EventKind, next_sequencer, normalise_sequencer, parse_message


def body(name: str = "ObjectCreated:Put", key: str = "a.jpg", **described: Any) -> str:
    record = {"eventName": name, "s3": {"bucket": {"name": "uploads"}, "object": {"key": key, **described}}}
    return json.dumps({"Records": [record]})


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("a+b/%C3%BC.jpg", "a b/ü.jpg"),
        ("1%2B1.jpg", "1+1.jpg"),
        ("%F0%9F%8C%B8.png", "🌸.png"),
        ("100%2525.jpg", "100%25.jpg"),
    ],
)
def test_keys_are_decoded_once(encoded: str, key: str) -> None:
    (event,) = parse_message(body(key=encoded))
    assert event.key == key


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ObjectCreated:Put", EventKind.CREATED),
        ("ObjectCreated:CompleteMultipartUpload", EventKind.CREATED),
        ("s3:ObjectCreated:Copy", EventKind.CREATED),
        ("ObjectRemoved:Delete", EventKind.VERSION_DELETED),
        ("ObjectRemoved:DeleteMarkerCreated", EventKind.DELETE_MARKER),
    ],
)
def test_event_names_are_distinguished(name: str, kind: EventKind) -> None:
    (event,) = parse_message(body(name))
    assert event.kind is kind


@pytest.mark.parametrize(
    "name", ["ObjectRestore:Completed", "LifecycleExpiration:Delete", "ObjectTagging:Put"]
)
def test_events_nobody_subscribed_to_mean_nothing(name: str) -> None:
    assert parse_message(body(name)) == ()


def test_s3_test_event_means_nothing() -> None:
    assert parse_message('{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}') == ()


def test_unknown_fields_are_ignored_and_missing_ones_are_none() -> None:
    (event,) = parse_message(body(future={"x": 1}))
    assert (event.version_id, event.etag, event.sequencer, event.redrive_attempt) == (None, None, None, None)
    assert event.version == "null"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "{}",
        '{"Records": []}',
        '{"Records": 7}',
        '{"Records": [{}]}',
        '{"Records": [null]}',
        '{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {}, "object": {"key": "a"}}}]}',
        body(sequencer="xyz"),
        body(sequencer="0" * 33),
        body(key="%FF%FE"),
    ],
)
def test_a_text_that_is_not_an_event_raises_an_error(text: str) -> None:
    with pytest.raises(UnknownMessageError):
        parse_message(text)


def test_sequencers_of_different_length_and_case_compare_as_strings() -> None:
    shorter, longer = normalise_sequencer("0055aed6dcd9028"), normalise_sequencer("0055AED6DCD90281E5")
    assert len(shorter) == len(longer) == 32
    assert shorter < longer
    assert normalise_sequencer("ab") == normalise_sequencer("AB")


def test_next_sequencer_sorts_right_after_the_newest() -> None:
    assert next_sequencer(None) == "0" * 32
    newest = normalise_sequencer("0055AED6DCD90281E5")
    assert newest < next_sequencer(newest) < normalise_sequencer("0055AED6DCD90281E6")


def test_only_a_redrive_names_an_attempt() -> None:
    record = json.loads(body(sequencer="0A"))["Records"][0] | {"redrive": {"attempt": 3}}
    (plain,) = parse_message(json.dumps({"Records": [record]}))
    (redrive,) = parse_message(json.dumps({"Records": [record | {"eventSource": "media-pipeline:redrive"}]}))
    assert (plain.redrive_attempt, redrive.redrive_attempt) == (None, 3)


def test_only_a_decision_message_names_a_decision() -> None:
    record = json.loads(body(sequencer="0A"))["Records"][0] | {"decision": {"id": "01KB"}}
    (plain,) = parse_message(json.dumps({"Records": [record]}))
    asked = record | {"eventSource": "media-pipeline:decision", "eventName": "ObjectCreated:Decision"}
    (decided,) = parse_message(json.dumps({"Records": [asked]}))
    assert (plain.decision_id, decided.decision_id) == (None, "01KB")
    assert decided.kind is EventKind.CREATED
    del asked["decision"]
    with pytest.raises(UnknownMessageError, match="decision"):
        parse_message(json.dumps({"Records": [asked]}))


def test_only_an_empty_object_whose_key_ends_in_a_slash_is_a_folder() -> None:
    def is_folder(**described: Any) -> bool:
        (event,) = parse_message(body(**described))
        return event.is_folder

    assert is_folder(key="photos/2026/", size=0)
    assert not is_folder(key="photos/2026/", size=1)
    assert not is_folder(key="photos/2026/")  # a redrive's event, which has no size
    assert not is_folder(key="photos/2026", size=0)
