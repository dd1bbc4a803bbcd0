"""Plausible mistakes in how uploads are compared with the stack's hash list."""

import dataclasses
from typing import Any

from media_pipeline.moderation import hash_list
from media_pipeline.moderation.result import ModerationResult
from media_pipeline.moderation.verdicts import Mode
from media_pipeline.processing import publishing, verdicts
from media_pipeline.processing.endings import WITHHELD
from media_pipeline.records import hash_list as hash_list_items
from tests.faults.mutations import mutation, swap

Reader = hash_list_items.HashListReader


@mutation
def a_hash_list_that_cannot_be_read_counts_as_empty() -> None:
    def current(self: Any, before_read: Any) -> Any:
        try:
            return real(self, before_read)
        except Exception:  # noqa: BLE001 - the mistake
            return hash_list.HashList()

    real = Reader.current
    swap(Reader, "current", lambda _: current)


@mutation
def the_hash_list_is_read_once_per_environment() -> None:
    swap(hash_list_items, "REFRESH_SECONDS", lambda _: float("inf"))


@mutation
def a_refresh_of_the_hash_list_reads_only_what_is_newer_than_the_last_one() -> None:
    swap(hash_list_items, "OVERLAP_SECONDS", lambda _: 0.0)


@mutation
def the_time_is_looked_at_once_before_the_hash_list_is_read() -> None:
    def pages(*table: Any, first: str, before_each: Any = lambda: None) -> Any:
        before_each()
        yield from real(*table, first=first)

    real = hash_list_items._pages
    swap(hash_list_items, "_pages", lambda _: pages)


@mutation
def each_attempt_reads_the_hash_list_from_its_beginning() -> None:
    def current(self: Any, before_read: Any) -> Any:
        if self._read_at is None:
            self._settled = ""
        return real(self, before_read)

    real = Reader.current
    swap(Reader, "current", lambda _: current)


@mutation
def what_left_the_hash_list_still_counts() -> None:
    def read(self: Any, items: Any) -> Any:
        return real(self, (item for item in items if "removes" not in item))

    real = hash_list_items._Changes.read
    swap(hash_list_items._Changes, "read", lambda _: read)


@mutation
def the_hash_list_is_looked_at_after_rekognition() -> None:
    def judge(self: Any, attempt: Any, proxies: Any, **how: Any) -> Any:
        find = self._known.find
        self._known.find = lambda *_: None
        try:
            judged = real(self, attempt, proxies, **how)
        finally:
            self._known.find = find
        return real(self, attempt, proxies, **how) if find(attempt, proxies, how["before_each"]) else judged

    real = verdicts.Verdicts._judge
    swap(verdicts.Verdicts, "_judge", lambda _: judge)


@mutation
def a_stored_verdict_outweighs_the_hash_list() -> None:
    swap(verdicts.Verdicts, "is_listed", lambda _: lambda *_: False)


@mutation
def the_hash_list_counts_only_where_the_policy_is_enforced() -> None:
    def blocked(match: Any, **how: Any) -> ModerationResult:
        return dataclasses.replace(real(match, **how), mode=Mode.OBSERVE)

    real = hash_list.blocked
    swap(hash_list, "blocked", lambda _: blocked)


@mutation
def an_entry_that_asks_for_review_is_passed_over() -> None:
    swap(hash_list, "reviewed", lambda _: lambda match, judged: judged)


@mutation
def what_the_hash_list_blocked_has_the_reason_of_the_policy() -> None:
    swap(publishing, "withheld_as", lambda _: lambda moderation: WITHHELD[moderation.verdict])
