"""The e-mails in an outbox are those that SNS would have delivered, and no others."""

import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from embedded_aws.outbox import Outbox
from embedded_aws.world import World

ALERTS = {"status": ["BLOCKED", "REVIEW", "FAILED"]}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox") as outbox:
        yield outbox


@pytest.fixture
def topic(world: World) -> Iterator[str]:
    sns = world.client("sns")
    arn: str = sns.create_topic(Name="events")["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


def publish(world: World, topic: str, status: str, text: str, **more: str) -> None:
    attributes = {"status": {"DataType": "String", "StringValue": status}}
    world.client("sns").publish(TopicArn=topic, Message=text, MessageAttributes=attributes, **more)


def subscribe(world: World, topic: str, address: str, **attributes: str) -> None:
    world.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=address, Attributes=attributes)


def written(sending: Outbox, folder: Path) -> list[EmailMessage]:
    files = sorted(folder.glob("*"))
    assert [email.path for email in sending.emails] == files
    assert all(file.suffix == ".eml" for file in files)
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def test_each_reader_gets_what_their_filter_policy_lets_through(
    world: World, topic: str, sending: Outbox, tmp_path: Path
) -> None:
    subscribe(world, topic, "alerts@example.com", FilterPolicy=json.dumps(ALERTS))
    subscribe(world, topic, "all@example.com")
    publish(world, topic, "PUBLISHED", "fine", Subject="one")
    publish(world, topic, "BLOCKED", "not fine", Subject="two")
    mails = [(mail["To"], mail["Subject"]) for mail in written(sending, tmp_path / "outbox")]
    assert mails == [("all@example.com", "one"), ("alerts@example.com", "two"), ("all@example.com", "two")]


def test_people_get_the_part_for_e_mail_as_one_text_in_utf_8(
    world: World, topic: str, sending: Outbox, tmp_path: Path
) -> None:
    subscribe(world, topic, "a@example.com")
    parts = {"default": '{"machine": 1}', "email": "Grüße\nvom See\n"}
    publish(world, topic, "BLOCKED", json.dumps(parts), MessageStructure="json", Subject="structured")
    (mail,) = written(sending, tmp_path / "outbox")
    assert (mail.get_content_type(), mail.get_content_charset()) == ("text/plain", "utf-8")
    assert not mail.is_multipart()
    assert mail.get_content() == "Grüße\nvom See\n"


@pytest.mark.parametrize("text", ["plain", '{"machine": 1}', "[1]", '{"default": 1}'])
def test_any_other_message_is_mailed_as_it_is_under_snss_own_subject(
    world: World, topic: str, sending: Outbox, tmp_path: Path, text: str
) -> None:
    subscribe(world, topic, "a@example.com")
    publish(world, topic, "BLOCKED", text)
    (mail,) = written(sending, tmp_path / "outbox")
    assert mail.get_content().rstrip("\n") == text
    assert mail["Subject"] == "AWS Notification Message"


def test_subscribers_other_than_addresses_get_no_email(
    world: World, topic: str, sending: Outbox, tmp_path: Path
) -> None:
    queue = world.client("sqs").create_queue(QueueName="readers")["QueueUrl"]
    arn = world.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    world.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    publish(world, topic, "BLOCKED", "text")
    assert written(sending, tmp_path / "outbox") == []


def test_what_is_published_after_the_outbox_is_closed_is_mailed_by_nobody(
    world: World, topic: str, tmp_path: Path
) -> None:
    subscribe(world, topic, "a@example.com")
    with Outbox(tmp_path / "closed") as outbox:
        pass
    publish(world, topic, "BLOCKED", "text")
    assert outbox.emails == []
    assert list((tmp_path / "closed").iterdir()) == []


def test_an_address_that_is_not_a_file_name_still_gets_its_file(
    world: World, topic: str, sending: Outbox, tmp_path: Path
) -> None:
    subscribe(world, topic, "o'neill/../x@example.com")
    publish(world, topic, "BLOCKED", "text")
    (mail,) = written(sending, tmp_path / "outbox")
    assert mail["To"] == "o'neill/../x@example.com"
    assert sending.emails[0].path.name == "0001_o_neill_.._x@example.com.eml"


@pytest.mark.parametrize("permitted", [True, False])
def test_an_alarm_mails_its_change_where_its_topic_lets_cloudwatch_publish(
    world: World, topic: str, sending: Outbox, tmp_path: Path, permitted: bool
) -> None:
    subscribe(world, topic, "a@example.com")
    service = "cloudwatch.amazonaws.com" if permitted else "events.amazonaws.com"
    allow = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sns:Publish", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    world.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    cloudwatch = world.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="dead letters",
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    for _ in range(2):  # the second changes nothing
        cloudwatch.set_alarm_state(AlarmName="dead letters", StateValue="ALARM", StateReason="tried")
    cloudwatch.set_alarm_state(AlarmName="dead letters", StateValue="OK", StateReason="nobody is told")
    mails = written(sending, tmp_path / "outbox")
    cloudwatch.delete_alarms(AlarmNames=["dead letters"])
    assert [mail["Subject"] for mail in mails] == (
        ['ALARM: "dead letters" in eu-central-1'] if permitted else []
    )
