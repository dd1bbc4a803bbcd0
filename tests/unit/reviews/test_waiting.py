"""What waits for a person: pages, filters, and what is shown of one version."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from media_pipeline.errors import UnknownReviewError
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.moderation.verdicts import Label, Mode, Verdict
from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Action
from media_pipeline.reviews import waiting
from media_pipeline.reviews.documents import summary, whole
from media_pipeline.reviews.waiting import parse_review_id, review_id
from tests.unit.reviews.conftest import ANNA, Stack


class Counting:
    """Counts the calls to DynamoDB, and the items that they read."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []
        self.items = 0

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls.append(name)
            answer = getattr(self._client, name)(**request)
            self.items += len(answer.get("Items", ()))
            return answer

        return call


def test_pages_list_each_that_waits_once_oldest_first(stack: Stack) -> None:
    for number in range(7):
        stack.put(f"{number}.jpg")
    stack.put("published.jpg", "PUBLISHED")
    stack.put("failed.jpg", "FAILED")
    listed, cursor = [], None
    while True:
        page = stack.waiting.page(limit=3, cursor=cursor)
        listed.append([record.object_key for record in page.records])
        cursor = page.cursor
        if cursor is None:
            break
    assert listed == [["0.jpg", "1.jpg", "2.jpg"], ["3.jpg", "4.jpg", "5.jpg"], ["6.jpg"]]


