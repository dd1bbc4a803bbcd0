"""Plausible mistakes in the day's budget of judged pictures."""

import dataclasses
import math
from typing import Any

from media_pipeline.bootstrap import clients
from media_pipeline.errors import BudgetSpentError
from media_pipeline.processing import messages, spending
from media_pipeline.records import budget
from media_pipeline.records.record import plain, to_item
from tests.faults.mutations import mutation, swap

Budget = budget.JudgingBudget


@mutation
def the_budget_is_read_and_then_spent() -> None:
    def spend(self: Any) -> str:
        now = self.clock()
        key = budget.key_of(budget.day_of(now))
        item = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item", {})
        judged = int(plain(item["judged"])) if item else 0
        if judged >= self.per_day:
            raise BudgetSpentError(budget.day_of(now), budget.DAY - now % budget.DAY)
        self.dynamodb.update_item(
            TableName=self.table,
            Key=key,
            UpdateExpression="SET judged = :judged",
            ExpressionAttributeValues=to_item({":judged": judged + 1}),
        )
        return budget.day_of(now)

    swap(Budget, "spend", lambda _: spend)


@mutation
def the_budget_allows_one_picture_more() -> None:
    swap(budget, "_IS_WITHIN", lambda condition: condition.replace("judged < :most", "judged <= :most"))


@mutation
def the_budget_is_not_of_a_day() -> None:
    swap(budget, "day_of", lambda _: lambda seconds: "2026-11-29")


@mutation
def what_is_over_the_budget_is_rejected_after_fifty_receives() -> None:
    def pause(error: Exception, receives: int, timeout: float) -> float:
        return real(Exception() if isinstance(error, BudgetSpentError) else error, receives, timeout)

    real = messages.pause
    swap(messages, "pause", lambda _: pause)


@mutation
def what_waits_is_hidden_for_longer_than_sqs_allows() -> None:
    swap(messages, "LONGEST_HIDDEN", lambda _: math.inf)


@mutation
def every_request_is_given_back_to_the_budget() -> None:
    def charge(self: Any, before_call: Any) -> Any:
        give_back = real(self, before_call)
        give_back()
        return give_back

    real = spending.Spending.charge
    swap(spending.Spending, "charge", lambda _: charge)


@mutation
def a_request_is_given_back_whose_last_repetition_was_refused() -> None:
    swap(clients, "count_request", lambda _: lambda requests: None)


@mutation
def the_sdk_gives_back_to_the_budget_twice() -> None:
    def give_back(self: Any, day: str, pictures: int) -> None:
        real(dataclasses.replace(self, unrepeated=lambda: self.dynamodb), day, pictures)

    real = Budget.give_back
    swap(Budget, "give_back", lambda _: give_back)
