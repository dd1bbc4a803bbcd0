"""Plausible mistakes with configurations, billing, time-outs and what is shown of withheld uploads."""

from typing import Any

from media_pipeline import invocation
from media_pipeline.bootstrap import clients
from media_pipeline.messaging import announcements
from media_pipeline.moderation import policy, rekognition, result
from media_pipeline.moderation.verdicts import Label, Mode
from media_pipeline.processing import clean_up, verdicts
from tests.faults.mutations import mutation, swap

ModerationResult, Answers = result.ModerationResult, result.Answers


@mutation
def of_two_paths_the_shorter_one_decides() -> None:
    def of(self: Any, key: str) -> Any:
        prefix = min(filter(key.startswith, self.paths), key=len, default=None)
        return self if prefix is None else self.paths[prefix]

    swap(policy.Policy, "of", lambda _: of)


@mutation
def an_allowing_verdict_counts_for_any_picture() -> None:
    """Formats and sizes that joined between two attempts are published on the word about the earlier ones."""

    def covers(self: Any, pictures: Any, mode: Mode) -> bool:
        return bool(mode.strictness <= self.mode.strictness)

    swap(ModerationResult, "covers", lambda _: covers)


@mutation
def a_verdict_about_as_many_pictures_counts() -> None:
    def covers(self: Any, pictures: Any, mode: Mode) -> bool:
        is_stricter = mode.strictness > self.mode.strictness
        return not is_stricter and (mode is Mode.OFF or len(self.pictures) >= len(list(pictures)))

    swap(ModerationResult, "covers", lambda _: covers)


@mutation
def a_verdict_counts_in_a_stricter_mode() -> None:
    """What `observe` or `off` let through is published under `enforce`."""

    def covers(self: Any, pictures: Any, mode: Mode) -> bool:
        judged = {picture.sha256 for picture in self.pictures}
        return self.mode is Mode.OFF or judged.issuperset(pictures)

    swap(ModerationResult, "covers", lambda _: covers)
    swap(ModerationResult, "withholds_in", lambda _: lambda self, mode: not self.publishes)


@mutation
def a_recorded_block_counts_in_its_own_mode_only() -> None:
    """A redrive under `enforce` publishes what `observe` recorded as blocked, and the other way round."""

    def withholds_in(self: Any, mode: Mode) -> bool:
        return mode is Mode.ENFORCE and self.mode is Mode.ENFORCE and not self.publishes

    swap(ModerationResult, "withholds_in", lambda _: withholds_in)


@mutation
def an_observed_verdict_is_stored_as_it_was() -> None:
    """It withholds now, but its record still says that it was only observed."""

    def withheld(self: Any, attempt: Any, stored: Any) -> Any:
        return attempt.record

    swap(verdicts.Verdicts, "withheld", lambda _: withheld)


@mutation
def known_answers_are_billed_again() -> None:
    swap(Answers, "of_record", lambda _: staticmethod(lambda attributes, asked_from: None))


@mutation
def answers_are_not_written_down_on_release() -> None:
    def release(self: Any, attempt: Any, error: Exception) -> None:
        attempt.answers = None
        real(self, attempt, error)

    real = clean_up.CleanUp.release
    swap(clean_up.CleanUp, "release", lambda _: release)


@mutation
def only_the_last_answer_is_written_down() -> None:
    def judge(self: Any, proxies: Any, *, on_answer: Any, **how: Any) -> Any:
        def last(answers: Any, fresh: Any) -> None:
            on_answer(answers._replace(pictures={fresh.picture.sha256: fresh.picture}), fresh)

        return real(self, proxies, on_answer=last, **how)

    real = rekognition.Moderator.judge
    swap(rekognition.Moderator, "judge", lambda _: judge)


@mutation
def answers_asked_for_from_a_higher_confidence_count() -> None:
    """Labels that the stricter policy of now needs were never asked for."""

    def of_record(attributes: Any, asked_from: float) -> Any:
        return real(attributes, 0.0 if attributes.get("moderation") is None else 100.0) or real(
            attributes, 100.0
        )

    real = Answers.of_record
    swap(Answers, "of_record", lambda _: staticmethod(of_record))


@mutation
def a_surer_parent_is_not_judged() -> None:
    def surest_descendant(self: Any, label: Label) -> float:
        found: float = real(self, label)
        return max(found, label.confidence) if found > 0 else found

    ancestry = vars(policy)["_Ancestry"]
    real = ancestry.surest_descendant
    swap(ancestry, "surest_descendant", lambda _: surest_descendant)


@mutation
def a_withheld_picture_is_announced_with_its_placeholder() -> None:
    swap(verdicts, "NOTHING_PUBLISHED", lambda _: {"renditions": []})
    swap(announcements, "LOOKS", lambda _: frozenset())

    def store(self: Any, attempt: Any, results: Any, early: Any) -> Any:
        attempt.facts["placeholder"] = results.placeholder
        return real(self, attempt, results, early)

    real = verdicts.Verdicts.store
    swap(verdicts.Verdicts, "store", lambda _: store)


@mutation
def a_lease_is_hardly_longer_than_the_time_out() -> None:
    """Two clocks may differ by more than a tenth of a short time-out."""
    swap(invocation, "LEASE_MARGIN", lambda _: 1.1)


@mutation
def each_lease_lasts_a_minute() -> None:
    """Longer time-outs are configured than the one it was written for."""
    swap(invocation.Invocation, "lease_seconds", lambda _: property(lambda self: 78.0))


@mutation
def clients_wait_as_long_whatever_the_time_out() -> None:
    def client(service: str, timeout: float, *how: Any, **options: Any) -> Any:
        return real(service, 60.0, *how, **options)

    real: Any = vars(clients)["_client"]
    swap(clients, "_client", lambda _: client)


@mutation
def clients_of_long_functions_wait_for_minutes() -> None:
    """Retries of one call take more than the part of the time-out that is kept for it."""

    def client(*arguments: Any, **options: Any) -> Any:
        return real(*arguments, **{"read_share": 1 / 4, **options})

    real: Any = vars(clients)["_client"]
    swap(clients, "_client", lambda _: client)