def test_page_has_a_most_whoever_asks_for_how_many(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST", 3)
    for number in range(5):
        stack.put(f"{number}.jpg")
    page = stack.waiting.page(limit=9_999)
    assert len(page.records) == waiting.MOST
    assert len(stack.waiting.page(cursor=page.cursor).records) == 2


def test_page_costs_one_query_of_its_own_size_however_many_wait(stack: Stack) -> None:
    for number in range(60):
        stack.put(f"{number}.jpg")
    counting = Counting(stack.dynamodb)
    stack.dynamodb = counting
    assert len(stack.waiting.page(limit=20).records) == 20
    assert counting.calls == ["query"]
    assert counting.items == 20


def test_filter_finds_a_label_and_those_below_it_over_several_pages(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    alcohol = ModerationResult(
        verdict=Verdict.REVIEW,
        mode=Mode.ENFORCE,
        reason=None,
        labels=(Label("Drinking", "Alcohol", 70.0),),
        model_version="7.0",
        policy_version="0",
        judged=1,
    ).to_document()
    monkeypatch.setattr(waiting, "MOST", 10)
    for number in range(25):
        changed: dict[str, Any] = {"moderation": alcohol} if number % 20 == 3 else {}
        stack.put(f"{number}.jpg", **changed)
    first = stack.waiting.page(limit=1, label="alcohol")
    rest = stack.waiting.page(limit=50, label="Alcohol", cursor=first.cursor)
    assert [record.object_key for record in first.records + rest.records] == ["3.jpg", "23.jpg"]
    assert rest.cursor is None


def test_filter_that_finds_nothing_looks_at_a_bounded_number_of_items(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST", 10)
    monkeypatch.setattr(waiting, "LOOKED_AT", 30)
    for number in range(35):
        stack.put(f"{number}.jpg")
    counting = Counting(stack.dynamodb)
    stack.dynamodb = counting
    page = stack.waiting.page(label="Alcohol")
    assert page.records == []
    assert page.cursor is not None
    assert counting.items == 30


def test_cursor_of_nobody_is_refused(stack: Stack) -> None:
    for cursor in ("x", "bm9uZQ", "WyJhIl0", "é"):
        with pytest.raises(ValueError, match="cursor"):
            stack.waiting.page(cursor=cursor)


def test_cursor_of_what_waits_for_something_else_is_refused(stack: Stack) -> None:
    for number in range(2):
        stack.put(f"{number}.jpg")
    cursor = stack.waiting.page(limit=1).cursor
    assert [record.object_key for record in stack.waiting.page(cursor=cursor).records] == ["1.jpg"]
    with pytest.raises(ValueError, match="cursor"):
        stack.waiting.page(Attention.ESCALATED, cursor=cursor)


def test_id_of_a_review_leads_back_to_its_key(stack: Stack) -> None:
    record = stack.put("photo.jpg")
    for key in ("a.jpg", "ü/b c\n.jpg", "x" * 1024, "🌸" * 256):
        assert parse_review_id(review_id(replace(record, object_key=key))) == (key, record.sequencer)


@pytest.mark.parametrize("text", ["", "x", "WyJhIl0", "WyIiLCIiXQ", "W10", "WzEsMl0", "e30"])
def test_other_ids_are_unknown(text: str) -> None:
    with pytest.raises(UnknownReviewError):
        parse_review_id(text)


@pytest.mark.parametrize("key", ["half of \ud83c", "x" * 1025, "🌸" * 257])
def test_an_id_of_what_no_key_can_be_is_unknown(stack: Stack, key: str) -> None:
    with pytest.raises(UnknownReviewError):
        parse_review_id(review_id(replace(stack.put(), object_key=key)))


def test_an_id_that_is_nested_too_deeply_is_unknown() -> None:
    with pytest.raises(UnknownReviewError):
        parse_review_id(base64.urlsafe_b64encode(b"[" * 3000).decode())


def test_key_leads_to_its_newest_version_that_waits(stack: Stack) -> None:
    stack.put("a.jpg")
    waits = stack.put("a.jpg")
    stack.put("a.jpg", "PUBLISHED")
    assert stack.waiting.of_key("a.jpg").sequencer == waits.sequencer
    published = stack.put("b.jpg", "PUBLISHED")
    assert stack.waiting.of_key("b.jpg").sequencer == published.sequencer
    with pytest.raises(UnknownReviewError, match=r"c\.jpg"):
        stack.waiting.of_key("c.jpg")


def test_whole_document_has_the_rule_the_labels_the_history_and_the_decisions(stack: Stack) -> None:
    stack.put("a.jpg", "BLOCKED", reason="policy_block")
    record = stack.put("a.jpg")
    decision = stack.decisions().ask(record, Action.REJECT, ANNA, note="no").decision
    found = whole(stack.read(record), stack.waiting.history("a.jpg"))
    assert found["why"] == "Graphic Violence 87.2 reached the review threshold of 50 for Violence"
    assert found["labels"][0] == {"name": "Graphic Violence", "parent": "Violence", "confidence": 87.2}
    assert [each["status"] for each in found["history"]] == ["REVIEW", "BLOCKED"]
    assert found["decisions"] == [decision.to_document()]
    assert found["decision"]["person"] == ANNA
    assert found["replaced"] is False
    assert summary(record)["decision"] is None


def test_labels_belong_to_the_pictures_that_reviewers_get_and_not_to_their_places(stack: Stack) -> None:
    frames = [
        {
            "sha256": f"{number:064x}",
            "time": float(number),
            "labels": [{"name": str(number), "confidence": 60}],
        }
        for number in range(3)
    ]
    verdict = {"verdict": "review", "mode": "enforce", "labels": [], "frames": frames, "policy_version": "0"}
    chosen = [{"key": f"k/{number}", "sha256": f"{number:064x}", "time": float(number)} for number in (1, 2)]
    record = stack.put("film.mp4", moderation=verdict, review=chosen)
    pictures = whole(record, [])["pictures"]
    assert [(each["time"], each["labels"][0]["name"]) for each in pictures] == [(1.0, "1"), (2.0, "2")]
    everything = whole(stack.put("older.mp4", moderation=verdict), [])["pictures"]
    assert [each["time"] for each in everything] == [0.0, 1.0, 2.0]


def test_record_of_a_version_that_was_replaced_says_so(stack: Stack) -> None:
    old = stack.put("a.jpg")
    stack.put("a.jpg", "PUBLISHED")
    assert whole(old, stack.waiting.history("a.jpg"))["replaced"] is True


def test_delete_that_was_undone_replaced_nothing(stack: Stack) -> None:
    old = stack.put("a.jpg")
    stack.put("a.jpg", "DELETED", delete_marker=True, undone=True)
    assert whole(old, stack.waiting.history("a.jpg"))["replaced"] is False


def test_links_are_to_the_judged_pictures_and_last_a_minute(stack: Stack) -> None:
    key = "a b.jpg/v.review/1.jpg"
    stack.s3.put_object(Bucket="quarantine", Key=key, Body=b"jpeg", Metadata={"thumbhash": "AAAA"})
    record = stack.put(review=[{"key": key, "sha256": "cd" * 32, "time": 1.5}])
    ((url, time),) = stack.pictures.links(record)
    assert "/a%20b.jpg/v.review/1.jpg?" in url
    assert "X-Amz-Expires=60" in url or "Expires=" in url
    assert time == 1.5
    assert stack.pictures.thumbhash(record) == "AAAA"
    assert stack.pictures.origin.startswith("https://quarantine.s3")
    assert stack.pictures.links(stack.put("older.jpg")) == []
    assert stack.pictures.thumbhash(stack.put("older.jpg")) is None
