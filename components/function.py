"""PythonFunction: what every Lambda function of the pipeline is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import bounds, iam
from components.alarms import AlarmArgs, Metric, alarm
from components.naming import component_type

LEAST_EPHEMERAL_MB = bounds.LAMBDA_EPHEMERAL_MB[0]  # what every function has


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What all functions of a stack run on; `log_retention` in days (0: kept).

    `settings` are the variables that every function gets.
    """

    code: pulumi.Archive
    layer: pulumi.Input[str]
    runtime: str
    architecture: str
    settings: Mapping[str, str]
    tracing: bool
    log_retention: int
    alarms_topic_arn: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class PythonFunctionArgs:
    """One function; `permissions` are its own, those for logs and traces come with it.

    `memory` and `ephemeral` (/tmp) in MB, `timeout` in seconds. `after_error` is a sentence for the alarm: what
    becomes of the work in hand. `dead_letters` takes what an asynchronous call gave up on.
    """

    platform: Platform
    handler: str
    memory: int
    timeout: int
    environment: Mapping[str, pulumi.Input[str]]
    permissions: Sequence[iam.Statement]
    after_error: str
    after_throttle: str = "Nothing is lost, messages wait."
    more_layers: Sequence[pulumi.Input[str]] = ()
    ephemeral: int = LEAST_EPHEMERAL_MB
    dead_letters: aws.sqs.Queue | None = None


class PythonFunction(pulumi.ComponentResource):
    """A function with its own role, a log group that exists before it, and its alarms."""

    role: aws.iam.Role
    log_group: aws.cloudwatch.LogGroup
    function: aws.lambda_.Function

    def __init__(
        self, name: str, args: PythonFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("PythonFunction"), name, {}, opts)
        platform = args.platform
        child = pulumi.ResourceOptions(parent=self)

        # First of all: a function without a group makes one itself, which nobody retains or deletes.
        self.log_group = aws.cloudwatch.LogGroup(
            f"{name}-log", retention_in_days=platform.log_retention, opts=child
        )
        self.role = aws.iam.Role(
            f"{name}-role", assume_role_policy=iam.assume_role("lambda.amazonaws.com"), opts=child
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=self.role.name,
            policy=iam.policy([*args.permissions, *self._own_permissions(platform.tracing)]),
            opts=child,
        )
        self.function = aws.lambda_.Function(
            name,
            handler=args.handler,
            code=platform.code,
            layers=[platform.layer, *args.more_layers],
            runtime=platform.runtime,
            architectures=[platform.architecture],
            memory_size=args.memory,
            timeout=args.timeout,
            ephemeral_storage=(
                aws.lambda_.FunctionEphemeralStorageArgs(size=args.ephemeral)
                if args.ephemeral > LEAST_EPHEMERAL_MB
                else None
            ),
            # Each change leaves the version before it as it was, with its code, layers and settings: the way back
            # that does not need a build. Versions cost nothing.
            publish=True,
            role=self.role.arn,
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables={**platform.settings, **args.environment}
            ),
            dead_letter_config=(
                aws.lambda_.FunctionDeadLetterConfigArgs(target_arn=args.dead_letters.arn)
                if args.dead_letters
                else None
            ),
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(
                log_format="Text",  # Powertools writes the JSON; Lambda would wrap it once more
                log_group=self.log_group.name,
            ),
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(
                mode="Active" if platform.tracing else "PassThrough"
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
                remedy=f"Read its log around that time. {args.after_error}",
                metrics={"errors": Metric(namespace="AWS/Lambda", name="Errors", dimensions=dimensions)},
                threshold=1,
                topic_arn=args.platform.alarms_topic_arn,
            ),
            child,
        )
        alarm(
            f"{name}-throttles",
            AlarmArgs(
                meaning=f"{name} was refused a start: the account's concurrency is used up.",
                remedy="Lower `concurrency` of this stack, or have the account's Lambda quota raised. "
                f"{args.after_throttle}",
                metrics={
                    "throttles": Metric(namespace="AWS/Lambda", name="Throttles", dimensions=dimensions)
                },
                threshold=1,
                periods=3,  # single throttles pass by themselves
                topic_arn=args.platform.alarms_topic_arn,
            ),
            child,
        )
