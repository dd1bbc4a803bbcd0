"""EventBridge Scheduler. (API reference: CreateSchedule; User Guide: "Schedule types", "Execution role".)"""

import json
import re

from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.refusals.base import Parameters, refusal, refuse
from embedded_aws.refusals.roles import find_role

_BOTH = ("CreateSchedule", "UpdateSchedule")
_EXPRESSION = re.compile(
    r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)"
    r"|cron\(\S+( \S+){5}\)"
    r"|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
)


@refusal("a schedule's expression is a rate, a cron or a time", "scheduler", *_BOTH)
def _expression(parameters: Parameters) -> None:
    expression = parameters["ScheduleExpression"]
    if not _EXPRESSION.fullmatch(expression):
        raise refuse("ValidationException", f"Invalid Schedule Expression {expression}.")


@refusal("a schedule's role trusts EventBridge Scheduler", "scheduler", *_BOTH)
def _role(parameters: Parameters) -> None:
    from embedded_aws.access.policies import trusts_service

    role = find_role(parameters["Target"]["RoleArn"].rpartition("/")[2])
    context = {"aws:sourceaccount": ACCOUNT_ID}
    if role is None or not trusts_service(
        json.loads(role.assume_role_policy_document), "scheduler.amazonaws.com", context
    ):
        raise refuse(
            "ValidationException",
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
        )


@refusal("a flexible time window has a length exactly where it is flexible", "scheduler", *_BOTH)
def _window(parameters: Parameters) -> None:
    window = parameters["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
        raise refuse("ValidationException", "MaximumWindowInMinutes must fit the mode of FlexibleTimeWindow.")
