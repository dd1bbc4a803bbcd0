"""Every registered resource is held against CloudFormation's schema of its type, for several sets of options."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from cfnlint.api import lint  # type: ignore[import-untyped]
from cfnlint.config import ManualArgs  # type: ignore[import-untyped]

from tests.cloudformation import templates
from tests.components.conftest import ORIGINS, Run, part, run, zips  # noqa: F401 - `run` and `zips` are fixtures
from tests.components.recording import Recording, Registered

ALL = os.environ.get("TRANSITIONS") == "all"
ROLE = "arn:aws:iam::123456789012:role/logs-of-apis"
EVERYTHING = {
    "reconcile": "daily",
    "notify": {"alerts": ["a@example.com"], "results": ["b@example.com"]},
    **part("dev", "api", rate=10_000, burst=5_000, quotaPerDay=864_000_000, corsOrigins=ORIGINS),
}
OPTIONS: Mapping[str, tuple[str, dict[str, Any], str]] = {
    "everything": ("dev", EVERYTHING, ROLE),
    "prod": ("prod", {}, ""),
    "least": ("dev", {"video.enabled": False, "api.enabled": False, "tracing": False}, ""),
    "kept forever": (
        "dev",
        {"retention": {"originals": 14, "quarantine": 0, "records": 0, "logs": 0}, "protect": True},
        ROLE,
    ),
    "x86_64": ("dev", {"architecture": "x86_64", "runtime": "python3.14", "pointInTimeRecovery": True}, ROLE),
}


def problems(template: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what the schemas do not allow: logical id -> paths with the rules."""
    found: dict[str, list[str]] = {}
    for match in lint(json.dumps(template), config=ManualArgs(regions=["eu-central-1"])):
        path = [str(step) for step in match.path or []]
        if not match.rule.id.startswith("E"):
            continue  # advice, such as a policy on deletion
        found.setdefault(path[1] if len(path) > 1 else "", []).append(
            f"{'.'.join(path[3:])}: {match.message} ({match.rule.id})"
        )
    return found


@pytest.mark.parametrize("options", OPTIONS if ALL else ["everything"])
def test_every_resource_is_what_the_schema_of_its_type_allows(run: Run, options: str) -> None:  # noqa: F811
    stack, overrides, role = OPTIONS[options]
    assert problems(templates.of(run(stack, overrides, api_gateway_role=role))) == {}


# Ending of the name and kind of a resource, the input that is made wrong, its value, and what the rule is about.
PLANTED: list[tuple[str, str, str, Any, str]] = [
    ("process-image", "Function", "memorySize", 127, "MemorySize"),
    ("process-video", "Function", "timeout", 901, "Timeout"),
    ("dead-letters", "Function", "runtime", "python4.0", "Runtime"),
    ("upload-api", "Function", "architectures", ["riscv"], "Architectures"),
    ("log-notification", "Function", "name", "f" * 65, "FunctionName"),
    ("process-image-role", "Role", "name", "r" * 65, "RoleName"),
    ("dead-letters-role", "Role", "maxSessionDuration", "an hour", "MaxSessionDuration"),
    ("-failed", "MetricAlarm", "comparisonOperator", "Above", "ComparisonOperator"),
    ("-unknown-messages", "MetricAlarm", "period", 61, "Period"),
    ("-process-image-errors", "MetricAlarm", "dimensions", {f"d{n}": "v" for n in range(31)}, "Dimensions"),
    ("-process-image-throttles", "MetricAlarm", "treatMissingData", "perhaps", "TreatMissingData"),
    ("-process-video-errors", "MetricAlarm", "statistic", "Median", "Statistic"),
    ("-images", "Queue", "visibilityTimeoutSeconds", 43_201, "VisibilityTimeout"),
    ("-videos", "Queue", "messageRetentionSeconds", 1_209_601, "MessageRetentionPeriod"),
    ("-images-dead-letters", "Queue", "maxMessageSize", 1_023, "MaximumMessageSize"),
    ("process-image-log", "LogGroup", "retentionInDays", 31, "RetentionInDays"),
    ("process-video-log", "LogGroup", "name", "l" * 513, "LogGroupName"),
    ("-process-image-mapping", "EventSourceMapping", "scalingConfig", {"maximumConcurrency": 1}, "MaximumConcurrency"),
    ("-process-video-mapping", "EventSourceMapping", "batchSize", 10_001, "BatchSize"),
    ("-records", "Table", "billingMode", "FREE", "BillingMode"),
    ("-image-layer", "LayerVersion", "compatibleArchitectures", ["riscv"], "CompatibleArchitectures"),
    ("-renditions", "Bucket", "bucket", "Upper_Case", "BucketName"),
    ("-api-stage", "Stage", "xrayTracingEnabled", "perhaps", "TracingEnabled"),
    ("-reconcile-schedule", "Schedule", "state", "ON", "State"),
]  # fmt: skip


def planted(recorded: Recording) -> dict[str, Registered]:
    """Return the resources with one mistake each, by their logical id."""
    found = {}
    for ending, kind, key, value, _ in PLANTED:
        (resource,) = (
            each
            for each in recorded.resources
            if each.name.endswith(ending) and each.type.endswith(f":{kind}")
        )
        wrong = replace(resource, inputs={**resource.inputs, key: value})
        found[templates.logical_id(wrong)] = wrong
    return found


def test_twenty_mistakes_are_each_found_with_the_path_and_the_rule(run: Run) -> None:  # noqa: F811
    wrong = planted(run("dev", EVERYTHING, api_gateway_role=ROLE))
    assert len(wrong) == len(PLANTED) >= 20
    found = problems(templates.template(wrong.values()))
    for logical_id, (*_, about) in zip(wrong, PLANTED, strict=True):
        assert any(about in each.partition(":")[0] for each in found.get(logical_id, [])), (
            f"{logical_id}: {about} not in {found.get(logical_id)}"
        )
