"""AWS's list prices, from `prices.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Self

FILE = Path(__file__).with_name("prices.toml")
SERVICES: Mapping[str, tuple[str, ...]] = {
    "Rekognition": ("rekognition_request",),
    "S3": ("s3_write", "s3_read", "s3_delete"),
    "Lambda": ("lambda_gigabyte_second", "lambda_request"),
    "DynamoDB": ("dynamodb_write_unit", "dynamodb_read_unit"),
    "API Gateway": ("api_request",),
    "SNS": ("sns_request",),
    "SQS": ("sqs_request",),
    "CloudTrail": ("trail_event",),
    "CloudFront": ("invalidation_path",),
    "CloudWatch": ("log_byte", "alarm_metric_month", "metric_month"),
}
"""The kinds of units by the service that bills them; stored gigabytes, billed as they age, are left out."""


@dataclass(frozen=True)
class Prices:
    """USD per unit, and how many units a month are free, as of `date` in `region`."""

    date: date
    region: str
    per_unit: Mapping[str, float]
    free: Mapping[str, int]

    @classmethod
    @cache
    def read(cls) -> Self:
        """Return the prices of the project's file."""
        return cls(**tomllib.loads(FILE.read_text(encoding="utf-8")))

    def cost(self, units: Mapping[str, float]) -> float:
        """Return the USD of so many units of each kind, without free ones. Raises KeyError for an unknown kind."""
        return sum(self.per_unit[kind] * count for kind, count in units.items())

    def by_service(self, units: Mapping[str, float]) -> dict[str, float]:
        """Return the USD of the units by the service that bills them, 0 for those without units."""
        return {
            service: self.cost({kind: units.get(kind, 0) for kind in kinds})
            for service, kinds in SERVICES.items()
        }
