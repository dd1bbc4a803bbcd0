"""For each alarm, by its name in docs/reference/alarms.md: what makes it ring, and its runbook.

A rehearsal is a generator. Up to its first `yield` it causes the alarm, letting periods pass where more than one has to
be bad; from there on it does what docs/operator/alarms.md says, and looks whether that has helped.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from components.alerting import LEAST_COUNT
from media_pipeline.records.decisions import Action
from media_pipeline.reviews.asking import Decisions
from media_pipeline.reviews.places import Places
from media_pipeline.reviews.waiting import Waiting
from operations.budget import Budgets
from tests.local.runbooks.endpoint import refusing_endpoint
from tests.local.runbooks.operator import ENOUGH, PERIOD, Desk

Rehearsal = Callable[[Desk], Iterator[None]]
REHEARSALS: Final[dict[str, Rehearsal]] = {}
THREE: Final = 3  # periods
REVIEWER: Final = "arn:aws:iam::123456789012:user/reviewer"
SLOW_PARTS: Final = 7
"""Of a body that arrives half a second apart."""


def rehearsal(*names: str) -> Callable[[Rehearsal], Rehearsal]:
    """Register a rehearsal under the names of its alarms."""

    def register(made: Rehearsal) -> Rehearsal:
        REHEARSALS.update(dict.fromkeys(names, made))
        return made

    return register


def body(parts: int, seconds: float) -> Iterator[bytes]:
    """Yield a body that takes its time."""
    for _ in range(parts):
        time.sleep(seconds)
        yield b" " * 100


# ---- outcomes


@rehearsal("failed")
def _failed(desk: Desk) -> Iterator[None]:
    with desk.without_permission("process_image_function", "rekognition"):
        key = desk.upload(desk.picture())
        desk.let_receives_run_out("images_queue_url")
        desk.wait_for([key], "FAILED")
        yield
    assert desk.deployed.records(key)[-1]["reason"] == "retries_exhausted"
    assert key in desk.log("process_image_function")
    desk.operations("redrive", "--status", "FAILED")
    desk.wait_for([key], "PUBLISHED")


@rehearsal("rejected-share")
def _rejected_share(desk: Desk) -> Iterator[None]:
    keys = [desk.upload(b"no picture %d" % number, "txt") for number in range(LEAST_COUNT)]
    desk.wait_for(keys, "REJECTED")
    yield
    assert {desk.deployed.records(key)[-1]["reason"] for key in keys} == {"unsupported_type"}
    desk.wait_for([desk.upload(desk.picture()) for _ in range(LEAST_COUNT)], "PUBLISHED")


@rehearsal("handed-back-share")
def _handed_back_share(desk: Desk) -> Iterator[None]:
    keys: list[str] = []
    with desk.without_permission("process_image_function", "rekognition"):
        for number in range(THREE):
            if number:
                desk.pass_period()
            keys += [desk.upload(desk.picture()) for _ in range(LEAST_COUNT)]
            desk.wait_until_handed_back("images_queue_url", len(keys))
        yield
        assert "AccessDenied" in desk.log("process_image_function")
    desk.wait_for(keys, "PUBLISHED")


@rehearsal("handed-back-age")
def _handed_back_age(desk: Desk) -> Iterator[None]:
    with desk.without_permission("process_image_function", "rekognition"):
        key = desk.upload(desk.picture())
        desk.wait_until_handed_back("images_queue_url")
        for _ in range(5):
            desk.pass_period()
        (message,) = desk.messages("images_queue_url")
        desk.wait(lambda: message.approximate_receive_count > 1)
        desk.wait_until_handed_back("images_queue_url")
        yield
        log = desk.log("process_image_function")
        assert "message handed back" in log
        assert key in log
    desk.wait_for([key], "PUBLISHED")


@rehearsal("budget-spent")
def _budget_spent(desk: Desk) -> Iterator[None]:
    budgets = Budgets(desk.world.client("dynamodb"), desk.outputs["records_table"], 1_000)
    (today,) = budgets.days(1)
    budgets.allow_today(today.pictures)
    key = desk.upload(desk.picture())
    desk.wait_until_handed_back("images_queue_url")
    yield
    (today,) = budgets.days(1)
    assert today.is_spent
    budgets.allow_today(20_000)
    desk.let_messages_return(13 * 3600)  # none hides for longer than twelve hours
    desk.wait_for([key], "PUBLISHED")


@rehearsal("unknown-messages")
def _unknown_messages(desk: Desk) -> Iterator[None]:
    desk.send("images_dead_letters_url", "from somebody")
    desk.wait_until_idle()
    yield
    assert "from somebody" in desk.log("dead_letters_function")


@rehearsal("reviews-expiring")
def _reviews_expiring(desk: Desk) -> Iterator[None]:
    key = desk.upload(desk.card(Violence=70))
    desk.wait_for([key], "REVIEW")
    desk.make_record_older(key, 6)  # half of the ten days that quarantine keeps it are over
    desk.run_schedule()
    yield
    outputs, client = desk.outputs, desk.world.client
    buckets = {name: outputs[name] for name in ("uploads_bucket", "quarantine_bucket", "logs_bucket")}
    places = Places(
        stack="dev",
        records_table=outputs["records_table"],
        images_queue_url=outputs["images_queue_url"],
        **buckets,
    )
    waiting = Waiting(dynamodb=client("dynamodb"), table=places.records_table, clock=time.time)
    asking = Decisions(
        places=places, dynamodb=client("dynamodb"), s3=client("s3"), sqs=client("sqs"), clock=time.time
    )
    assert asking.ask(waiting.of_key(key), Action.APPROVE, REVIEWER).sent
    desk.wait_for([key], "PUBLISHED")
    desk.run_schedule()


# ---- queues


@rehearsal("images-age")
def _images_age(desk: Desk) -> Iterator[None]:
    desk.operations("pause")
    key = desk.upload(desk.picture())
    for _ in range(THREE + 720 // PERIOD + 1):
        desk.pass_period()
    yield
    desk.operations("resume")
    desk.wait_for([key], "PUBLISHED")


@rehearsal("videos-age")
def _videos_age(desk: Desk) -> Iterator[None]:
    with desk.disabled("process_video_function"):
        key = desk.upload(desk.video(), "mp4")
        desk.wait(lambda: desk.messages("videos_queue_url"))
        for _ in range(5 + 7_200 // PERIOD + 1):
            desk.pass_period()
        yield
    desk.wait_for([key], "PUBLISHED")


def _dead_letters_left(queue: str, desk: Desk) -> Iterator[None]:
    key = desk.upload(desk.picture())
    desk.wait_for([key], "PUBLISHED")
    with desk.without_permission("dead_letters_function", "dynamodb"):
        desk.send(queue, desk.event_of(key))
        for _ in range(THREE + 1):
            desk.wait_until_handed_back(queue)
            desk.pass_period()
        desk.wait_until_handed_back(queue)
        yield
        assert "AccessDenied" in desk.log("dead_letters_function")
    desk.wait_until_idle()
    assert not desk.messages(queue)


for _queue in ("images", "videos"):
    rehearsal(f"{_queue}-dead-letters-left")(partial(_dead_letters_left, f"{_queue}_dead_letters_url"))


@rehearsal("log-notification-dead-letters-left")
def _announcements_left(desk: Desk) -> Iterator[None]:
    desk.forget_environments()  # a function that is there already ends before anybody looks at its memory
    desk.starved.add("log_notification_function")
    key = desk.upload(desk.picture())
    desk.wait(lambda: desk.messages("log_notification_dead_letters_url"))
    yield
    assert desk.status(key) == "PUBLISHED"  # the outcome itself is in the records table
    desk.starved.clear()
    desk.drain("log_notification_dead_letters_url")


# ---- functions


@rehearsal("webhooks-dead-letters-left")
def _webhook_refuses(desk: Desk) -> Iterator[None]:
    with refusing_endpoint() as endpoint:
        desk.wait(lambda: endpoint.is_confirmed)
        missed = desk.upload(desk.picture())
        desk.wait_for([missed], "PUBLISHED")
        desk.wait(lambda: desk.messages("webhooks_dead_letters_url"))
        yield
        (letter,) = desk.messages("webhooks_dead_letters_url")
        assert missed in letter.body
        endpoint.is_repaired = True
        later = desk.upload(desk.picture())
        desk.wait(lambda: [outcome["object_key"] for outcome in endpoint.taken] == [later])
        desk.drain("webhooks_dead_letters_url")


def _invoke_all(desk: Desk, key: str) -> None:
    """Give every function something to do that does no harm, about an upload that is published."""
    event = desk.event_of(key)
    for queue in ("images_queue_url", "videos_queue_url", "images_dead_letters_url"):
        desk.send(queue, event)
    announced = {"alert_id": str(uuid.uuid4()), "object_key": key, "status": "PUBLISHED"}
    topic = desk.outputs["events_topic_arn"]
    desk.world.client("sns").publish(TopicArn=topic, Message=json.dumps(announced))
    (schedule,) = desk.world.client("scheduler").list_schedules()["Schedules"]
    desk.served.schedules.invoke(schedule["Name"])
    desk.request("GET", "/v1/images/" + "a" * 32)


def _errors(function: str, desk: Desk) -> Iterator[None]:
    key = desk.upload(desk.picture())
    desk.wait_for([key], "PUBLISHED")
    desk.wait_until_idle()
    desk.forget_environments()
    desk.starved.add(f"{function.replace('-', '_')}_function")
    errors = desk.errors(function)
    _invoke_all(desk, key)
    desk.wait(lambda: desk.errors(function) > errors)
    yield
    desk.starved.clear()  # `memory` was raised
    desk.drain("log_notification_dead_letters_url")
    desk.wait_until_idle()


def _throttles(desk: Desk) -> Iterator[None]:
    key = desk.upload(desk.picture())
    desk.wait_for([key], "PUBLISHED")
    desk.wait_until_idle()
    desk.served.functions.concurrent_executions = 0
    for number in range(THREE):
        if number:
            desk.pass_period()
        _invoke_all(desk, key)
        time.sleep(1.0)  # the pollers come by
    yield
    desk.served.functions.concurrent_executions = ENOUGH
    desk.wait_until_idle()


for _function in (
    "process-image",
    "process-video",
    "dead-letters",
    "log-notification",
    "upload-api",
    "reconcile",
):
    rehearsal(f"{_function}-errors")(partial(_errors, _function))
    rehearsal(f"{_function}-throttles")(_throttles)


@rehearsal("process-video-duration")
def _process_video_duration(desk: Desk) -> Iterator[None]:
    keys = []
    for number in range(THREE):
        if number:
            desk.pass_period()
        with desk.stalled("process_video_function"):
            keys.append(desk.upload(desk.video(), "mp4"))
            desk.wait(lambda: desk.messages("videos_queue_url"))
        desk.wait(lambda: not desk.served.poller.in_flight)
    yield
    # `memory.video` was raised: nothing stands still any more.
    desk.wait_for(keys, "PUBLISHED")


# ---- the API


@rehearsal("api-server-errors")
def _api_server_errors(desk: Desk) -> Iterator[None]:
    desk.served.functions.concurrent_executions = 0
    statuses = [desk.request("GET", "/v1/images/" + "a" * 32)[0] for _ in range(LEAST_COUNT)]
    assert min(statuses) >= 500
    yield
    desk.served.functions.concurrent_executions = ENOUGH
    assert desk.request("GET", "/v1/images/" + "a" * 32)[0] == 404


@rehearsal("api-client-errors")
def _api_client_errors(desk: Desk) -> Iterator[None]:
    for number in range(THREE):
        if number:
            desk.pass_period()
        statuses = {desk.request("GET", "/v1/images/" + "a" * 32, key=False)[0] for _ in range(LEAST_COUNT)}
        assert statuses == {403}
    yield
    status, _ = desk.request("POST", "/v1/images/upload", desk.picture(), Content_Type="image/jpeg")
    assert status == 202


@rehearsal("api-latency")
def _api_latency(desk: Desk) -> Iterator[None]:
    for number in range(THREE):
        if number:
            desk.pass_period()
        desk.request(
            "POST",
            "/v1/images/upload",
            body(SLOW_PARTS, 0.5),
            Content_Type="image/jpeg",
            Content_Length="700",
        )
    yield
    status, _ = desk.request("POST", "/v1/images/upload", desk.picture(), Content_Type="image/jpeg")
    assert status == 202
