"""The hierarchy of errors; each says what happens to the message that caused it.

PipelineError
├── RejectedError    the object can never be processed   -> record REJECTED, acknowledge, never retry
├── FailedError      the system's fault, no retry helps  -> record FAILED, an operator redrives it
├── TransientError   try again later                     -> release the lease, the message comes back
│   ├── LeaseHeldError   another invocation works on it  -> returns when that lease expires
│   │   ├── DeleteUnderWayError   one may work on a delete   -> returns when no invocation can any more
│   │   └── StillLinkedError   links to replaced files work  -> returns when they have expired
│   ├── LeaseLostError   another invocation took it over -> returns, and is then found done
│   │   └── LeaseLapsedError   this machine stood still   -> returns, not counted as killed
│   ├── BudgetSpentError the day's pictures are judged   -> returns when the next day begins
│   ├── OutOfTimeError   too little time left for a call -> returns, with a full time-out again
│   ├── SlowDecodingError   decoding used the time up    -> returns, but counted: no fourth attempt
│   └── HashListError    the hash list cannot be read,   -> returns until it can: nothing is published
│                        or not in the time that is left
├── UnknownMessageError  not an S3 event                 -> the dead_letters function logs and counts it
├── UnknownAnnouncementError  not an outcome             -> log_notification's dead-letter queue and its alarm
├── AnswerCacheError the cache of answers is in trouble -> logged and counted; Rekognition is asked
├── DecisionError    a person's decision is refused      -> nothing is recorded; the person is told why
│   ├── UnknownReviewError   there is no such record
│   ├── DecidedError         it was decided, or changed, since the person looked at it
│   ├── ReplacedError        a newer version took its place
│   └── ExpiredError         quarantine does not hold it any more
├── NothingChangedError  a backfill changes nothing    -> the record says why, acknowledge
└── SettingsError    the function is misconfigured       -> the message returns, an alarm goes off
"""

from enum import StrEnum
from typing import ClassVar


class Disposition(StrEnum):
    """What to do with the message of an object after an error."""

    REJECT = "reject"
    FAIL = "fail"
    RETRY = "retry"


class Reason(StrEnum):
    """The closed list of reasons that a terminal record can give: the word, the record's status, the meaning.

    docs/reference/reasons.md is generated from it; tests hold the API document and the announcement schema against it.
    """

    status: str
    meaning: str

    def __new__(cls, word: str, status: str, meaning: str) -> "Reason":
        """Return the member of this word."""
        reason = str.__new__(cls, word)
        reason._value_ = word
        reason.status = status
        reason.meaning = meaning
        return reason

    UNSUPPORTED_TYPE = (
        "unsupported_type",
        "REJECTED",
        "The bytes are not those of an accepted picture or video type.",
    )
    CORRUPT = "corrupt", "REJECTED", "The file is damaged or truncated."
    TOO_MANY_PIXELS = (
        "too_many_pixels",
        "REJECTED",
        "It has more pixels than `limits.pixels`, decoding it would need more memory than the function has, or it is "
        "an animation with a side of more than 16,383 pixels.",
    )
    TOO_MANY_FRAMES = (
        "too_many_frames",
        "REJECTED",
        "The animation has more frames than `limits.frames`, or the video more than 240 frames per second.",
    )
    TOO_LARGE = "too_large", "REJECTED", "It has more bytes than `limits.bytes` or `limits.videoBytes` allow."
    TOO_LONG = (
        "too_long",
        "REJECTED",
        "The video is longer than `limits.videoSeconds`, or cannot be finished in the function's time-out.",
    )
    TOO_MANY_STREAMS = "too_many_streams", "REJECTED", "The video has more than 32 tracks."
    EMPTY = "empty", "REJECTED", "The object has no bytes."
    KEY_TOO_LONG = "key_too_long", "REJECTED", "The keys of its renditions would be longer than S3 allows."
    UNREADABLE = (
        "unreadable",
        "REJECTED",
        "S3 does not give its bytes out: it is archived, or encrypted with a key that only its uploader has.",
    )
    ALREADY_UPLOADED = (
        "already_uploaded",
        "REJECTED",
        "Something was uploaded under this key of the upload API before; the first upload stays.",
    )
    VIDEO_DISABLED = "video_disabled", "REJECTED", "It is a video, and the stack processes none."
    RESOURCE_EXHAUSTED = "resource_exhausted", "REJECTED", "Decoding it ended the function three times."
    POLICY_BLOCK = "policy_block", "BLOCKED", "The moderation policy forbids it."
    KNOWN_BLOCK = "known_block", "BLOCKED", "It is on the stack's hash list of what is not published."
    PERSON_BLOCK = "person_block", "BLOCKED", "A person looked at it and decided against it."
    TAKEN_DOWN = (
        "taken_down",
        "BLOCKED",
        "A person withdrew it; what was published of it is removed. What was `REJECTED` or `SUPERSEDED` keeps that "
        "status.",
    )
    POLICY_REVIEW = "policy_review", "REVIEW", "The moderation policy asks for a person to look at it."
    KNOWN_REVIEW = (
        "known_review",
        "REVIEW",
        "It is on the stack's hash list, or looks like something there; a person has to look at it.",
    )
    ORIGINAL_EXPIRED = (
        "original_expired",
        "REVIEW",
        "A person approved it, but quarantine does not hold the approved bytes any more; nothing was published.",
    )
    ORIGINAL_GONE = "original_gone", "FAILED", "The original was gone before it was processed."
    PROXY_REFUSED = "proxy_refused", "FAILED", "Rekognition refused the picture that the pipeline sent."
    RETRIES_EXHAUSTED = "retries_exhausted", "FAILED", "50 receives of its message did not finish it."


