"""Asks Amazon Rekognition's content moderation about what would be published."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from media_pipeline.errors import FailedError, Reason
from media_pipeline.moderation.policy import Decision, Policy, decide, decide_many_scenes, merge, worst
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


class Moderator:
    """Judges pictures by the stack's policy."""

    def __init__(self, *, rekognition: "RekognitionClient", policy: Policy) -> None:
        self._rekognition = rekognition
        self._policy = policy

    @property
    def mode(self) -> Mode:
        """What a verdict does now."""
        return self._policy.mode

    @property
    def asked_from(self) -> float:
        """The least confidence, in percent, that Rekognition is asked for."""
        return self._policy.min_confidence

    def judge(
        self,
        proxies: Sequence[bytes],
        *,
        before_each: Callable[[], None],
        times: Sequence[float] | None = None,
        many_scenes: bool = False,
        known: Answers | None = None,
        on_answer: Callable[[Answers], None] = lambda _: None,
    ) -> ModerationResult:
        """Judge the JPEG `proxies` of one object; the most severe verdict decides.

        Pictures among `known` are not asked about again. Call `before_each` before each request; it may refuse the
        request by raising. Call `on_answer` after each with all answers so far. `times` are those of a video's frames
        in seconds, one per proxy. `many_scenes` says that there is much more to see than the proxies show, which the
        policy may send to review.
        Raises FailedError (`proxy_refused`) where Rekognition cannot take our picture.
        """
        if self._policy.mode is Mode.OFF:
            return self._result(Decision(Verdict.OFF), (), None)
        if not proxies:
            # An empty list of pictures must never count as a list without findings.
            raise FailedError(Reason.PROXY_REFUSED, "there was no picture to judge")
        answers = known or Answers(asked_from=self.asked_from, model_version="", pictures={})
        judged = []
        for number, proxy in enumerate(proxies):
            digest = hashlib.sha256(proxy).hexdigest()
            if digest not in answers.pictures:
                before_each()
                labels, model_version = self._ask(proxy)
                picture = JudgedPicture(sha256=digest, labels=labels)
                answers = Answers(
                    # Known answers may have been asked for from a lower confidence: the highest one holds for all.
                    asked_from=max(answers.asked_from, self.asked_from),
                    model_version=model_version,
                    pictures={**answers.pictures, digest: picture},
                )
                on_answer(answers)
            judged.append(
                answers.pictures[digest]._replace(time=times[number] if times is not None else None)
            )
        decisions = [decide(picture.labels, self._policy) for picture in judged]
        if many_scenes:
            decisions.append(decide_many_scenes(len(judged), self._policy))
        return replace(self._result(worst(decisions), judged, answers), many_scenes=many_scenes)

    def _ask(self, proxy: bytes) -> tuple[tuple[Label, ...], str]:
        try:
            answer = self._rekognition.detect_moderation_labels(
                Image={"Bytes": proxy}, MinConfidence=self._policy.min_confidence
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
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
