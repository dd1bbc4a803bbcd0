"""EventBridge Scheduler. (API reference: CreateSchedule; User Guide: "Schedule types", "Execution role".)"""

import json

from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.refusals.base import Parameters, refusal, refuse
from embedded_aws.refusals.roles import find_role
from embedded_aws.schedule_expressions import ExpressionError, parse

_BOTH = ("CreateSchedule", "UpdateSchedule")


@refusal("a schedule's expression is a rate, a cron or a time", "scheduler", *_BOTH)
def _expression(parameters: Parameters) -> None:
    try:
        parse(parameters["ScheduleExpression"], parameters.get("ScheduleExpressionTimezone", "UTC"))
    except ExpressionError as error:
        raise refuse("ValidationException", str(error)) from error


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
