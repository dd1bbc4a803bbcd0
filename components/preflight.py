"""Preflight: in a preview, hold the stack against the account's own quotas, before anything is created.

A quota that is too small stops nothing: the account may get a larger one until the stack needs it, and what is beyond
it is throttled and retried. So each finding is a warning, with the command that raises the quota and the one that makes
the stack smaller. What cannot be looked at is named, with the command to look at it by hand.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
from pulumi.runtime import invoke_async

from components import bounds, function_specs
from components.config_errors import set_command
from components.config_model import StackConfig

_GET_ROLE = "aws:iam/getRole:getRole"
_GET_QUOTA = "aws:servicequotas/getServiceQuota:getServiceQuota"
# Account and region; the name that Service Quotas shows for it could not be verified, so it is not looked up.
_REKOGNITION = (
    "aws service-quotas list-service-quotas --service-code rekognition --region {region} "
    "--query \"Quotas[?contains(QuotaName, 'DetectModerationLabels')].[QuotaName, QuotaCode, Value]\""
)


@dataclass(frozen=True, kw_only=True)
class Quota:
    """One quota that Service Quotas knows: its codes, how much of it the stack can use, and how to use less."""

    name: str
    service: str
    code: str
    usual: int
    needed: Callable[[StackConfig], int]
    lower: Callable[[StackConfig], str]

    def warning(self, config: StackConfig, allowed: float) -> str | None:
        """Return the warning for an account that allows `allowed`, None where that is enough."""
        needed = self.needed(config)
        if needed <= allowed:
            return None
        return (
            f"{self.name}: the stack can use {needed}, this account allows {allowed:g} in {config.region}. "
            "What is beyond it is throttled and retried.\n"
            f"  raise it:      {raise_command(self.service, self.code, max(needed, self.usual), config.region)}\n"
            f"  or use less:   {self.lower(config)}"
        )


def raise_command(service: str, code: str, value: int, region: str) -> str:
    """Return the AWS CLI's command that asks for a larger quota."""
    return (
        f"aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code} "
        f"--desired-value {value} --region {region}"
    )


def concurrency(config: StackConfig) -> int:
    """Return how many executions the stack can have at once: each mapping's most, and one of each other function."""
    specs = function_specs.deployed(config)
    return sum(sum(poll.most(config) for poll in spec.polls(config)) or 1 for spec in specs)


def _api(value: int | None, config: StackConfig) -> int:
    """Return what the API's key may use, twice where each request may come with a preflight request."""
    return (value or 0) * (2 if config.api.cors_origins else 1) if config.api.enabled else 0


CONCURRENCY = Quota(
    name="Lambda concurrent executions",
    service="lambda",
    code="L-B99A9384",
    usual=1_000,
    needed=concurrency,
    lower=lambda _: set_command(("concurrency", "image"), bounds.MAPPING_CONCURRENCY[0]),
)
QUOTAS = (
    CONCURRENCY,
    Quota(
        name="API Gateway requests per second",
        service="apigateway",
        code="L-8A5B8E43",
        usual=bounds.API_RATE[1],
        needed=lambda config: _api(config.api.rate, config),
        lower=lambda _: set_command(("api", "rate"), 10),
    ),
    Quota(
        name="API Gateway requests at once",
        service="apigateway",
        code="L-CDF5615A",
        usual=bounds.API_BURST[1],
        needed=lambda config: _api(config.api.burst, config),
        lower=lambda _: set_command(("api", "burst"), 20),
    ),
)


