"""Asks Amazon Rekognition's content moderation about what would be published."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.concurrency import Together, one_by_one
from media_pipeline.errors import FailedError, Reason
from media_pipeline.moderation.billing import billed_call
from media_pipeline.moderation.cached import FreshAnswer, KnownAnswers
from media_pipeline.moderation.policy import (
    Decision,
    Policy,
    decide,
    decide_generated,
    decide_many_scenes,
    merge,
    worst,
)
from media_pipeline.moderation.result import Answers, JudgedPicture, ModerationResult
from media_pipeline.moderation.verdicts import Label, Mode, Verdict

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

# Rekognition's errors about a picture that it cannot process. The picture is our own JPEG, so the fault is
# ours, never the uploader's; a retry would send the same bytes.
OUR_FAULT = frozenset(
    {
        "InvalidImageFormatException",
        "ImageTooLargeException",
        "InvalidParameterException",
        "ValidationException",
    }
)

_Answer = tuple[str, tuple[Label, ...], str]
"""SHA-256 of the picture, its labels, and the version of Rekognition's model."""


def _nothing() -> None:
    pass


class Moderator:
    """Judges pictures by one policy; `of` gives the moderator with the policy for an object key."""

    def __init__(self, *, rekognition: "RekognitionClient", policy: Policy) -> None:
        self._rekognition = rekognition
        self._policy = policy

    def of(self, key: str) -> "Moderator":
        """Return what judges an object with this key, by the policy for it."""
        policy = self._policy.of(key)
        return self if policy is self._policy else Moderator(rekognition=self._rekognition, policy=policy)

    @property
    def mode(self) -> Mode:
        """What a verdict does now."""
        return self._policy.mode

    @property
    def policy_version(self) -> str:
        """What identifies the policy in records."""
        return self._policy.version

    @property
    def asked_from(self) -> float:
        """The least confidence, in percent, that Rekognition is asked for."""
        return self._policy.min_confidence

    def again(self, stored: ModerationResult) -> ModerationResult | None:
        """Return what the policy makes of recorded answers; None where a new upload would be judged by more than them.

        A block is certain whatever else Rekognition would find.
        """
        least = self._policy.min_confidence
        if self._policy.mode is not Mode.ENFORCE or stored.mode is Mode.OFF or not stored.pictures:
            return None
        asked = [
            tuple(label for label in picture.labels if label.confidence >= least)
            for picture in stored.pictures
        ]
        decisions = [decide(labels, self._policy) for labels in asked]
        if stored.many_scenes:
            decisions.append(decide_many_scenes(len(asked), self._policy))
        if stored.generated:
            decisions.append(decide_generated(self._policy))
        decision = worst(decisions)
        is_complete = (
            stored.asked_from is not None
            and stored.asked_from <= least
            and all(picture.complete for picture in stored.pictures)
            and stored.judged >= (stored.to_judge or stored.judged)
        )
        if not is_complete and decision.verdict is not Verdict.BLOCK:
            return None
        return replace(
            stored,
            verdict=decision.verdict,
            mode=self._policy.mode,
            reason=decision.reason,
            policy_version=self._policy.version,
        )

    def judge(
        self,
        proxies: Sequence[bytes],
        *,
        before_each: Callable[[], None],
        charge: Callable[[], Callable[[], None]] = lambda: _nothing,
        times: Sequence[float] | None = None,
        many_scenes: bool = False,
        generated: bool = False,
        known: Answers | None = None,
        cached: KnownAnswers | None = None,
        on_answer: Callable[[Answers, FreshAnswer], None] = lambda answers, fresh: None,  # noqa: ARG005
        together: Together = one_by_one,
    ) -> ModerationResult:
        """Judge the JPEG `proxies` of one object; the most severe verdict decides.

        Pictures among `known`, answers to earlier attempts, and among `cached` are not asked about; where a request
        shows that Rekognition's model changed, those of `cached` are asked about after all. Call `before_each` before
        each request, and then `charge`, which takes it from a budget; both may refuse the request by raising. What
        `charge` returns is called in the request's thread where AWS bills nothing for it: each time that it was sent it
        was refused, or did not get there. Call `on_answer` after each answer with all answers so far and the new one.
        `times` are those of a video's frames in seconds, one per proxy. `many_scenes` says that there is much more to
        see than the proxies show, which the policy may send to review; `generated` that the file says a model made it,
        for which the policy may have a rule. `together` makes the requests. Once a picture is blocked under `enforce`,
        no further one is asked about: the verdict cannot change any more, and is about those that were judged by then.
        Raises FailedError (`proxy_refused`) where Rekognition cannot take our picture.
        """
        if self._policy.mode is Mode.OFF:
            return self._result(Decision(Verdict.OFF), (), None)
        if not proxies:
            # An empty list of pictures must never count as a list without findings.
            raise FailedError(Reason.PROXY_REFUSED, "there was no picture to judge")
        digests = [hashlib.sha256(proxy).hexdigest() for proxy in proxies]
        answers, is_decided = self._answered(
            dict(zip(digests, proxies, strict=True)),
            known,
            cached,
            before_each,
            charge,
            on_answer,
            together,
        )
        judged = [
            answers.pictures[digest]._replace(time=times[number] if times is not None else None)
            for number, digest in enumerate(digests)
            if digest in answers.pictures
        ]
        if len(judged) < len(proxies) and not is_decided:
            raise AssertionError(f"only {len(judged)} of {len(proxies)} pictures were judged")
        decisions = [decide(picture.labels, self._policy) for picture in judged]
        if many_scenes:
            decisions.append(decide_many_scenes(len(judged), self._policy))
        if generated:
            decisions.append(decide_generated(self._policy))
        result = self._result(worst(decisions), judged, answers)
        return replace(result, many_scenes=many_scenes, generated=generated, to_judge=len(proxies))

    def _answered(
        self,
        proxies: Mapping[str, bytes],
        known: Answers | None,
        cached: KnownAnswers | None,
        before_each: Callable[[], None],
        charge: Callable[[], Callable[[], None]],
        on_answer: Callable[[Answers, FreshAnswer], None],
        together: Together,
    ) -> tuple[Answers, bool]:
        """Ask about the `proxies`, by SHA-256, that have no answer; return all answers, and whether one decides."""
        answers = self._begun(known, cached)
        is_decided = any(self._decides(answers.pictures[has]) for has in answers.pictures.keys() & proxies)

        def requests() -> Iterator[Callable[[], _Answer]]:
            for digest, proxy in proxies.items():
                if is_decided:
                    return
                if digest not in answers.pictures:
                    before_each()
                    yield partial(self._request, digest, proxy, charge())

        is_of_one_model = False
        while not is_of_one_model:
            is_of_one_model = True
            for digest, labels, model_version in together(requests()):
                picture = JudgedPicture(sha256=digest, labels=labels)
                is_decided = is_decided or self._decides(picture)
                is_of_one_model &= (
                    cached is None or not cached.pictures or cached.model_version == model_version
                )
                answers = Answers(
                    # Known answers may have been asked for from a lower confidence: the highest one holds for all.
                    asked_from=max(answers.asked_from, self.asked_from),
                    model_version=model_version,
                    pictures={**answers.pictures, digest: picture},
                )
                on_answer(answers, FreshAnswer(picture, model_version))
            if not is_of_one_model:
                answers, cached = answers.without_reused(), None
        return answers, is_decided

    def _begun(self, known: Answers | None, cached: KnownAnswers | None) -> Answers:
        """Return the answers that there are before the first request."""
        answers = known or Answers(asked_from=self.asked_from, model_version="", pictures={})
        if cached is None or not cached.pictures:
            return answers
        return Answers(
            asked_from=max(answers.asked_from, self.asked_from),
            model_version=cached.model_version,
            pictures={**cached.pictures, **answers.pictures},
        )

    def _decides(self, picture: JudgedPicture) -> bool:
        """Whether no other picture can change the verdict."""
        return (
            self._policy.mode is Mode.ENFORCE
            and decide(picture.labels, self._policy).verdict is Verdict.BLOCK
        )

    def _request(self, digest: str, proxy: bytes, give_back: Callable[[], None]) -> _Answer:
        return digest, *self._ask(proxy, give_back)

    def _ask(self, proxy: bytes, give_back: Callable[[], None]) -> tuple[tuple[Label, ...], str]:
        try:
            with billed_call() as call:
                answer = self._rekognition.detect_moderation_labels(
                    Image={"Bytes": proxy}, MinConfidence=self._policy.min_confidence
                )
        except (BotoCoreError, ClientError) as error:
            if not call.requests:
                give_back()
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else None
            if code not in OUR_FAULT:
                raise
            detail = f"Rekognition refused the picture it was asked about ({code}, {len(proxy)} bytes)"
            raise FailedError(Reason.PROXY_REFUSED, detail) from error
        labels = tuple(
            Label(found["Name"], found.get("ParentName", ""), float(found["Confidence"]))
            for found in answer["ModerationLabels"]
        )
        return labels, answer.get("ModerationModelVersion", "")

    def _result(
        self, decision: Decision, judged: Sequence[JudgedPicture], answers: Answers | None
    ) -> ModerationResult:
        return ModerationResult(
            verdict=decision.verdict,
            mode=self._policy.mode,
            reason=decision.reason,
            labels=merge(*(picture.labels for picture in judged)),
            model_version=answers.model_version if answers else None,
            policy_version=self._policy.version,
            judged=len(judged),
            pictures=tuple(judged),
            asked_from=answers.asked_from if answers else None,
        )
