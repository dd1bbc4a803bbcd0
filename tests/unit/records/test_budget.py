"""The day's budget of judged pictures: exact whoever races for it, and given back where nobody was asked."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from media_pipeline.errors import BudgetSpentError
from media_pipeline.records.budget import DAY, JudgingBudget, day_of, key_of
from operations.budget import Budgets
from operations.errors import OperationsError
from tests.fixtures.moto_stack import MotoStack

NOON = 1_795_953_600.0  # 2026-11-29, 12:00 UTC


class OneCallAtATime:
    """DynamoDB carries each call out whole, and calls of others come between any two of one function."""

    def __init__(self) -> None:
        self._client = boto3.client("dynamodb")
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)

        def call(**request: Any) -> Any:
            with self._lock:
                answer = real(**request)
            time.sleep(0.001)  # lets another thread have its call
            return answer

        return call


def budget(per_day: int, now: float = NOON, client: Any = None) -> JudgingBudget:
    client = client or boto3.client("dynamodb")
    return JudgingBudget(client, "records", lambda: now, per_day, unrepeated=lambda: client)


def test_of_a_hundred_functions_that_race_for_the_last_ten_pictures_exactly_ten_judge(
    stack: MotoStack,
) -> None:
    client = OneCallAtATime()
    shared = budget(100, client=client)
    for _ in range(90):
        shared.spend()
    together = threading.Barrier(100)

    def race(_: int) -> bool:
        together.wait()
        try:
            shared.spend()
        except BudgetSpentError:
            return False
        return True

    with ThreadPoolExecutor(100) as pool:
        assert sum(pool.map(race, range(100))) == 10
    (today,) = Budgets(boto3.client("dynamodb"), "records", 100, lambda: NOON).days(1)
    assert (today.pictures, today.is_spent) == (100, True)


def test_what_is_over_the_budget_is_tried_again_when_the_day_turns_and_then_has_a_budget(
    stack: MotoStack,
) -> None:
    budget(1).spend()
    with pytest.raises(BudgetSpentError) as refused:
        budget(1).spend()
    assert (refused.value.day, refused.value.seconds) == ("2026-11-29", DAY / 2)
    assert budget(1, NOON + refused.value.seconds).spend() == "2026-11-30"


def test_a_picture_that_was_given_back_can_be_judged_again(stack: MotoStack) -> None:
    limited = budget(1)
    limited.give_back(limited.spend(), 1)
    limited.spend()
    with pytest.raises(BudgetSpentError):
        limited.spend()


def test_a_person_can_allow_more_today_or_nothing_and_tomorrow_is_as_configured(stack: MotoStack) -> None:
    budgets = Budgets(boto3.client("dynamodb"), "records", 1, lambda: NOON)
    assert budgets.allow_today(0).is_spent
    with pytest.raises(BudgetSpentError):
        budget(1).spend()
    assert not budgets.allow_today(3).is_spent
    for _ in range(3):
        budget(1).spend()
    with pytest.raises(BudgetSpentError):
        budget(1).spend()
    assert [(each.day, each.pictures, each.allowed) for each in budgets.days(2)] == [
        ("2026-11-29", 3, 3),
        ("2026-11-28", 0, 1),
    ]
    budget(1, NOON + DAY).spend()
    with pytest.raises(BudgetSpentError):
        budget(1, NOON + DAY).spend()


def test_the_count_of_a_day_expires(stack: MotoStack) -> None:
    budget(1).spend()
    item = boto3.client("dynamodb").get_item(TableName="records", Key=key_of(day_of(NOON)))["Item"]
    assert int(item["expires_at"]["N"]) == NOON + 40 * DAY


def test_days_that_dynamodb_did_not_get_to_are_read_again(stack: MotoStack) -> None:
    for day in range(3):
        budget(9, NOON - day * DAY).spend()

    class Busy:
        """Reads one key of a request."""

        def __init__(self, reads: int) -> None:
            self.left = reads

        def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803 - as in boto3
            self.left -= 1
            first, *rest = RequestItems["records"]["Keys"]
            wanted: Any = {**RequestItems["records"], "Keys": [first] if self.left >= 0 else []}
            if not wanted["Keys"]:
                return {"Responses": {}, "UnprocessedKeys": RequestItems}
            answer = boto3.client("dynamodb").batch_get_item(RequestItems={"records": wanted})
            later = {"records": {**RequestItems["records"], "Keys": rest}} if rest else {}
            return {**answer, "UnprocessedKeys": later}

    def days(reads: int) -> list[int]:
        client: Any = Busy(reads)
        return [judged.pictures for judged in Budgets(client, "records", 9, lambda: NOON).days(4)]

    assert days(9) == [1, 1, 1, 0]
    with pytest.raises(OperationsError, match="again in a moment"):
        days(2)
