"""Plausible mistakes in how answers of Rekognition are kept for later uploads, and used again."""

import hashlib
from collections.abc import Mapping
from typing import Any

from media_pipeline.moderation import cached, rekognition, result
from media_pipeline.processing import verdicts
from media_pipeline.records import answer_cache
from media_pipeline.records.record import to_item
from tests.faults.mutations import mutation, swap

Cache, Answer = answer_cache.AnswerCache, cached.CachedAnswer


@mutation
def verdicts_are_kept_instead_of_labels() -> None:
    known: dict[tuple[Any, ...], Any] = {}

    def judge(self: Any, attempt: Any, proxies: Any, **how: Any) -> Any:
        network = self._observability._compute.__self__  # of this run alone
        digests = (network, *(hashlib.sha256(proxy).hexdigest() for proxy in proxies))
        if self._cache is not None and digests in known:
            return known[digests]
        known[digests] = real(self, attempt, proxies, **how)
        return known[digests]

    real = verdicts.Verdicts._judge
    swap(verdicts.Verdicts, "_judge", lambda _: judge)


def _serves(**ignored: Any) -> None:
    """Let answers serve whatever one of the circumstances is."""

    def serves(self: Any, **circumstances: Any) -> bool:
        same = {name: ignore(self) for name, ignore in ignored.items()}
        return bool(real(self, **{**circumstances, **same}))

    real = Answer.serves
    swap(Answer, "serves", lambda _: serves)


@mutation
def an_answer_of_another_model_serves() -> None:
    _serves(model_version=lambda answer: answer.model_version)


@mutation
def an_answer_with_too_few_labels_serves() -> None:
    _serves(asked_from=lambda answer: answer.asked_from)


@mutation
def answers_never_become_too_old() -> None:
    _serves(not_before=lambda answer: answer.asked_at)


@mutation
def a_newer_model_is_not_noted() -> None:
    def keep(self: Any, look: Any, answers: Any, **how: Any) -> None:
        if look.note is not None:
            answers = [answer._replace(model_version=look.note.version) for answer in answers]
        real(self, look, answers, **how)

    real = Cache.keep
    swap(Cache, "keep", lambda _: keep)


@mutation
def an_older_model_is_noted_after_a_newer_one() -> None:
    def keep(self: Any, look: Any, answers: Any, **how: Any) -> None:
        real(self, look._replace(note=None), answers, **how)

    def note(self: Any, version: str, order: str) -> bool:
        values = {"model_version": version, "model_order": order, "noted_at": self._clock()}
        self._dynamodb.update_item(
            TableName=self._table,
            Key=answer_cache._key(answer_cache.MODEL),
            UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
            ExpressionAttributeValues=to_item({f":{name}": each for name, each in values.items()}),
        )
        return True

    real = Cache.keep
    swap(Cache, "keep", lambda _: keep)
    swap(Cache, "_note_model", lambda _: note)


@mutation
def answers_of_two_models_are_mixed() -> None:
    def begin(self: Any, known: Any, cached: Any) -> Any:
        answers = real(self, known, cached)
        if cached is not None:
            cached.pictures.clear()  # what is compared with the model of each answer
        return answers

    real = rekognition.Moderator._begun
    swap(rekognition.Moderator, "_begun", lambda _: begin)


@mutation
def an_answer_that_cannot_be_read_is_one_without_labels() -> None:
    def read(document: Mapping[str, Any]) -> Any:
        try:
            return real(document)
        except (KeyError, TypeError, ValueError):
            return Answer(labels=(), asked_from=0.0, model_version="7.0", asked_at=float("inf"))

    real = Answer.from_document
    swap(Answer, "from_document", lambda _: staticmethod(read))


@mutation
def one_answer_serves_all_pictures_of_an_object() -> None:
    def look(self: Any, digests: Any, **how: Any) -> Any:
        found = real(self, digests, **how)
        if found is None or not found.known.pictures:
            return found
        one = next(iter(found.known.pictures.values()))
        pictures = {digest: one._replace(sha256=digest) for digest in digests}
        return found._replace(known=found.known._replace(pictures=pictures))

    real = Cache.look
    swap(Cache, "look", lambda _: look)


def _on_trouble(make: Any) -> None:
    """Let `make` say what a look into a cache in trouble returns."""

    def look(self: Any, digests: Any, **how: Any) -> Any:
        problems: list[Exception] = []
        self._on_error = problems.append
        found = real(self, digests, **how)
        return make(digests, problems[0]) if problems else found

    real = Cache.look
    swap(Cache, "look", lambda _: look)


@mutation
def trouble_with_the_cache_ends_the_attempt() -> None:
    def fail(_: Any, problem: Exception) -> Any:
        raise problem

    _on_trouble(fail)


@mutation
def trouble_with_the_cache_reads_as_no_labels() -> None:
    def clean(digests: Any, _: Exception) -> Any:
        pictures = {digest: result.JudgedPicture(sha256=digest, labels=(), reused=True) for digest in digests}
        return answer_cache.Look(cached.KnownAnswers(model_version="7.0", pictures=pictures), None)

    _on_trouble(clean)


@mutation
def a_released_claim_keeps_answers_that_nobody_paid_for() -> None:
    swap(result.Answers, "without_reused", lambda _: lambda self: self)


@mutation
def nothing_says_that_an_answer_was_used_again() -> None:
    def picture(self: Any, sha256: str, asked_from: float) -> Any:
        return real(self, sha256, asked_from)._replace(reused=False)

    real = Answer.picture
    swap(Answer, "picture", lambda _: picture)
