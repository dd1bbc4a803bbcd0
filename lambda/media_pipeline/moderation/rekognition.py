"""Asks Amazon Rekognition's content moderation about what would be published."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from media_pipeline.errors import FailedError, Reason
from media_pipeline.moderation.policy import Decision, Policy, decide, merge, worst
from media_pipeline.moderation.result import FrameLabels, ModerationResult
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

    def judge(
        self,
        proxies: Sequence[bytes],
        *,
        before_each: Callable[[], None],
        times: Sequence[float] | None = None,
    ) -> ModerationResult:
        """Judge the JPEG `proxies` of one object; the most severe verdict decides.

        Call `before_each` before each request; it may refuse the request by raising. `times` are those of a video's
        frames in seconds, one per proxy: then the labels of each frame are kept as well.
        Raises FailedError (`proxy_refused`) where Rekognition cannot take our picture.
        """
        if self._policy.mode is Mode.OFF:
            return self._result(Decision(Verdict.OFF), (), None, 0)
        if not proxies:
            # An empty list of pictures must never count as a list without findings.
            raise FailedError(Reason.PROXY_REFUSED, "there was no picture to judge")
        answers = []
        for proxy in proxies:
            before_each()
            answers.append(self._ask(proxy))
        frames = None
        if times is not None:
            frames = tuple(
                FrameLabels(time, labels) for time, (labels, _) in zip(times, answers, strict=True)
            )
        return self._result(
            worst(decide(labels, self._policy) for labels, _ in answers),
            merge(*(labels for labels, _ in answers)),
            answers[0][1],
            len(proxies),
            frames,
        )

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
        self,
        decision: Decision,
        labels: tuple[Label, ...],
        model_version: str | None,
        judged: int,
        frames: tuple[FrameLabels, ...] | None = None,
    ) -> ModerationResult:
        return ModerationResult(
            verdict=decision.verdict,
            mode=self._policy.mode,
            reason=decision.reason,
            labels=labels,
            model_version=model_version,
            policy_version=self._policy.version,
            judged=judged,
            frames=frames,
        )
