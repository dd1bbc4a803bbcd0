"""Asking for a decision: evidence before any effect, one winner, and a message that can be lost."""

import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from media_pipeline.errors import DecidedError, DecisionError, ExpiredError, ReplacedError
from media_pipeline.events import parse_message
from media_pipeline.records.attention import Attention
from media_pipeline.records.decisions import Action
from media_pipeline.records.record import Record, iso_time
from tests.unit.reviews.conftest import ANNA, BERT, SHA256, Stack, WrittenTwice


class Failing:
    """A client whose one operation fails; others are passed on."""

    def __init__(self, client: Any, operation: str, error: Exception, *, after: bool = False) -> None:
        self._client = client
        self._operation = operation
        self._error = error
        self._after = after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name != self._operation:
            return real

        def fail(**request: Any) -> Any:
            if self._after:
                real(**request)
            raise self._error

        return fail


def refusal(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


def test_approval_is_in_the_record_the_evidence_and_the_queue(stack: Stack) -> None:
    record = stack.put("holiday/über 1.jpg")
    asked = stack.decisions().ask(
        record, Action.APPROVE, ANNA, reason="news", note="a film set", seen=True, seconds=2.3
    )
    found = stack.read(record)
    assert found.decision == asked.decision
    assert found.pending_decision == asked.decision
    assert (asked.decision.person, asked.decision.sha256) == (ANNA, SHA256)
    assert found.status == "REVIEW"  # until the workers carry it out
    assert found.attributes["moderation"] == record.attributes["moderation"]
    ((key, evidence),) = stack.evidence().items()
    assert key == f"decisions/2027/01/15/{asked.decision.id}.json"
    assert evidence["object_key_sha256"] == hashlib.sha256("holiday/über 1.jpg".encode()).hexdigest()
    assert "holiday" not in json.dumps(evidence)
    assert {
        **asked.decision.to_document(),
        "stack": "test",
        "status_seen": "REVIEW",
    }.items() <= evidence.items()
    (body,) = stack.messages()
    (event,) = parse_message(body)
    assert (event.key, event.version_id, event.etag) == (record.object_key, record.version_id, record.etag)
    assert (event.bucket, event.sequencer) == ("uploads", record.sequencer)
    (message,) = json.loads(body)["Records"]
    assert message["eventSource"] == "media-pipeline:decision"
    assert message["decision"] == {"id": asked.decision.id}


def test_second_of_two_people_who_saw_the_same_is_told_who_decided(stack: Stack) -> None:
    seen = stack.put()
    first = stack.decisions().ask(seen, Action.APPROVE, ANNA)
    with pytest.raises(DecidedError, match="not as it was") as caught:
        stack.decisions().ask(seen, Action.REJECT, BERT)
    assert (caught.value.by, caught.value.at, caught.value.action) == (ANNA, first.decision.at, "approve")
    assert stack.read(seen).decision == first.decision
    assert len(stack.messages()) == 1


def test_decision_under_way_is_replaced_only_with_override(stack: Stack) -> None:
    record = stack.put()
    first = stack.decisions().ask(record, Action.APPROVE, ANNA).decision
    with pytest.raises(DecidedError, match="about to carry it out"):
        stack.decisions().ask(stack.read(record), Action.REJECT, BERT)
    second = stack.decisions().ask(stack.read(record), Action.REJECT, BERT, override=True).decision
    found = stack.read(record)
    assert found.decision == second
    assert [each["id"] for each in found.attributes["decisions"]] == [first.id]


def test_decision_that_was_carried_out_does_not_stand_in_the_way_of_a_new_one(stack: Stack) -> None:
    record = stack.put()
    first = stack.decisions().ask(record, Action.APPROVE, ANNA).decision
    # As the workers leave it where the original had expired: it waits again.
    again = stack.put(
        sequencer=record.sequencer, decision=first.to_document(), carried_out=first.id, attempt=2
    )
    assert stack.decisions().ask(again, Action.REJECT, BERT).decision.action is Action.REJECT


@pytest.mark.parametrize(
    "status", ["PUBLISHED", "BLOCKED", "REJECTED", "PROCESSING", "DELETED", "SUPERSEDED"]
)
def test_only_what_waits_is_decided(stack: Stack, status: str) -> None:
    record = stack.put(status=status)
    for action in (Action.APPROVE, Action.REJECT, *([Action.ESCALATE] if status != "BLOCKED" else ())):
        with pytest.raises(DecidedError, match=status):
            stack.decisions().ask(record, action, ANNA)
    assert stack.evidence() == {}
    assert stack.messages() == []


@pytest.mark.parametrize("status", ["PUBLISHED", "REVIEW", "SUPERSEDED", "REJECTED"])
def test_what_has_an_original_is_withdrawn_and_the_evidence_names_the_case(stack: Stack, status: str) -> None:
    record = stack.put(status=status)
    case = {"number": "NCII-7", "received": "2026-11-28T09:00:00Z"}
    assert stack.decisions().ask(record, Action.WITHDRAW, ANNA, case=case).sent
    (evidence,) = stack.evidence().values()
    assert (evidence["action"], evidence["case"], evidence["status_seen"]) == ("withdraw", case, status)


@pytest.mark.parametrize("status", ["SUPERSEDED", "REJECTED"])
def test_what_readers_never_saw_is_restored_only_once_it_was_taken_down(stack: Stack, status: str) -> None:
    record = stack.put(status=status)
    stack.decisions().ask(record, Action.WITHDRAW, ANNA)  # which no function has carried out yet
    for seen in (stack.put(status=status), stack.read(record)):
        with pytest.raises(DecidedError, match="was not taken down"):
            stack.decisions().ask(seen, Action.RESTORE, ANNA, override=True)
    taken_down = stack.put(status=status, reason="taken_down", original="quarantine")
    assert stack.decisions().ask(taken_down, Action.RESTORE, ANNA).sent


@pytest.mark.parametrize("status", ["PROCESSING", "DELETED", "BLOCKED"])
def test_what_is_open_or_gone_or_blocked_is_not_withdrawn(stack: Stack, status: str) -> None:
    with pytest.raises(DecidedError, match=status):
        stack.decisions().ask(stack.put(status=status), Action.WITHDRAW, ANNA)
    assert stack.evidence() == {}


def test_block_of_the_policy_is_approved_only_with_override(stack: Stack) -> None:
    record = stack.put(status="BLOCKED")
    assert stack.decisions().ask(record, Action.APPROVE, ANNA, override=True).sent
    (evidence,) = stack.evidence().values()
    assert evidence["override"] is True


def test_older_version_is_not_approved_but_can_be_rejected(stack: Stack) -> None:
    old, _ = stack.put(), stack.put(status="PROCESSING")
    with pytest.raises(ReplacedError, match="newer version"):
        stack.decisions().ask(old, Action.APPROVE, ANNA)
    assert stack.evidence() == {}
    assert stack.decisions().ask(old, Action.REJECT, ANNA).sent


def test_delete_marker_that_was_removed_again_replaces_nothing(stack: Stack) -> None:
    record = stack.put()
    stack.put(status="DELETED", delete_marker=True, undone=True)
    assert stack.decisions().ask(record, Action.APPROVE, ANNA).sent


def test_expired_original_cannot_be_approved(stack: Stack) -> None:
    key = "photo.jpg/version-0.review/1.jpg"
    stack.s3.put_object(Bucket="quarantine", Key=key, Body=b"jpeg")
    record = stack.put(review=[{"key": key, "sha256": "cd" * 32}])
    stack.s3.delete_object(Bucket="quarantine", Key=key)
    with pytest.raises(ExpiredError, match="not in quarantine"):
        stack.decisions().ask(record, Action.APPROVE, ANNA)
    assert stack.read(record).decision is None


def test_what_no_record_may_hold_is_refused_before_the_evidence(stack: Stack) -> None:
    too_long: tuple[dict[str, Any], ...] = ({"note": "x" * 1001}, {"reason": "x" * 201})
    for parts in too_long:
        with pytest.raises(DecisionError, match="up to"):
            stack.decisions().ask(stack.put(), Action.REJECT, ANNA, **parts)
    assert stack.evidence() == {}


def test_record_without_a_digest_cannot_be_decided(stack: Stack) -> None:
    with pytest.raises(DecisionError, match="sha256"):
        stack.decisions().ask(stack.put(sha256=None), Action.APPROVE, ANNA)


def test_without_evidence_nothing_happens(stack: Stack) -> None:
    record = stack.put()
    s3 = Failing(stack.s3, "put_object", refusal("AccessDenied", "PutObject"))
    with pytest.raises(ClientError, match="AccessDenied"):
        stack.decisions(s3=s3).ask(record, Action.APPROVE, ANNA)
    assert stack.read(record).decision is None
    assert stack.messages() == []


def test_evidence_that_an_earlier_try_of_the_call_wrote_counts(stack: Stack) -> None:
    record = stack.put()
    s3 = Failing(stack.s3, "put_object", refusal("PreconditionFailed", "PutObject"), after=True)
    asked = stack.decisions(s3=s3).ask(record, Action.APPROVE, ANNA)
    assert stack.read(record).decision == asked.decision


def test_write_whose_answer_was_lost_counts(stack: Stack) -> None:
    record = stack.put()
    asked = stack.decisions(dynamodb=WrittenTwice(stack.dynamodb)).ask(record, Action.REJECT, ANNA)
    assert stack.read(record).decision == asked.decision
    assert len(stack.messages()) == 1


def test_decision_stands_where_its_message_was_lost(stack: Stack) -> None:
    record = stack.put()
    sqs = Failing(stack.sqs, "send_message", EndpointConnectionError(endpoint_url="https://sqs"))
    asked = stack.decisions(sqs=sqs).ask(record, Action.REJECT, ANNA)
    assert not asked.sent
    assert stack.read(record).pending_decision == asked.decision


def test_evidence_is_never_written_over(stack: Stack) -> None:
    same = stack.decisions(random=lambda length: bytes(length))
    first = same.ask(stack.put("a.jpg"), Action.APPROVE, ANNA)
    before = stack.evidence()
    same.ask(
        stack.put("b.jpg"), Action.REJECT, BERT
    )  # an id that was drawn twice, which 80 bits make unlikely
    assert stack.evidence() == before
    assert next(iter(before.values()))["id"] == first.decision.id


def appealed(stack: Stack) -> Record:
    """Put what is blocked, and was appealed."""
    appeal = {"at": iso_time(stack.now), "text": "my own painting", "state": "open"}
    return stack.put(status="BLOCKED", attention="APPEAL", appeal=appeal)


@pytest.mark.parametrize("action", [Action.APPROVE, Action.REJECT])
def test_blocked_version_is_decided_about_while_its_appeal_is_open(stack: Stack, action: Action) -> None:
    record = appealed(stack)
    (waiting,) = stack.waiting.page(Attention.APPEAL).records
    assert (stack.waiting.page().records, waiting.sequencer) == ([], record.sequencer)
    asked = stack.decisions().ask(record, action, ANNA)
    assert stack.read(record).decision == asked.decision
    (evidence,) = stack.evidence().values()
    assert (evidence["attention_seen"], evidence["override"]) == ("APPEAL", False)


@pytest.mark.parametrize("action", [Action.APPROVE, Action.REJECT])
def test_blocked_version_is_not_decided_about_once_its_appeal_is_settled(
    stack: Stack, action: Action
) -> None:
    appeal = {"at": iso_time(stack.now), "text": "x", "state": "upheld", "decided_at": iso_time(stack.now)}
    with pytest.raises(DecidedError):
        stack.decisions().ask(stack.put(status="BLOCKED", appeal=appeal), action, ANNA)
    assert stack.evidence() == {}
