"""ScheduledFunction: a function that EventBridge Scheduler invokes."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import iam
from components.function import Platform, PythonFunction, PythonFunctionArgs
from components.function_specs import FunctionSpec
from components.naming import Account, component_type
from components.resources import Resources

RETRIES = 3  # for an invocation that Lambda does not accept; the next day's makes up for a lost one


@dataclass(frozen=True, kw_only=True)
class ScheduledFunctionArgs:
    """The function, when it is invoked (an expression of EventBridge Scheduler), and what it runs on."""

    spec: FunctionSpec
    expression: str
    account: Account
    platform: Platform
    resources: Resources


class ScheduledFunction(pulumi.ComponentResource):
    """A function, its schedule, and the role with which the schedule invokes it."""

    function: PythonFunction

    def __init__(
        self, name: str, args: ScheduledFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("ScheduledFunction"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.function = PythonFunction(
            name,
            PythonFunctionArgs(spec=args.spec, platform=args.platform, resources=args.resources),
            child,
        )
        function = self.function.function
        role = aws.iam.Role(
            f"{name}-timer-role",
            # Only for schedules of this account (EventBridge Scheduler User Guide, "Confused deputy prevention").
            assume_role_policy=iam.assume_role("scheduler.amazonaws.com", account=args.account.id),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-timer-policy",
            role=role.name,
            policy=iam.policy(
                [iam.Statement(sid="InvokeIt", actions=["lambda:InvokeFunction"], resources=[function.arn])]
            ),
            opts=child,
        )
        aws.scheduler.Schedule(
            f"{name}-schedule",
            description=f"Invokes {args.spec.name}, which {args.spec.purpose}.",
            schedule_expression=args.expression,
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=aws.scheduler.ScheduleTargetArgs(
                arn=function.arn,
                role_arn=role.arn,
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(maximum_retry_attempts=RETRIES),
            ),
            # Its first invocation comes with its creation.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({"function": function.name})
