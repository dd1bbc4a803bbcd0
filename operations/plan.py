"""How long an import of many pictures takes, what it costs, and the right `concurrency` for it."""

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from components import bounds, preflight
from components.config_errors import set_command
from components.config_model import StackConfig
from operations.prices import Prices

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

SMALL_REGION: Final = 5
"""Requests a second that Rekognition allows for DetectModerationLabels in most regions; 50 in the largest."""
_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
# What `make bench-path` measures for a photo of 12 MP: waiting for AWS, and CPU that is not hidden behind that. So many
# requests and PUTs are made at once.
_CALLS_SECONDS, _PUTS_SECONDS, _FILE_SECONDS, _ASK_SECONDS = 0.16, 0.05, 0.025, 0.45
_REQUESTS_AT_ONCE, _PUTS_AT_ONCE = 4, 8
_WRITE_UNITS, _LOG_BYTES, _MESSAGE_REQUESTS, _INVOCATIONS = 11, 3_000, 3, 2


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the account allows: requests a second to Rekognition, and executions at once; None: could not be read."""

    requests: float | None
    executions: int | None

    @classmethod
    def read(cls, awslambda: "LambdaClient", quotas: Any) -> "Limits":
        """Ask Lambda for the account's settings and Service Quotas (`quotas`, its client) for Rekognition's.

        What may not be asked is None.
        """
        requests: float | None = None
        executions: int | None = None
        # The plan says what was not read.
        with suppress(ClientError, BotoCoreError):
            executions = awslambda.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
        with suppress(ClientError, BotoCoreError):
            for page in quotas.get_paginator("list_service_quotas").paginate(ServiceCode="rekognition"):
                for quota in page["Quotas"]:
                    if "DetectModerationLabels" in quota["QuotaName"]:
                        requests = float(quota["Value"])
        return cls(requests=requests, executions=executions)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """An import of `objects` pictures into a stack.

    `requests` are those to Rekognition for each picture, `seconds` the billed ones (None: an estimate from the number
    of files).
    """

    config: StackConfig
    limits: Limits
    objects: int
    requests: int = 1
    seconds: float | None = None

    @property
    def files(self) -> int:
        """Files that are made of each picture."""
        return len(self.config.sizes) * len(self.config.formats)

    @property
    def billed_seconds(self) -> float:
        """Billed seconds of each picture."""
        if self.seconds is not None:
            return self.seconds
        asked = math.ceil(self.requests / _REQUESTS_AT_ONCE)
        put = math.ceil(self.files / _PUTS_AT_ONCE)
        return _CALLS_SECONDS + _ASK_SECONDS * asked + _PUTS_SECONDS * put + _FILE_SECONDS * self.files

    @property
    def allowed_rate(self) -> float:
        """Pictures a second that Rekognition's quota allows."""
        return (self.limits.requests or SMALL_REGION) / self.requests

    @property
    def rate(self) -> float:
        """Pictures a second that the stack will process."""
        return min(self.config.concurrency.image / self.billed_seconds, self.allowed_rate)

    @property
    def right_concurrency(self) -> int:
        """`concurrency.image` that uses Rekognition's quota and no more: beyond it waiting is billed."""
        wanted = max(math.ceil(self.allowed_rate * self.billed_seconds), bounds.MAPPING_CONCURRENCY[0])
        if self.limits.executions is None:
            return wanted
        others = preflight.concurrency(self.config) - self.config.concurrency.image
        return max(min(wanted, self.limits.executions - others), bounds.MAPPING_CONCURRENCY[0])

    @property
    def units(self) -> dict[str, float]:
        """What AWS bills for each picture, by the kinds of `prices.toml`; without storage and transfer."""
        gigabytes = self.config.memory.image / 1024
        return {
            "rekognition_request": self.requests,
            "s3_write": self.files,
            "s3_read": 1,
            "lambda_gigabyte_second": gigabytes * self.billed_seconds,
            "lambda_request": _INVOCATIONS,
            "dynamodb_write_unit": _WRITE_UNITS,
            "dynamodb_read_unit": 1,
            "sns_request": 1,
            "sqs_request": _MESSAGE_REQUESTS,
            "log_byte": _LOG_BYTES,
        }

    @property
    def dollars(self) -> float:
        """List price of all pictures, without storage and transfer."""
        return self.objects * Prices.read().cost(self.units)

    def lines(self) -> Iterator[str]:
        """Describe the plan for a person."""
        config, seconds = self.config, self.objects / self.rate
        is_bound_by_quota = self.allowed_rate < config.concurrency.image / self.billed_seconds
        bound = "Rekognition's quota" if is_bound_by_quota else "`concurrency.image`"
        yield (
            f"{self.objects:,} pictures, {self.billed_seconds:.1f} billed seconds each: {self.rate:.1f} a second, "
            f"{seconds / _HOUR:,.1f} hours. Bound by {bound}."
        )
        prices = Prices.read()
        yield f"{self.dollars:,.0f} USD at the list prices of {prices.date} in {prices.region}."
        yield self._allowed()
        right = self.right_concurrency
        if right == config.concurrency.image:
            yield f"`concurrency.image` is right: {right}."
        else:
            yield (
                f"The right `concurrency.image` is {right} (now {config.concurrency.image}): "
                + set_command(("concurrency", "image"), right)
            )
        if seconds > bounds.QUEUE_RETENTION_DAYS * _DAY:
            most = math.floor(self.rate * bounds.QUEUE_RETENTION_DAYS * _DAY)
            yield (
                f"Too many at once: the queue keeps a message for {bounds.QUEUE_RETENTION_DAYS} days, in which "
                f"{most:,} are processed; the others would be lost. Upload them in parts, or raise `concurrency`."
            )

    def _allowed(self) -> str:
        requests, executions = self.limits.requests, self.limits.executions
        asked = (
            f"Rekognition allows {requests:g} requests a second here"
            if requests is not None
            else f"Rekognition's quota could not be read: {SMALL_REGION} requests a second are taken for granted"
        )
        run = (
            f"Lambda {executions:,} executions at once"
            if executions is not None
            else "and Lambda's could not be read either"
            if requests is None
            else "Lambda's quota could not be read"
        )
        return f"{asked}; {run}."
