"""Verdicts of one object version: reached once, stored before anything is published, reused where they still count."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from media_pipeline.errors import TransientError
from media_pipeline.events import ObjectEvent
from media_pipeline.invocation import Invocation
from media_pipeline.moderation import hash_list
from media_pipeline.moderation.cached import FreshAnswer
from media_pipeline.moderation.rekognition import Moderator
from media_pipeline.moderation.result import Answers, ModerationResult
from media_pipeline.moderation.samples import Samples
from media_pipeline.moderation.verdicts import Mode, Verdict
from media_pipeline.observability import Observability
from media_pipeline.processing.attempt import Attempt
from media_pipeline.processing.judging import EarlyJudging, Proxies
from media_pipeline.processing.known_content import KnownContent
from media_pipeline.processing.publishing import Publishing
from media_pipeline.processing.second_records import SecondRecord, found_since
from media_pipeline.processing.spending import Spending
from media_pipeline.records.answer_cache import AnswerCache, Look
from media_pipeline.records.budget import JudgingBudget
from media_pipeline.records.record import LOOKS, Record
from media_pipeline.records.table import Records
from media_pipeline.results import Output, Results
from media_pipeline.storage import Storage, rendition_key

NOTHING_PUBLISHED: Mapping[str, Any] = {"renditions": [], **dict.fromkeys(LOOKS)}
"""Facts of a withheld version; None takes the place of what an earlier attempt wrote."""
REQUESTS_AT_ONCE = 4
LIMITED_SECONDS = 7.0
"""The longest that botocore's adaptive limiter holds one request up: it lets one through every two seconds at least,
and each is sent up to three times. So many requests at once hold each other up for so many times longer."""


class Verdicts:
    """Judges what an attempt would publish, and writes the verdict into the record."""

    def __init__(
        self,
        records: Records,
        storage: Storage,
        moderator: Moderator,
        cache: AnswerCache | None,
        budget: JudgingBudget | None,
        known: KnownContent,
        publishing: Publishing,
        observability: Observability,
        samples: Samples,
    ) -> None:
        """`cache` keeps answers for later uploads of the same pictures, `budget` bounds requests; None for none."""
        self._records = records
        self._storage = storage
        self._moderator = moderator
        self._cache = cache
        self._budget = budget
        self._known = known
        self._publishing = publishing
        self._observability = observability
        self._samples = samples

    def withheld(self, attempt: Attempt, stored: ModerationResult) -> Record:
        """Return the record of a version that a stored verdict withholds.

        A verdict that was only observed counts once the policy is enforced: what was put by then is removed.
        """
        if not stored.publishes:
            # Some are there where it was published when a rework withheld it.
            self._publishing.remove(attempt, attempt.record.rendition_keys)
            return attempt.record
        self._publishing.remove(attempt, attempt.record.rendition_keys)
        attempt.invocation.require_time("store the verdict")
        facts = {"moderation": replace(stored, mode=Mode.ENFORCE).to_document(), **NOTHING_PUBLISHED}
        record = self._records.store_verdict(attempt.claim, facts)
        attempt.verdict_stored = True
        return record

    def early(self, attempt: Attempt, encoders: int) -> EarlyJudging:
        """Return what judges an image while the rest of it is encoded by up to `encoders` at once."""

        def ask(proxies: Proxies, *, before_each: Callable[[], None]) -> ModerationResult:
            with attempt.steps("moderate"):
                return self._judge(attempt, proxies, before_each=before_each)

        def is_needed(proxies: Proxies) -> bool:
            return (
                self._moderator_of(attempt).mode is not Mode.OFF and self._reusable(attempt, proxies) is None
            )

        return EarlyJudging(attempt, ask, is_needed=is_needed, encoders=encoders)

    def unasked(self, attempt: Attempt, encoders: int) -> EarlyJudging:
        """Return what encodes an image that a person approved, up to `encoders` files at once, and asks nobody."""

        def ask(proxies: Proxies, *, before_each: Callable[[], None]) -> ModerationResult:  # noqa: ARG001
            raise AssertionError("Rekognition is not asked about what a person approved")

        return EarlyJudging(attempt, ask, is_needed=lambda _: False, encoders=encoders)

    def store_approved(self, attempt: Attempt, results: Results) -> Record:
        """Store what an approved version publishes, before anything is put; its verdict stays as it is.

        Raises TransientError where another decision took the approval's place meanwhile.
        """
        listed = listed_renditions(results, attempt.event, self._storage)
        kept = {rendition["key"] for rendition in listed}
        self._publishing.remove(attempt, attempt.record.rendition_keys - kept)
        attempt.facts |= published_facts(listed, results)
        attempt.invocation.require_time("store what is published")
        record = self._records.store_verdict(attempt.claim, attempt.all_facts())
        attempt.verdict_stored = True
        if not record.publishes:
            raise TransientError("another decision took the place of the approval while it was carried out")
        return record

    def publishes_now(self, attempt: Attempt, stored: ModerationResult) -> bool:
        """Return whether a stored verdict publishes a version in the mode of now."""
        return stored.publishes and not stored.withholds_in(self._moderator_of(attempt).mode)

    def store_restored(self, attempt: Attempt, results: Results, early: EarlyJudging) -> Record:
        """Store the verdict about what a restore would publish, as `store` does.

        Raises TransientError where the version has another record that stays.
        """
        stored = self.store(attempt, results, early)
        if isinstance(stored, SecondRecord):
            raise TransientError("another record of the version took the place of the one that is restored")
        return stored

    def store(self, attempt: Attempt, results: Results, early: EarlyJudging) -> Record | SecondRecord:
        """Have it judged, unless an earlier attempt did, and store the verdict with all facts.

        Store nothing where the version has another record by now that stays.
        """
        known, event = attempt.record, attempt.event
        listed = listed_renditions(results, event, self._storage)
        moderation = self._reusable(attempt, results.proxies)
        if moderation is not None and self.is_listed(attempt, results):
            moderation = None  # put on the hash list since: an undelete must not publish it again
        if moderation is None:
            moderation = early.verdict(tuple(results.proxies)) or self._judge_now(attempt, results)
            self._judged(attempt, moderation)
        elif listed == list(known.renditions) and known.rendition_keys == known.listed_keys:
            record = self._records.store_verdict(attempt.claim, {})  # decoding ended once more
            attempt.verdict_stored = True
            return record
        if (second := found_since(attempt, self._records.succession)) is not None:
            return second
        # Deployed with other sizes, or another policy, since: remove what the earlier attempt put before its list goes.
        kept = {rendition["key"] for rendition in listed} if moderation.publishes else set()
        self._publishing.remove(attempt, known.rendition_keys - kept)
        attempt.facts["moderation"] = moderation.to_document()
        attempt.facts |= published_facts(listed, results) if moderation.publishes else NOTHING_PUBLISHED
        is_checked = self._is_checked(known, moderation)
        if is_checked or known.is_checked:  # what an earlier attempt chose may be withheld by now
            attempt.facts["check"] = is_checked
        if is_checked or not moderation.publishes:
            attempt.facts["review"] = self._publishing.put_review_pictures(attempt, results, moderation)
        attempt.invocation.require_time("store the verdict")
        record = self._records.store_verdict(attempt.claim, attempt.all_facts())
        attempt.verdict_stored = True
        return record

    def _moderator_of(self, attempt: Attempt) -> Moderator:
        return self._moderator.of(attempt.event.key)

    def _is_checked(self, record: Record, moderation: ModerationResult) -> bool:
        """Return whether a person is to check what the policy allowed; the same answer for every attempt."""
        is_allowed = moderation.verdict is Verdict.ALLOW
        return is_allowed and self._samples.has_check(record.object_key, record.version)

    def _reusable(self, attempt: Attempt, proxies: Sequence[bytes]) -> ModerationResult | None:
        """Return the verdict of an earlier attempt where it is about exactly what would be published now."""
        stored = attempt.record.moderation
        if stored is None or attempt.record.attributes.get("sha256") != attempt.facts["sha256"]:
            return None
        pictures = (hashlib.sha256(proxy).hexdigest() for proxy in proxies)
        return stored if stored.covers(pictures, self._moderator_of(attempt).mode) else None

    def is_listed(self, attempt: Attempt, results: Results) -> bool:
        """Return whether the hash list has the original of an attempt, whose bytes were read, or what it looks like."""
        read = partial(attempt.before_call, "read the hash list")
        return self._known.find(attempt, results.proxies, read) is not None

    def _judged(self, attempt: Attempt, moderation: ModerationResult) -> None:
        """Count answers that were used again; write down new ones in the background, beside what follows.

        Only the end of the invocation waits for that.
        """
        if moderation.reused:
            self._observability.answers_reused(moderation.reused)
        if attempt.keep_answers is not None:
            attempt.overlap.start(attempt.overlap.carried(attempt.keep_answers))

    def _judge_now(self, attempt: Attempt, results: Results) -> ModerationResult:
        with attempt.steps("moderate"):
            return self._judge(
                attempt,
                results.proxies,
                before_each=lambda: attempt.before_call("ask Rekognition"),
                times=results.times,
                many_scenes=results.many_scenes,
            )

    def _judge(
        self,
        attempt: Attempt,
        proxies: Sequence[bytes],
        *,
        before_each: Callable[[], None],
        times: Sequence[float] | None = None,
        many_scenes: bool = False,
    ) -> ModerationResult:
        """Have judged what no earlier attempt has an answer for; the worse verdict counts."""
        known = Answers.of_record(attempt.record.attributes, self._moderator_of(attempt).asked_from)
        judged = self._ask(
            attempt, proxies, known, before_each=before_each, times=times, many_scenes=many_scenes
        )
        stored = attempt.record.moderation
        return judged if stored is None else stored.worse(judged)

    def anew(self, attempt: Attempt, results: Results, *, fresh: bool) -> ModerationResult:
        """Return the verdict on what was published already, whatever the stored one is.

        `fresh` asks about pictures again that the stored verdict has an answer for, but not about those that an attempt
        which was cut off since has one for.
        """
        attributes = attempt.record.attributes
        known = {"answers": attributes.get("answers")} if fresh else attributes
        with attempt.steps("moderate"):
            moderation = self._ask(
                attempt,
                results.proxies,
                Answers.of_record(known, self._moderator_of(attempt).asked_from),
                before_each=lambda: attempt.before_call("ask Rekognition"),
                times=results.times,
                many_scenes=results.many_scenes,
            )
        self._judged(attempt, moderation)
        return moderation

    def _ask(
        self,
        attempt: Attempt,
        proxies: Sequence[bytes],
        known: Answers | None,
        *,
        before_each: Callable[[], None],
        times: Sequence[float] | None,
        many_scenes: bool,
    ) -> ModerationResult:
        """Look into the hash list, then ask Rekognition about the pictures that are not among the `known` answers.

        What the list blocks costs no request.
        """
        match = self._known.find(attempt, proxies, before_each)
        if match is not None and match.action is Verdict.BLOCK:
            return hash_list.blocked(
                match, policy_version=self._moderator_of(attempt).policy_version, to_judge=len(proxies)
            )
        fresh: list[FreshAnswer] = []

        def remember(answers: Answers, answer: FreshAnswer) -> None:
            attempt.answers = answers
            fresh.append(answer)

        look = self._look(attempt, proxies, known, before_each)
        with Spending(self._budget, attempt) as spending:
            judged = self._moderator_of(attempt).judge(
                proxies,
                before_each=before_each,
                charge=partial(spending.charge, before_each),
                times=times,
                many_scenes=many_scenes,
                generated="provenance" in attempt.facts,
                known=known,
                cached=look.known if look else None,
                on_answer=remember,
                together=attempt.overlap.at_most(requests_at_once(attempt.invocation)),
            )
        if self._cache is not None and look is not None and fresh:
            asked_from, has_time = self._moderator_of(attempt).asked_from, lambda: attempt.invocation.has_time
            keep = partial(self._cache.keep, look, fresh, asked_from=asked_from, has_time=has_time)
            attempt.keep_answers = keep
        if match is not None:
            judged = hash_list.reviewed(match, judged)
        return judged

    def _look(
        self,
        attempt: Attempt,
        proxies: Sequence[bytes],
        known: Answers | None,
        before_each: Callable[[], None],
    ) -> Look | None:
        """Look for answers to earlier uploads of the same pictures; None where there is no cache, or no time for it."""
        digests = {hashlib.sha256(proxy).hexdigest() for proxy in proxies}
        missing = digests - known.pictures.keys() if known else digests
        is_asked = self._moderator_of(attempt).mode is not Mode.OFF and bool(missing)
        if self._cache is None or not is_asked or not attempt.invocation.has_time_to_spare:
            return None
        before_each()
        return self._cache.look(missing, asked_from=self._moderator_of(attempt).asked_from)


def requests_at_once(invocation: Invocation) -> int:
    """Return how many pictures Rekognition may be asked about at once: fewer where little time is left for them.

    A function that is killed while it waits for Rekognition looks as if decoding had killed it.
    """
    return max(1, min(REQUESTS_AT_ONCE, int(invocation.step_seconds / LIMITED_SECONDS)))


def published_facts(listed: list[dict[str, Any]], results: Results) -> dict[str, Any]:
    """Return the facts of the record that show what is published."""
    return {
        "renditions": listed,
        "placeholder": results.placeholder,
        "dominant_colour": results.dominant_colour,
        "pdq": results.pdq,
        "pdq_quality": results.pdq_quality,
    }


def listed_renditions(results: Results, event: ObjectEvent, storage: Storage) -> list[dict[str, Any]]:
    """Return the entries of the record that list what would be published, in the order of `results.renditions`."""
    entries = (listed_rendition(rendition, event) for rendition in results.renditions)
    return [
        entry if (url := storage.address_of(entry["key"])) is None else {**entry, "url": url}
        for entry in entries
    ]


def listed_rendition(rendition: Output, event: ObjectEvent) -> dict[str, Any]:
    """Return a rendition's entry in the record, without its address."""
    return {
        "name": rendition.name,
        "format": rendition.format,
        "width": rendition.width,
        "height": rendition.height,
        "bytes": rendition.length,
        "key": rendition_key(event.key, event.version, rendition.name, rendition.sha256, rendition.extension),
    }
