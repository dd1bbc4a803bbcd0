"""`status` names what of the records needs a person: what waits, what is held, what was decided and forgotten."""

from typing import Any

from media_pipeline.records.record import iso_time, to_item
from operations.stack import StackOutputs
from operations.status import Line, Status
from tests.fixtures.moto_stack import MotoStack

NOW = 1_800_000_000.0
DECISION = {"id": "B", "action": "approve", "at": iso_time(NOW - 3600)}


def put(stack: MotoStack, key: str, attention: str, status: str = "REVIEW", **attributes: Any) -> None:
    values = {
        "object_key": key,
        "sequencer": "0A".ljust(32, "0"),
        "status": status,
        "attention": attention,
        "updated_at": iso_time(NOW),
        "finished_at": iso_time(NOW - 86_400),
        **attributes,
    }
    stack.clients.dynamodb.put_item(TableName="records", Item=to_item(values))


def lines(stack: MotoStack) -> dict[str, Line]:
    """Return the lines about records by their subject."""
    document = {
        "uploads_bucket": "uploads",
        "quarantine_bucket": "quarantine",
        "records_table": "records",
        "images_queue_url": stack.images_url,
    }
    clients: Any = stack.clients
    status = Status(
        outputs=StackOutputs.parse(document, "the test"),
        awslambda=clients,
        dynamodb=clients.dynamodb,
        s3=clients.s3,
        sns=clients.sns,
        sqs=clients.sqs,
        clock=lambda: NOW,
    )
    return {line.subject: line for line in status._records()}


def test_overridden_block_whose_message_was_lost_is_counted_as_not_carried_out(stack: MotoStack) -> None:
    put(stack, "a", "DECIDED", "BLOCKED", decision=DECISION)
    put(stack, "b", "REVIEW", decision=DECISION)
    put(stack, "c", "ESCALATED", decision={**DECISION, "action": "escalate"})
    put(stack, "d", "DECIDED", "PUBLISHED", decision={**DECISION, "at": iso_time(NOW - 5)})
    line = lines(stack)["decided, not carried out"]
    assert line.state == "3 records"
    assert "redrive --status DECIDED" in str(line.problem)


def test_what_is_held_has_a_line_and_needs_nobody(stack: MotoStack) -> None:
    assert "held as evidence" not in lines(stack)
    put(stack, "a", "ESCALATED", "BLOCKED")
    line = lines(stack)["held as evidence"]
    assert line.state.startswith("1 records, the oldest for 1 day")
    assert line.problem is None
