"""The plugin's provider: creates a MediaPipeline for a Pulumi program in any language."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pulumi
import pulumi_aws as aws
from pulumi.errors import InputPropertiesError, InputPropertyErrorDetails
from pulumi.provider import ConstructResult, Provider
from pydantic.alias_generators import to_camel

from components import config
from components.config_errors import ConfigError
from components.config_model import PROJECT, StackConfig
from components.embedding.schema import REGION, TOKEN, package_schema
from components.media_pipeline import MediaPipeline, MediaPipelineArgs
from components.packaging import version
from components.stack_files import StackFiles

CHECKOUT: Final = Path(__file__).resolve().parents[2]
DEFAULTS: Final = "dev"
"""The stack whose values an input has that is not given."""


class MediaPipelineProvider(Provider):
    """Creates pipelines; a wrong input is reported as the property that it is, before anything is registered."""

    def __init__(self) -> None:
        number = version.read()
        super().__init__(number, json.dumps(package_schema(number)))

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Create the pipeline that an embedding program declares as `name`."""
        if resource_type != TOKEN:
            raise ValueError(f"{resource_type} is not a type of this package: it has {TOKEN}")
        checked = configuration(name, inputs, stack=pulumi.get_stack())
        pipeline = MediaPipeline(name, MediaPipelineArgs(config=checked), options)
        region = aws.get_region_output(opts=pulumi.InvokeOutputOptions(parent=pipeline)).region
        outputs: dict[str, Any] = {to_camel(key): value for key, value in pipeline.outputs.items()}
        # An output waits for the check of the region, so that a pipeline between two regions fails.
        first = to_camel("uploads_bucket")
        outputs[first] = pulumi.Output.all(outputs[first], region, checked.region).apply(_in_its_region)
        return ConstructResult(pipeline.urn, outputs)


def _in_its_region(values: list[str]) -> str:
    output, region, configured = values
    if region != configured:
        raise pulumi.RunError(
            f"the provider works in {region} and the pipeline is configured for {configured}: "
            f"give the pipeline the input region: {region}, or a provider of {configured}"
        )
    return output


def configuration(name: str, inputs: Mapping[str, Any], *, stack: str) -> StackConfig:
    """Return the checked configuration; raise InputPropertiesError with every wrong input."""
    if unknown := sorted(key for key, value in inputs.items() if _holds_output(value)):
        raise _refused(
            name, dict.fromkeys(unknown, "must be known at preview: no output of a resource, and no secret")
        )
    given = {key: value for key, value in inputs.items() if key != REGION and value is not None}
    prefix = f"{PROJECT}:"
    defaults = StackFiles.read(CHECKOUT, DEFAULTS).values
    raw = {key.removeprefix(prefix): value for key, value in defaults.items() if key.startswith(prefix)}
    region = inputs.get(REGION) or pulumi.Config("aws").get("region") or os.environ.get("AWS_REGION")
    try:
        return config.parse({**raw, **given}, stack=stack, region=region, pipeline=name)
    except ConfigError as error:
        problems = {
            "region" if problem.key == "aws:region" else problem.key: (
                f"{problem.given}; allowed: {problem.allowed}"
            )
            for problem in error.problems
        }
        raise _refused(name, problems) from error


def _refused(name: str, problems: Mapping[str, str]) -> InputPropertiesError:
    return InputPropertiesError(
        f"the media pipeline {name} cannot be created",
        [InputPropertyErrorDetails(property_path=path, reason=reason) for path, reason in problems.items()],
    )


def _holds_output(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_output(inner) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_output(inner) for inner in value)
    return isinstance(value, pulumi.Output | asyncio.Future)
