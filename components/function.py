"""PythonFunction: the resources of one Lambda function, from its FunctionSpec."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import bounds, iam
from components.alarms import AlarmArgs, AlarmTopic, Metric, alarm
from components.config_model import StackConfig
from components.function_specs import FunctionSpec
from components.key_grants import key_grants
from components.naming import component_type
from components.resources import Resources


@dataclass(frozen=True, kw_only=True)
class Platform:
    """What all functions of a stack run on: the code, and the layers' ARNs by the names that specs use."""

    config: StackConfig
    code: pulumi.Archive
    layers: Mapping[str, pulumi.Input[str]]
    alarm_topic: AlarmTopic


@dataclass(frozen=True, kw_only=True)
class PythonFunctionArgs:
    """One function; `dead_letters` gets the events of asynchronous invocations that Lambda gave up on."""

    spec: FunctionSpec
    platform: Platform
    resources: Resources
    dead_letters: aws.sqs.Queue | None = None


class PythonFunction(pulumi.ComponentResource):
    """A function with its own role, a log group that exists before it, and its alarms if its spec is watched."""

    spec: FunctionSpec
    role: aws.iam.Role
    log_group: aws.cloudwatch.LogGroup
    function: aws.lambda_.Function

    def __init__(
        self, name: str, args: PythonFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("PythonFunction"), name, {}, opts)
        spec, platform, config = args.spec, args.platform, args.platform.config
        child = pulumi.ResourceOptions(parent=self)
        self.spec = spec

        # Created first: otherwise the function creates one, which has no retention and which no destroy deletes.
        self.log_group = _log_group(f"{name}-log", config, child)
        self.role = aws.iam.Role(
            f"{name}-role", assume_role_policy=iam.assume_role("lambda.amazonaws.com"), opts=child
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=self.role.name,
            policy=iam.policy(self._permissions(args)),
            opts=child,
        )
        self.function = aws.lambda_.Function(
            name,
            handler=spec.handler,
            code=platform.code,
            layers=[platform.layers[layer] for layer in spec.layers],
            runtime=config.runtime,
            architectures=[config.architecture],
            memory_size=spec.memory(config),
            timeout=spec.timeout(config),
            ephemeral_storage=_ephemeral_storage(spec.ephemeral(config)),
            # Each change keeps the previous version with its code, layers and settings: a rollback needs no build.
            # Versions cost nothing.
            publish=True,
            role=self.role.arn,
            kms_key_arn=config.encryption.key_arn,  # of the environment; Lambda has a grant for the role
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables=spec.environment(config, args.resources)
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
                mode="Active" if config.tracing else "PassThrough"
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[policy],  # without its permissions a function would fail its first messages
                # The provider would update the layers first and the code's architecture after them, so that for some
                # seconds nothing could be imported. A new function takes over once it is whole.
                replace_on_changes=["architectures", "runtime"],
            ),
        )
        self._alarms(name, args)
        self.register_outputs({"name": self.function.name, "arn": self.function.arn})

    def _permissions(self, args: PythonFunctionArgs) -> list[iam.Statement]:
        config = args.platform.config
        own = [*args.spec.permissions(args.resources), *self._common_permissions(args)]
        return [*own, *key_grants(own, config.encryption, config.region)]

    def _common_permissions(self, args: PythonFunctionArgs) -> list[iam.Statement]:
        """Allow to put failed events aside, to write to its own log group and to trace.

        Not to create a log group: a late flush after a destroy would bring it back.
        """
        common = []
        if args.dead_letters:
            common.append(  # Lambda sends them in the function's name
                iam.Statement(
                    sid="KeepWhatFailed", actions=["sqs:SendMessage"], resources=[args.dead_letters.arn]
                )
            )
        common.append(
            iam.Statement(
                sid="WriteOwnLog",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[pulumi.Output.concat(self.log_group.arn, ":*")],
            )
        )
        if args.platform.config.tracing:
            common.append(
                iam.Statement(
                    sid="SendTraces",
                    actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
                    resources=["*"],  # X-Ray: these actions have no resource type
                )
            )
        return common

    def _alarms(self, name: str, args: PythonFunctionArgs) -> None:
        if not args.spec.is_watched:
            return
        dimensions = {"FunctionName": self.function.name}
        child = pulumi.ResourceOptions(parent=self)
        alarm(
            f"{name}-errors",
            AlarmArgs(
                meaning=f"{name} crashed, timed out or ran out of memory.",
                remedy=f"Read its log around that time. {args.spec.after_error}",
                metrics={"errors": Metric(namespace="AWS/Lambda", name="Errors", dimensions=dimensions)},
                threshold=1,
                topic=args.platform.alarm_topic,
            ),
            child,
        )
        alarm(
            f"{name}-throttles",
            AlarmArgs(
                meaning=f"{name} was throttled: the account's concurrency is exhausted.",
                remedy="Lower `concurrency` of this stack, or have the account's Lambda quota raised. "
                f"{args.spec.after_throttle}",
                metrics={
                    "throttles": Metric(namespace="AWS/Lambda", name="Throttles", dimensions=dimensions)
                },
                threshold=1,
                periods=3,  # single throttles pass by themselves
                topic=args.platform.alarm_topic,
            ),
            child,
        )


def _log_group(name: str, config: StackConfig, opts: pulumi.ResourceOptions) -> aws.cloudwatch.LogGroup:
    days, key_arn = config.retention.logs, config.encryption.key_arn
    return aws.cloudwatch.LogGroup(name, retention_in_days=days, kms_key_id=key_arn, opts=opts)


def _ephemeral_storage(megabytes: int) -> aws.lambda_.FunctionEphemeralStorageArgs | None:
    """Return None for the size that every function has, so that the default stays Lambda's own."""
    if megabytes <= bounds.LAMBDA_EPHEMERAL_MB[0]:
        return None
    return aws.lambda_.FunctionEphemeralStorageArgs(size=megabytes)