class PipelineError(Exception):
    """Base of everything this package raises on purpose."""

    disposition: ClassVar[Disposition]


class _FinalError(PipelineError):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


class RejectedError(_FinalError):
    """The object itself can never be processed, however often it is tried."""

    disposition = Disposition.REJECT


class FailedError(_FinalError):
    """The system could not do its part, and trying again by itself would not change that."""

    disposition = Disposition.FAIL


class TransientError(PipelineError):
    """A temporary problem: throttling, a time-out, an outage, or a mistake that an operator can correct."""

    disposition = Disposition.RETRY


class LeaseHeldError(TransientError):
    """Another invocation holds the object's lease for `seconds` more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"another invocation holds the lease for {seconds:.0f} s more")
        self.seconds = seconds


class DeleteUnderWayError(LeaseHeldError):
    """An invocation may still work on the delete that is to be undone, for `seconds` more."""

    def __init__(self, object_key: str, seconds: float) -> None:
        super().__init__(seconds)
        self.args = (f"an invocation may still work on the delete of {object_key} for {seconds:.0f} s more",)


class StillLinkedError(LeaseHeldError):
    """Links to renditions that were replaced may work for `seconds` more; the files are removed after that."""

    def __init__(self, object_key: str, seconds: float) -> None:
        super().__init__(seconds)
        self.args = (f"links to replaced renditions of {object_key} may work for {seconds:.0f} s more",)


class BudgetSpentError(TransientError):
    """As many pictures were judged on `day` (UTC) as its budget allows; `seconds` until the object is tried again."""

    def __init__(self, day: str, seconds: float) -> None:
        super().__init__(
            f"the budget of judged pictures of {day} is spent; it is tried again in {seconds:.0f} s"
        )
        self.day = day
        self.seconds = seconds


class LeaseLostError(TransientError):
    """Another invocation took the object over while this one still worked on it."""


class LeaseLapsedError(LeaseLostError):
    """The lease was over before the work was: this machine stood still, and another one may have taken over."""


class OutOfTimeError(TransientError):
    """Too little of the function's time is left to begin a call that could be slow."""


class SlowDecodingError(TransientError):
    """Decoding left too little time for the rest; counted like a time-out during decoding."""


class HashListError(TransientError):
    """The hash list, or an entry of it, cannot be read or written, or not in the time that is left."""


class UnknownMessageError(PipelineError):
    """A message that is not an S3 event: it belongs to no object, so there is no record to write."""

    disposition = Disposition.RETRY


class UnknownAnnouncementError(PipelineError):
    """A message on the events topic that does not announce an outcome: somebody else published it."""

    disposition = Disposition.RETRY


class AnswerCacheError(PipelineError):
    """An answer could not be kept, or what was kept cannot be used; never leaves the cache of answers."""

    disposition = Disposition.RETRY


class DecisionError(PipelineError):
    """A person's decision is refused: it cannot be recorded as it was asked for."""

    disposition = Disposition.REJECT


class UnknownReviewError(DecisionError):
    """There is no record of what was to be decided."""


class DecidedError(DecisionError):
    """The record is not as the person saw it: somebody decided, or the workers changed it.

    `by`, `at` (ISO 8601) and `action` are those of the decision that the record holds now, None without one.
    """

    def __init__(self, detail: str, *, by: str | None, at: str | None, action: str | None) -> None:
        super().__init__(detail)
        self.by = by
        self.at = at
        self.action = action


class ReplacedError(DecisionError):
    """A newer version of the key, or its delete, took the place of the version that was to be published."""


class ExpiredError(DecisionError):
    """What was to be published is not in quarantine any more."""


class TooFewDecisionsError(DecisionError):
    """There are fewer decisions than a report can say anything about."""


class NothingChangedError(PipelineError):
    """A backfill leaves a published version as it is; `why` is what the record says about it."""

    disposition = Disposition.REJECT

    def __init__(self, why: str) -> None:
        super().__init__(f"it is left as it is: {why}")
        self.why = why


class SettingsError(PipelineError):
    """The function's environment does not parse, which is a fault of the deployment; names the variable."""

    disposition = Disposition.RETRY
