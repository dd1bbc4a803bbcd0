"""What people are told about each status: in documents, in e-mails, and in answers of the upload API.

docs/reference/statuses.md is generated from this table, and a test holds the API document against it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from media_pipeline.errors import Reason
from media_pipeline.records.record import Record, Status


class Sentences(NamedTuple):
    """The sentences about one status; `next_step` may contain `{stack}`.

    `for_uploader` replaces the record's `detail` in answers of the API where that names labels, thresholds or the
    inside of the stack.
    """

    meaning: str
    headline: str
    next_step: str
    for_uploader: str | None = None


SENTENCES: Mapping[Status, Sentences] = MappingProxyType(
    {
        Status.PROCESSING: Sentences(
            meaning="being processed, or waiting for another attempt",
            headline="An upload is being processed.",
            next_step="Nothing to do: its outcome will be announced.",
        ),
        Status.PUBLISHED: Sentences(
            meaning="its renditions are published",
            headline="An upload was published.",
            next_step="Nothing to do: its renditions are in the renditions bucket.",
        ),
        Status.BLOCKED: Sentences(
            meaning="the stack's policy, or a person, forbids it; nothing is published",
            headline="An upload was blocked: the stack's policy forbids it. It was not published.",
            next_step="Nothing, unless it was blocked by mistake: then change the policy and upload it again.",
            for_uploader="This stack's policy forbids it. It was not published.",
        ),
        Status.REVIEW: Sentences(
            meaning="held back until a person has looked at it; nothing was published",
            headline="An upload is held back until a person has looked at it. It was not published.",
            next_step="A person must decide about it, in the review console:\n"
            "  python -m operations review --stack {stack}",
            for_uploader="A person must look at it first. It was not published.",
        ),
        Status.REJECTED: Sentences(
            meaning="it can never be processed, for the `reason` given",
            headline="An upload was rejected: it cannot be processed. It was not published.",
            next_step="It is not tried again. Upload a file that meets the rule above.",
        ),
        Status.FAILED: Sentences(
            meaning="the system could not process it; an operator can redrive it",
            headline="An upload could not be processed; the uploader is not the cause. It was not published.",
            next_step="It is not tried again by itself. Correct the cause, then redrive it:\n"
            "  python -m operations redrive --stack {stack} --status FAILED",
            for_uploader="It could not be processed. The operators know, and can have it tried again.",
        ),
        Status.SUPERSEDED: Sentences(
            meaning="a newer version of the same key came first",
            headline="An upload was skipped, because a newer one has the same key.",
            next_step="Nothing to do: the newer upload has an announcement of its own.",
        ),
        Status.DELETED: Sentences(
            meaning="it was deleted, and with it its renditions and what was in quarantine",
            headline="An upload was deleted.",
            next_step="Nothing to do: its renditions, and any copy in quarantine, were deleted as well.",
        ),
    }
)
BY_REASON: Mapping[Reason, Sentences] = MappingProxyType(
    {
        Reason.PERSON_BLOCK: Sentences(
            meaning="a person looked at it and decided against it",
            headline="An upload was blocked: a person decided against it. It was not published.",
            next_step="Nothing, unless it was blocked by mistake: then upload it again, or have it approved while its "
            "original is in quarantine.",
            for_uploader="A person looked at it and decided against it. It was not published.",
        ),
        Reason.TAKEN_DOWN: Sentences(
            meaning="a person withdrew it",
            headline="An upload was taken down: it is not published any more.",
            next_step="Nothing, unless it was taken down by mistake: then restore it while its original is in "
            "quarantine: `python -m operations restore`",
            for_uploader="It was taken down.",
        ),
        Reason.ORIGINAL_EXPIRED: Sentences(
            meaning="a person approved it, but its original had expired",
            headline="An upload was approved, but its original is not in quarantine any more. It was not published.",
            next_step="Have it uploaded again, and reject this version, so that it does not wait any longer.",
            for_uploader="It could not be published, since it waited too long. Upload it again.",
        ),
    }
)
"""Sentences of outcomes that a person decided, in place of those of their status."""

HELD = Sentences(
    meaning="a person escalated it",
    headline="An upload was escalated: it is held as evidence. It was not published.",
    next_step="It stays in quarantine until somebody releases it. Do not open, copy or forward it, and do what the law"
    " asks of you: docs/operator/reviewing.md, Escalating. Once it need not be kept any more:\n"
    "  python -m operations review release KEY --stack {stack}",
)
"""Sentences of what is held, in e-mails; whoever uploaded it is told nothing of that."""


def sentences_of(record: Record) -> Sentences:
    """Return the sentences about a record: those of its reason where it has its own, else those of its status."""
    if record.is_held:
        return HELD._replace(for_uploader=_by_outcome(record).for_uploader)
    return _by_outcome(record)


def _by_outcome(record: Record) -> Sentences:
    reason = record.attributes.get("reason")
    own = next((sentences for word, sentences in BY_REASON.items() if word == reason), None)
    return own or SENTENCES[record.status]
