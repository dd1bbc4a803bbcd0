"""What the ask side of reviews needs to know of a stack, wherever it runs."""

from dataclasses import dataclass, field

from media_pipeline.moderation.approvals import ApprovalRule


@dataclass(frozen=True, kw_only=True)
class Places:
    """The stack's name, and its resources that a review reads from or writes to."""

    stack: str
    uploads_bucket: str
    """Named in the message to the workers; nothing is read from it or written to it."""
    quarantine_bucket: str
    logs_bucket: str
    records_table: str
    images_queue_url: str
    approvals: ApprovalRule = field(default_factory=ApprovalRule)
    """How many persons must approve."""
