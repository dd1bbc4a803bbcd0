"""What an attempt takes from the day's budget of judged pictures."""

from collections.abc import Callable
from typing import Self
from zlib import crc32

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import BudgetSpentError
from media_pipeline.processing.attempt import Attempt
from media_pipeline.records.budget import JudgingBudget

SPREAD_SECONDS = 600
"""Messages that wait for the next day return within so many seconds of its beginning, not all at once."""


class Spending:
    """Takes one picture from the budget before each request to Rekognition; without a budget it does nothing.

    A context manager: on leaving it, requests that Rekognition refused are given back. What cannot be given back counts
    as spent: the budget is never exceeded, and at worst not used up.
    """

    def __init__(self, budget: JudgingBudget | None, attempt: Attempt) -> None:
        self._budget = budget
        self._attempt = attempt
        self._refused: list[str] = []  # the day of each
        self._day = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._budget is None or not self._refused or not self._attempt.invocation.has_time:
            return
        try:
            for day in sorted(set(self._refused)):
                self._budget.give_back(day, self._refused.count(day))
        except (BotoCoreError, ClientError) as problem:
            if error is not None:
                error.add_note(f"and what was not judged could not be given back to the budget: {problem}")

    def before(self, before_each: Callable[[], None]) -> Callable[[], None]:
        """Return what to call before each request; `before_each` prepares a call to AWS, and may refuse it.

        Raises BudgetSpentError.
        """
        budget = self._budget
        if budget is None:
            return before_each

        def spend() -> None:
            before_each()
            self._day = self._spend(budget)
            try:
                before_each()
            except Exception:
                self.refused()
                raise

        return spend

    def refused(self) -> None:
        """Note that a request was not made, or that Rekognition refused it: such a request is not billed."""
        self._refused.append(self._day)

    def _spend(self, budget: JudgingBudget) -> str:
        try:
            return budget.spend()
        except BudgetSpentError as error:
            later = crc32(self._attempt.event.key.encode()) % SPREAD_SECONDS
            raise BudgetSpentError(error.day, error.seconds + later) from error
