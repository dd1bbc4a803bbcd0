"""PythonFunction: what every Lambda function of the pipeline is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import iam
from components.alarms import AlarmArgs, Metric, alarm
from components.naming import component_type


@dataclass(frozen=True, kw_only=True)
class PythonFunctionArgs:
    """One function; `permissions` are its own, those for logs and traces come with it.

    `memory` in MB, `timeout` in seconds, `log_retention` in days (0: kept).
    """

    handler: str
    code: pulumi.Archive
    layers: Sequence[pulumi.Input[str]]
    runtime: str
    architecture: str
    memory: int
    timeout: int
    environment: Mapping[str, pulumi.Input[str]]
    permissions: Sequence[iam.Statement]
    tracing: bool
    log_retention: int
    alarms_topic_arn: pulumi.Input[str]


class PythonFunction(pulumi.ComponentResource):
    """A function with its own role, a log group that exists before it, and its alarms."""

    role: aws.iam.Role
    log_group: aws.cloudwatch.LogGroup
    function: aws.lambda_.Function

    def __init__(
        self, name: str, args: PythonFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("PythonFunction"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        # First of all: a function without a group makes one itself, which nobody retains or deletes.
        self.log_group = aws.cloudwatch.LogGroup(
            f"{name}-log", retention_in_days=args.log_retention, opts=child
        )
        self.role = aws.iam.Role(
            f"{name}-role", assume_role_policy=iam.assume_role("lambda.amazonaws.com"), opts=child
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=self.role.name,
            policy=iam.policy([*args.permissions, *self._own_permissions(args.tracing)]),
            opts=child,
        )
        self.function = aws.lambda_.Function(
            name,
            handler=args.handler,
            code=args.code,
            layers=list(args.layers),
            runtime=args.runtime,
            architectures=[args.architecture],
            memory_size=args.memory,
            timeout=args.timeout,
            # Each change leaves the version before it as it was, with its code, layers and settings: the way back
            # that does not need a build. Versions cost nothing.
            publish=True,
            role=self.role.arn,
            environment=aws.lambda_.FunctionEnvironmentArgs(variables=dict(args.environment)),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(
                log_format="Text",  # Powertools writes the JSON; Lambda would wrap it once more
                log_group=self.log_group.name,
            ),
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(
                mode="Active" if args.tracing else "PassThrough"
            ),
            # A function that starts before it may do its work would fail its first messages.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self._alarms(name, args)
        self.register_outputs({"name": self.function.name, "arn": self.function.arn})

    def _own_permissions(self, tracing: bool) -> list[iam.Statement]:
        """Write to its own log group (never create one: a late flush would bring it back), and trace."""
        own = [
            iam.Statement(
                sid="WriteOwnLog",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[pulumi.Output.concat(self.log_group.arn, ":*")],
            )
        ]
        if tracing:
            own.append(
                iam.Statement(
                    sid="SendTraces",
                    actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
                    resources=["*"],  # X-Ray: these actions have no resource type
                )
            )
        return own

    def _alarms(self, name: str, args: PythonFunctionArgs) -> None:
        dimensions = {"FunctionName": self.function.name}
        child = pulumi.ResourceOptions(parent=self)
        alarm(
            f"{name}-errors",
            AlarmArgs(
                meaning=f"{name} crashed, timed out or ran out of memory.",
                remedy="Read its log around that time. The message comes back by itself; "
                "after four unfinished attempts its object is rejected as resource_exhausted.",
                metrics={"errors": Metric(namespace="AWS/Lambda", name="Errors", dimensions=dimensions)},
                threshold=1,
                topic_arn=args.alarms_topic_arn,
            ),
            child,
        )
        alarm(
            f"{name}-throttles",
            AlarmArgs(
                meaning=f"{name} was refused a start: the account's concurrency is used up.",
                remedy="Lower `concurrency` of this stack, or have the account's Lambda quota raised. "
                "Nothing is lost, messages wait.",
                metrics={
                    "throttles": Metric(namespace="AWS/Lambda", name="Throttles", dimensions=dimensions)
                },
                threshold=1,
                periods=3,  # single throttles pass by themselves
                topic_arn=args.alarms_topic_arn,
            ),
            child,
        )
