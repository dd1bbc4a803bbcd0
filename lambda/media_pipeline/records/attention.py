"""Why a record waits for a person: the values of its attribute `attention`, the key of a sparse index."""

from enum import StrEnum

from media_pipeline.records.record import Record


class Attention(StrEnum):
    """What a person can decide about; FAILED, which an operator redrives, is there as well."""

    REVIEW = "REVIEW"
    """The policy sent it to review."""
    APPEAL = "APPEAL"
    """It is blocked, and its uploader appealed."""
    ESCALATED = "ESCALATED"
    """A person escalated it: it is held, and all that can be decided is its release."""
    CHECK = "CHECK"
    """The policy allowed it, and it is published; it was chosen for a check."""
    SECOND = "SECOND"
    """It was approved or rejected, and another person is to say what they would have decided."""


def attention_of(record: Record) -> Attention | None:
    """Return why a record waits for a person's decision; None where it does not."""
    value = record.attributes.get("attention")
    return next((each for each in Attention if each == value), None)