def memory_warning(config: StackConfig, executions: float | None) -> str | None:
    """Return the warning for functions larger than a new account allows, None where that cannot be.

    No code of Service Quotas shows an account's memory quota. A new account has few concurrent executions as well, so
    one with the usual number (None: unknown) is taken for one with the usual memory.
    """
    large = {spec.name: spec.memory(config) for spec in function_specs.deployed(config)}
    large = {name: memory for name, memory in large.items() if memory > bounds.NEW_ACCOUNT_MEMORY_MB}
    if not large or (executions is not None and executions >= CONCURRENCY.usual):
        return None
    keys = {"process-image": "image", "process-video": "video"}
    smaller = " && ".join(set_command(("memory", keys[name]), bounds.NEW_ACCOUNT_MEMORY_MB) for name in large)
    return (
        f"Lambda memory: {', '.join(f'{name} has {memory} MB' for name, memory in large.items())}. A new account "
        f"allows {bounds.NEW_ACCOUNT_MEMORY_MB} MB, and then this `up` stops half-way. No API shows the quota.\n"
        '  raise it:      open a case in AWS Support (service Lambda, quota "function memory")\n'
        f"  or use less:   {smaller}"
    )


def look_at_quotas(config: StackConfig, *, parent: pulumi.Resource) -> None:
    """In a preview, warn of each quota of the account that the stack exceeds; do nothing in an update.

    The account is that of the provider of `parent`'s children.
    """
    if pulumi.runtime.is_dry_run():
        # As an output, so that the program does not end before it.
        _: pulumi.Output[None] = pulumi.Output.from_input(_look(config, parent))


def look_at_role(arn: pulumi.Output[str], options: pulumi.ResourceOptions) -> None:
    """In a preview, warn where the account's role for API Gateway's logs (`arn`; none: empty) does not exist."""
    if pulumi.runtime.is_dry_run():
        _: pulumi.Output[None] = pulumi.Output.from_input(_look_at_role(arn, options))


async def _look_at_role(arn: pulumi.Output[str], options: pulumi.ResourceOptions) -> None:
    role = await arn.future()
    if not role:
        return
    name = role.rpartition("/")[2]
    try:
        await invoke_async(_GET_ROLE, {"name": name}, pulumi.InvokeOptions(parent=options.parent))
    except Exception as error:  # noqa: BLE001 - what Pulumi raises for a failed function
        if "NoSuchEntity" not in str(error):
            pulumi.log.info(
                f"Whether the role {name} of API Gateway's logs exists was not looked at: {error}"
            )
            return
        pulumi.log.warn(
            f"API Gateway's account settings name the role {name} for its logs, which does not exist, so the API's "
            "access log stays empty or `up` fails.\n"
            "  set another:   aws apigateway update-account --patch-operations "
            "op=replace,path=/cloudwatchRoleArn,value=<role>"
        )


async def _look(config: StackConfig, parent: pulumi.Resource) -> None:
    executions: float | None = None
    for quota in QUOTAS:
        if not quota.needed(config):
            continue
        try:
            allowed = await _read(quota, parent)
        except Exception as error:  # noqa: BLE001 - what Pulumi raises for a failed function; only a look was lost
            pulumi.log.info(_not_looked_at(quota, config, error))
            continue
        executions = allowed if quota is CONCURRENCY else executions
        if warning := quota.warning(config, allowed):
            pulumi.log.warn(warning)
    if warning := memory_warning(config, executions):
        pulumi.log.warn(warning)
    pulumi.log.info(
        "Amazon Rekognition's requests per second are not looked at: "
        f"{_REKOGNITION.format(region=config.region)}"
    )


async def _read(quota: Quota, parent: pulumi.Resource) -> float:
    arguments = {"serviceCode": quota.service, "quotaCode": quota.code}
    answer = await invoke_async(_GET_QUOTA, arguments, pulumi.InvokeOptions(parent=parent))
    return float(answer["value"])


def _not_looked_at(quota: Quota, config: StackConfig, error: Exception) -> str:
    why = str(error).strip().splitlines()[0]
    return (
        f"{quota.name}: the account's quota could not be looked at, the stack can use {quota.needed(config)} ({why}). "
        f"To look at it: aws service-quotas get-service-quota --service-code {quota.service} "
        f"--quota-code {quota.code} --region {config.region}"
    )
