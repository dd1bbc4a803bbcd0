"""`status` names what of the records needs a person: what waits, what is held, what was decided and forgotten."""

from typing import Any

import boto3
from moto.sns.models import sns_backends

from components.outputs import OUTPUTS
from media_pipeline.records.record import iso_time, to_item
from operations.stack import StackOutputs
from operations.status import PENDING, Line, Status
from tests.fixtures.moto_stack import MotoStack
from tests.fixtures.storage import REGION

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


def status(stack: MotoStack, **outputs: str) -> Status:
    document = {
        **outputs,
        "uploads_bucket": "uploads",
        "quarantine_bucket": "quarantine",
        "records_table": "records",
        "images_queue_url": stack.images_url,
    }
    clients: Any = stack.clients
    return Status(
        outputs=StackOutputs.parse(document, "the test"),
        awslambda=clients,
        dynamodb=clients.dynamodb,
        s3=clients.s3,
        sns=clients.sns,
        sqs=clients.sqs,
        clock=lambda: NOW,
    )


def lines(stack: MotoStack) -> dict[str, Line]:
    """Return the lines about records by their subject."""
    return {line.subject: line for line in status(stack)._records()}


def test_overridden_block_whose_message_was_lost_is_counted_as_not_carried_out(stack: MotoStack) -> None:
    put(stack, "a", "DECIDED", "BLOCKED", decision=DECISION)
    put(stack, "b", "REVIEW", decision=DECISION)
    put(stack, "c", "ESCALATED", decision={**DECISION, "action": "escalate"})
    put(stack, "d", "DECIDED", "PUBLISHED", decision={**DECISION, "at": iso_time(NOW - 5)})
    line = lines(stack)["decided, not carried out"]
    assert line.state == "3 records"
    assert "redrive --status DECIDED" in str(line.problem)


def test_only_queues_are_asked_how_much_waits_in_them(stack: MotoStack) -> None:
    others = {name: f"https://{name}.example.com" for name in OUTPUTS if name.endswith("_url")}
    queues = {name: stack.images_url for name in others if "queue" in name or "dead_letters" in name}
    found = [line.subject for line in status(stack, **{**others, **queues})._queues()]
    assert {"cdn_url", "review_url", "api_url"} == others.keys() - queues.keys()
    assert found == sorted(name.removesuffix("_url") for name in queues)


def queue_line(stack: MotoStack, output: str) -> Line:
    """Return the line about the stack's queue, under the name of an output."""
    (line,) = (
        each
        for each in status(stack, **{output: stack.images_url})._queues()
        if each.subject == output.removesuffix("_url")
    )
    return line


def test_a_dead_letter_that_is_tried_again_and_again_needs_a_person_as_one_that_waits(
    stack: MotoStack,
) -> None:
    assert queue_line(stack, "images_dead_letters_url").problem is None
    sqs: Any = stack.clients.sqs
    sqs.send_message(QueueUrl=stack.images_url, MessageBody="a letter")
    assert queue_line(stack, "images_dead_letters_url").problem
    sqs.receive_message(QueueUrl=stack.images_url)
    line = queue_line(stack, "images_dead_letters_url")
    assert line.state == "0 waiting, 1 being worked on or paused"
    assert line.problem


def test_what_is_sent_for_later_waits(stack: MotoStack) -> None:
    sqs: Any = stack.clients.sqs
    sqs.send_message(QueueUrl=stack.images_url, MessageBody="later", DelaySeconds=900)
    line = queue_line(stack, "images_queue_url")
    assert (line.state, line.problem) == ("1 waiting, 0 being worked on or paused", None)


def test_webhooks_are_listed_and_one_that_never_confirmed_is_told_how(stack: MotoStack) -> None:
    sns: Any = stack.clients.sns
    topic = sns.create_topic(Name="outcomes")["TopicArn"]
    for endpoint in ("https://a.example.com/outcomes", "http://localhost:1/outcomes"):
        sns.subscribe(TopicArn=topic, Protocol=endpoint.partition(":")[0], Endpoint=endpoint)
    for subscription in sns_backends["123456789012"][REGION].subscriptions.values():
        if subscription.endpoint.startswith("https"):
            subscription.arn = PENDING  # as long as it has not visited its SubscribeURL
    found = {line.subject: line for line in status(stack, events_topic_arn=topic)._subscriptions()}
    assert sorted(found) == ["http://localhost:1/outcomes", "https://a.example.com/outcomes"]
    confirmed, pending = (found[subject] for subject in sorted(found))
    assert (confirmed.state, confirmed.problem) == ("1 subscriptions", None)
    assert pending.state == "1 of 1 subscriptions unconfirmed"
    assert pending.problem == "it must visit the SubscribeURL that was posted to it within 48 hours"


def test_a_log_of_accesses_that_somebody_stopped_or_deleted_is_a_problem(stack: MotoStack) -> None:
    cloudtrail = boto3.client("cloudtrail", region_name=REGION)
    for name in ("trail", "somebody-elses"):
        location: Any = {"LocationConstraint": REGION}
        stack.clients.s3.create_bucket(Bucket=name, CreateBucketConfiguration=location)
        cloudtrail.create_trail(Name=name, S3BucketName=name)
        cloudtrail.start_logging(Name=name)

    def line() -> Line:
        found = status(stack, trail_bucket="trail")
        found._cloudtrail = cloudtrail
        (only,) = found._trail()
        return only

    assert (line().state, line().problem) == ("logging", None)
    cloudtrail.stop_logging(Name="trail")
    assert line().state == "stopped"
    assert "StopLogging" in str(line().problem)
    cloudtrail.delete_trail(Name="trail")
    assert line().state == "no trail"
    assert line().problem, "what another trail logs is somewhere else"


def test_what_is_held_has_a_line_and_needs_nobody(stack: MotoStack) -> None:
    assert "held as evidence" not in lines(stack)
    put(stack, "a", "ESCALATED", "BLOCKED")
    line = lines(stack)["held as evidence"]
    assert line.state.startswith("1 records, the oldest for 1 day")
    assert line.problem is None
