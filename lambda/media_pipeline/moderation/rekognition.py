"""Amazon Rekognition's content moderation, asked about what would be published."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from media_pipeline.errors import FailedError, Reason
from media_pipeline.moderation.policy import Decision, Label, Mode, Policy, Verdict, decide, merge, worst

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

# What Rekognition says about a picture that it cannot take. The picture is our own JPEG, so the fault is
# ours and never the uploader's; a retry would send the same bytes.
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
    ) -> dict[str, Any]:
        """Judge the JPEG `proxies` of one object; the worst verdict decides.

        `before_each` is called before each request and may refuse it by raising. `times` are those of a video's
        frames, in seconds: then each frame's own labels are kept as well.
        Returns what the record keeps: verdict, the reason for it, mode, every label with its parent and
        confidence, model version, policy version, and how many pictures were judged (each call is billed).
        Raises FailedError (`proxy_refused`) where Rekognition cannot take our picture.
        """
        if self._policy.mode is Mode.OFF:
            return self._describe(Decision(Verdict.OFF), (), None, 0)
        if not proxies:
            # Nothing judged must never read as nothing found.
            raise FailedError(Reason.PROXY_REFUSED, "there was no picture to judge")
        answers = []
        for proxy in proxies:
            before_each()
            answers.append(self._ask(proxy))
        decision = worst(decide(labels, self._policy) for labels, _ in answers)
        labels = merge(*(labels for labels, _ in answers))
        described = self._describe(decision, labels, answers[0][1], len(proxies))
        if times is not None:
            described["frames"] = [
                {"time": round(time, 3), "labels": _listed(labels)}
                for time, (labels, _) in zip(times, answers, strict=True)
            ]
        return described

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

    def _describe(
        self, decision: Decision, labels: Sequence[Label], model_version: str | None, judged: int
    ) -> dict[str, Any]:
        return {
            "verdict": decision.verdict.value,
            "mode": self._policy.mode.value,
            "reason": decision.reason,
            "labels": _listed(labels),
            "model_version": model_version,
            "policy_version": self._policy.version,
            "judged": judged,
        }


def _listed(labels: Sequence[Label]) -> list[dict[str, Any]]:
    return [
        {"name": label.name, "parent": label.parent, "confidence": round(label.confidence, 2)}
        for label in labels
    ]
