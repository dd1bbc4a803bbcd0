"""The day's budget of judged pictures in the real functions: what is over it waits, and is paid for once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError

from media_pipeline.errors import BudgetSpentError
from media_pipeline.moderation.billing import count_request
from media_pipeline.processing.messages import LONGEST_HIDDEN, pause
from media_pipeline.processing.spending import SPREAD_SECONDS, Spending
from media_pipeline.records.budget import DAY, JudgingBudget
from media_pipeline.records.record import Status
from operations.budget import Budgets
from tests.fixtures.moto_stack import MotoStack
from tests.unit.images.drawing import detailed
from tests.unit.processing.test_judged_requests import moving, saved


def allow(stack: MotoStack, pictures: int, **settings: Any) -> None:
    stack.settings = replace(stack.settings, judged_per_day=pictures, **settings)


def photo(seed: int, size: tuple[int, int] = (320, 200)) -> bytes:
    return saved(detailed(*size, seed=seed), "JPEG")


def judged_today(stack: MotoStack) -> int:
    (today,) = Budgets(boto3.client("dynamodb"), "records", 1, stack.clock).days(1)
    return today.pictures


@pytest.fixture
def hidden() -> Iterator[list[float]]:
    """Yield the seconds for which messages were hidden."""
    seconds: list[float] = []
    real = pause

    def noted(*details: Any) -> float:
        seconds.append(real(*details))
        return seconds[-1]

    with mock.patch("media_pipeline.processing.messages.pause", noted):
        yield seconds


def test_an_upload_over_the_budget_waits_hidden_and_is_published_when_the_day_has_turned(
    stack: MotoStack, hidden: list[float]
) -> None:
    allow(stack, 1)
    stack.clock.now += DAY - stack.clock.now % DAY + DAY / 4  # 06:00 of the next day
    first, second = stack.upload("a.jpg", photo(1)), stack.upload("b.jpg", photo(2))
    assert stack.deliver(first)
    assert not stack.deliver(second)
    waiting = stack.record("b.jpg", second)
    assert (waiting.status, waiting.unfinished, len(stack.rekognition.calls)) == (Status.PROCESSING, 0, 1)
    assert hidden == [LONGEST_HIDDEN]
    stack.clock.now += LONGEST_HIDDEN
    assert not stack.deliver(second)
    left = DAY - stack.clock.now % DAY
    assert left <= hidden[-1] <= left + SPREAD_SECONDS
    stack.clock.now += hidden[-1]
    assert stack.deliver(second)
    assert stack.record("b.jpg", second).status is Status.PUBLISHED
    assert len(stack.rekognition.calls) == 2


def test_waiting_for_the_next_day_is_counted_as_such_and_not_as_a_message_that_was_handed_back(
    stack: MotoStack, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    allow(stack, 1)
    stack.deliver(stack.upload("a.jpg", photo(1)))
    capsys.readouterr()
    stack.deliver(stack.upload("b.jpg", photo(2)))
    printed = capsys.readouterr().out
    assert '"BudgetSpent":[1.0]' in printed.replace(" ", "")
    assert "BatchItemFailures" not in printed
    assert "message waits: the budget of judged pictures" in caplog.text


def test_an_animation_that_is_partly_over_the_budget_goes_on_the_next_day_and_pays_for_no_picture_twice(
    stack: MotoStack,
) -> None:
    allow(stack, 5, specs=replace(stack.settings.specs, formats=("jpeg", "webp")))
    event = stack.upload("a.webp", moving(8, "RGB", "WEBP"))
    assert not stack.deliver(event)
    assert len(stack.rekognition.calls) == 5 == judged_today(stack)
    stack.clock.now += DAY
    assert stack.deliver(event)
    assert stack.record("a.webp", event).status is Status.PUBLISHED
    assert (len(stack.rekognition.calls), judged_today(stack)) == (8, 3)


def test_pictures_that_were_judged_before_cost_nothing_of_the_budget(stack: MotoStack) -> None:
    allow(stack, 1, cache_days=30)
    assert stack.deliver(stack.upload("a.jpg", photo(1)))
    assert stack.deliver(stack.upload("b.jpg", photo(1)))
    assert judged_today(stack) == 1


def test_a_request_that_rekognition_refuses_is_given_back(stack: MotoStack) -> None:
    allow(stack, 1)
    error: Any = {"Error": {"Code": "ThrottlingException", "Message": ""}}
    stack.rekognition.error = ClientError(error, "DetectModerationLabels")
    event = stack.upload("a.jpg", photo(1))
    for _ in range(3):
        assert not stack.deliver(event)
        assert judged_today(stack) == 0
    stack.rekognition.error = None
    assert stack.deliver(event)
    assert judged_today(stack) == 1


def test_a_request_that_never_reached_aws_is_given_back(stack: MotoStack) -> None:
    allow(stack, 1)
    stack.rekognition.error = EndpointConnectionError(endpoint_url="https://rekognition.example")
    assert not stack.deliver(stack.upload("a.jpg", photo(1)))
    assert judged_today(stack) == 0


def test_a_request_that_aws_carried_out_and_then_refused_to_repeat_is_not_given_back(
    stack: MotoStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(stack, 2)
    answer, refused = stack.rekognition.detect_moderation_labels, list[Any]()

    def lost_and_refused(**request: Any) -> Any:
        if refused:
            return answer(**request)
        count_request(1)  # as the client does for the one whose answer was lost
        refused.append(request)
        error: Any = {"Error": {"Code": "ThrottlingException", "Message": ""}}
        raise ClientError(error, "DetectModerationLabels")

    monkeypatch.setattr(stack.rekognition, "detect_moderation_labels", lost_and_refused)
    event = stack.upload("a.jpg", photo(1))
    assert not stack.deliver(event)
    assert judged_today(stack) == 1
    assert stack.deliver(event)
    assert judged_today(stack) == 2


def test_around_midnight_a_refused_request_is_given_back_to_the_day_that_it_was_taken_from(
    stack: MotoStack,
) -> None:
    stack.clock.now += DAY - stack.clock.now % DAY - 1
    client: Any = stack.clients.dynamodb
    budget = JudgingBudget(client, "records", stack.clock, 9, unrepeated=lambda: client)
    invocation = SimpleNamespace(has_time=True)
    attempt: Any = SimpleNamespace(invocation=invocation, event=SimpleNamespace(key="a.jpg"))
    with Spending(budget, attempt) as spending:
        give_back = spending.charge(lambda: None)
        stack.clock.now += 2
        spending.charge(lambda: None)
        give_back()  # the first one, while the second is under way
    today, yesterday = Budgets(client, "records", 9, stack.clock).days(2)
    assert (yesterday.pictures, today.pictures) == (0, 1)


def test_without_an_answer_about_the_budget_nobody_is_asked(stack: MotoStack) -> None:
    allow(stack, 1)
    event = stack.upload("a.jpg", photo(1))
    error: Any = {"Error": {"Code": "InternalServerError", "Message": ""}}
    with mock.patch.object(JudgingBudget, "spend", side_effect=ClientError(error, "UpdateItem")):
        assert not stack.deliver(event)
    assert stack.rekognition.calls == []
    assert stack.deliver(event)


def test_without_a_budget_nothing_is_counted(stack: MotoStack) -> None:
    assert stack.deliver(stack.upload("a.jpg", photo(1)))
    assert judged_today(stack) == 0


def test_a_message_never_hides_for_longer_than_sqs_allows() -> None:
    assert pause(BudgetSpentError("2026-11-29", DAY), 1, 60.0) == LONGEST_HIDDEN < 43_200 - 900
    assert pause(BudgetSpentError("2026-11-29", 100.0), 7, 60.0) == 100.0


@pytest.mark.long
def test_of_a_hundred_uploads_that_race_for_the_last_ten_exactly_ten_are_judged_and_published(
    stack: MotoStack,
) -> None:
    allow(stack, 100)
    client = boto3.client("dynamodb")
    spent = JudgingBudget(client, "records", stack.clock, 100, unrepeated=lambda: client)
    for _ in range(90):
        spent.spend()
    events = [stack.upload(f"{number}.jpg", photo(number, (64, 40))) for number in range(100)]
    calls = threading.RLock()  # moto carries one call out at a time
    real: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def one_at_a_time(client: Any, *call: Any) -> Any:
        with calls:
            return real(client, *call)

    with (
        mock.patch("botocore.client.BaseClient._make_api_call", one_at_a_time),
        ThreadPoolExecutor(100) as pool,
    ):
        done = list(pool.map(stack.deliver, events))
    statuses = [stack.record(f"{number}.jpg", event).status for number, event in enumerate(events)]
    assert done.count(True) == 10 == len(stack.rekognition.calls)
    assert statuses.count(Status.PUBLISHED) == 10
    assert statuses.count(Status.PROCESSING) == 90
