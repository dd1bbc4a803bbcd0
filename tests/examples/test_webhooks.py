"""The receiver of examples/python takes what SNS posts, and nothing else; what it does not take comes again."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.runtime.webhooks import Webhooks
from embedded_aws.world import World
from tests.examples.receiving import SECONDS, receiver, wait_for

FAST = TimeScale(0.002)
POLICY = {"healthyRetryPolicy": {"numRetries": 4, "minDelayTarget": 1, "maxDelayTarget": 60}}


@pytest.fixture(scope="module")
def delivering() -> Iterator[tuple[World, Webhooks]]:
    with World() as world, Webhooks(world, FAST) as webhooks:
        yield world, webhooks


@dataclass
class Endpoint:
    """Answers with the statuses in turn, the last one for ever, and keeps what was posted."""

    statuses: list[int]
    url: str = ""
    posted: list[tuple[Message, Any]] = field(default_factory=list)

    def types(self) -> list[str]:
        return [headers["x-amz-sns-message-type"] for headers, _ in self.posted]


@contextmanager
def endpoint(*statuses: int) -> Iterator[Endpoint]:
    kept = Endpoint(list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.posted.append((self.headers, body))
            self.send_response(kept.statuses.pop(0) if len(kept.statuses) > 1 else kept.statuses[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        kept.url = f"http://127.0.0.1:{server.server_address[1]}/outcomes"
        yield kept
        server.shutdown()


def topic(world: World, name: str, **attributes: str) -> str:
    return str(world.client("sns").create_topic(Name=name, Attributes=attributes)["TopicArn"])


def subscribe(world: World, arn: str, url: str, **attributes: Any) -> str:
    made = world.client("sns").subscribe(
        TopicArn=arn,
        Protocol="http",
        Endpoint=url,
        Attributes={name: json.dumps(value) for name, value in attributes.items()},
        ReturnSubscriptionArn=True,
    )
    return str(made["SubscriptionArn"])


def confirm(world: World, arn: str, taken: Endpoint) -> None:
    wait_for(lambda: taken.posted)
    world.client("sns").confirm_subscription(TopicArn=arn, Token=taken.posted[0][1]["Token"])


def publish(world: World, arn: str, key: str, status: str = "PUBLISHED") -> None:
    outcome = {"alert_id": f"{key}-{status}", "status": status, "object_key": key}
    attributes = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in (("status", status), ("object_key", key))
    }
    world.client("sns").publish(
        TopicArn=arn, Subject="An outcome", Message=json.dumps(outcome), MessageAttributes=attributes
    )


def test_the_receiver_confirms_and_prints_each_outcome_once_and_refuses_what_others_post(
    delivering: tuple[World, Webhooks], tmp_path: Path
) -> None:
    world, webhooks = delivering
    arn = topic(world, "signed", SignatureVersion="2")
    other = topic(world, "other", SignatureVersion="2")
    old = topic(world, "old")
    with (
        receiver(arn, webhooks.url, tmp_path / "log") as (url, printed),
        endpoint(200) as spy,
        endpoint(200) as old_spy,
    ):
        subscription = subscribe(world, arn, url)
        subscribe(world, arn, spy.url)
        confirm(world, arn, spy)
        wait_for(lambda: "confirmed" in printed())
        attributes = world.client("sns").get_subscription_attributes(SubscriptionArn=subscription)
        assert attributes["Attributes"]["PendingConfirmation"] == "false"
        publish(world, arn, "a.jpg")
        wait_for(lambda: "PUBLISHED a.jpg" in printed())
        publish(world, arn, "a.jpg")
        publish(world, arn, "b.jpg", "BLOCKED")
        wait_for(lambda: "BLOCKED b.jpg" in printed())
        assert printed().count("PUBLISHED a.jpg") == 1
        # The same message, but changed; one of another topic; one that is signed with SHA1.
        genuine = next(body for _, body in spy.posted if body["Type"] == "Notification")
        subscribe(world, old, old_spy.url)
        confirm(world, old, old_spy)
        publish(world, old, "old.jpg")
        wait_for(lambda: len(old_spy.posted) == 2)
        weak = old_spy.posted[1][1]
        assert weak["SignatureVersion"] == "1"
        forged = {
            "its signature is wrong": {**genuine, "Message": genuine["Message"].replace("a.jpg", "evil.jpg")},
            "it is of another topic": {**genuine, "TopicArn": other},
            "which is not Amazon SNS": {**genuine, "SigningCertURL": "http://127.0.0.1:1/evil.pem"},
            "has version '1', not 2": {**weak, "TopicArn": arn},
            "it is not a message of SNS": {"Type": "Notification"},
        }
        for words, document in forged.items():
            assert post(url, document) == 403
            wait_for(lambda: words in printed())  # noqa: B023
        assert "evil" not in printed().replace("evil.pem", "")


def post(url: str, document: Any) -> int:
    import urllib.error
    import urllib.request

    request = urllib.request.Request(url, data=json.dumps(document).encode(), method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_nothing_but_the_confirmation_is_sent_before_it_came_back(
    delivering: tuple[World, Webhooks],
) -> None:
    world, _ = delivering
    arn = topic(world, "unconfirmed")
    with endpoint(200) as taken:
        subscribe(world, arn, taken.url, DeliveryPolicy=POLICY)
        publish(world, arn, "early.jpg")
        sns = world.client("sns")
        with pytest.raises(sns.exceptions.InvalidParameterException):
            sns.confirm_subscription(TopicArn=arn, Token="guessed")
        confirm(world, arn, taken)
        publish(world, arn, "late.jpg")
        wait_for(lambda: len(taken.posted) == 2)
        assert taken.types() == ["SubscriptionConfirmation", "Notification"]
        assert "late.jpg" in taken.posted[1][1]["Message"]


@pytest.mark.long
def test_filters_choose_by_status_and_by_prefix(delivering: tuple[World, Webhooks]) -> None:
    world, _ = delivering
    arn = topic(world, "filtered")
    chosen = {"status": ["BLOCKED"], "object_key": [{"prefix": "avatars/"}]}
    with endpoint(200) as taken:
        subscribe(world, arn, taken.url, FilterPolicy=chosen)
        confirm(world, arn, taken)
        for key in ("avatars/1.jpg", "1.jpg"):
            for status in ("PUBLISHED", "BLOCKED"):
                publish(world, arn, key, status)
        publish(world, arn, "avatars/2.jpg", "BLOCKED")
        wait_for(lambda: len(taken.posted) == 3)
        messages = sorted(json.loads(body["Message"])["alert_id"] for _, body in taken.posted[1:])
        assert messages == ["avatars/1.jpg-BLOCKED", "avatars/2.jpg-BLOCKED"]


@pytest.mark.parametrize(
    ("statuses", "posts", "letters"),
    [
        ((200, 500, 429, 200), 4, 0),  # tried again until it is taken
        pytest.param((200, 503), 6, 1, marks=pytest.mark.long),  # after the first attempt and four retries
        ((200, 404), 2, 1),  # refused for good
    ],
)
def test_deliveries_are_tried_again_and_put_aside_as_sns_does(
    delivering: tuple[World, Webhooks], statuses: tuple[int, ...], posts: int, letters: int
) -> None:
    world, _ = delivering
    sqs = world.client("sqs")
    name = f"retried-{posts}"
    arn = topic(world, name)
    dead = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = f"arn:aws:sqs:{world.region}:{world.account_id}:{name}"
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnLike": {"aws:SourceArn": arn}},
    }
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    sqs.set_queue_attributes(QueueUrl=dead, Attributes={"Policy": json.dumps(policy)})
    with endpoint(*statuses) as taken:
        subscribe(world, arn, taken.url, DeliveryPolicy=POLICY, RedrivePolicy={"deadLetterTargetArn": queue})
        confirm(world, arn, taken)
        publish(world, arn, "a.jpg")
        wait_for(lambda: len(taken.posted) == posts)
        found = wait_for(lambda: sqs.receive_message(QueueUrl=dead).get("Messages")) if letters else []
        assert len(found) == letters
        assert len(taken.posted) == posts
