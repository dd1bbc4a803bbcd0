"""The environment of the console's function as typed settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from media_pipeline.moderation.approvals import ApprovalRule
from media_pipeline.settings.variables import Variables


@dataclass(frozen=True, kw_only=True)
class ReviewSettings:
    """What the console needs to know of its stack."""

    stack: str
    uploads_bucket: str
    quarantine_bucket: str
    logs_bucket: str
    records_table: str
    images_queue_url: str
    tracing: bool
    approvals: ApprovalRule = field(default_factory=ApprovalRule)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "ReviewSettings":
        """Parse the function's variables.

        Raises SettingsError that names the variable.
        """
        variables = Variables(environment)
        return cls(
            stack=variables.text("STACK"),
            uploads_bucket=variables.text("UPLOADS_BUCKET"),
            quarantine_bucket=variables.text("QUARANTINE_BUCKET"),
            logs_bucket=variables.text("LOGS_BUCKET"),
            records_table=variables.text("RECORDS_TABLE"),
            images_queue_url=variables.text("IMAGES_QUEUE_URL"),
            tracing=variables.boolean("TRACING"),
            approvals=_approvals(variables),
        )


def _approvals(variables: Variables) -> ApprovalRule:
    if "REVIEW_APPROVALS" not in variables:
        return ApprovalRule()
    return variables.built("REVIEW_APPROVALS", dict, ApprovalRule.parse)
