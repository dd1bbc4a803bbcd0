"""What an attempt takes from the day's budget of judged pictures."""

from collections.abc import Callable
from functools import partial
from typing import Self
from zlib import crc32

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import BudgetSpentError
from media_pipeline.processing.attempt import Attempt
from media_pipeline.records.budget import JudgingBudget

SPREAD_SECONDS = 600
"""Messages that wait for the next day return within so many seconds of its beginning, not all at once."""


class Spending:
    """Takes one picture from the budget for each request to Rekognition; without a budget it does nothing.

    A context manager: on leaving it, requests that AWS does not bill are given back, each to the day that it was taken
    from. What cannot be given back counts as spent: the budget is never exceeded, and at worst not used up.
    """

    def __init__(self, budget: JudgingBudget | None, attempt: Attempt) -> None:
        self._budget = budget
        self._attempt = attempt
        self._unbilled: list[str] = []  # the day of each

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._budget is None or not self._unbilled or not self._attempt.invocation.has_time:
            return
        try:
            for day in sorted(set(self._unbilled)):
                self._budget.give_back(day, self._unbilled.count(day))
        except (BotoCoreError, ClientError) as problem:
            if error is not None:
                error.add_note(f"and what was not judged could not be given back to the budget: {problem}")

    def charge(self, before_call: Callable[[], None]) -> Callable[[], None]:
        """Take a picture from the budget for a request; return what to call where AWS bills nothing for it.

        `before_call` prepares the request once it is paid for, which took time, and may refuse it by raising.
        Raises BudgetSpentError.
        """
        if self._budget is None:
            return lambda: None
        give_back = partial(self._unbilled.append, self._spend(self._budget))
        try:
            before_call()
        except Exception:
            give_back()
            raise
        return give_back

    def _spend(self, budget: JudgingBudget) -> str:
        try:
            return budget.spend()
        except BudgetSpentError as error:
            later = crc32(self._attempt.event.key.encode()) % SPREAD_SECONDS
            raise BudgetSpentError(error.day, error.seconds + later) from error
