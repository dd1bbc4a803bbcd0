"""Read a stack's configuration and check it as a whole, before any resource is registered."""

from collections.abc import Mapping

import pulumi
from pydantic import ValidationError

from components import config_checks, delivery_checks, engine_config
from components.config_errors import ConfigError, Problem
from components.config_model import PROJECT, StackConfig, StackKeys


def load() -> StackConfig:
    """Return the running program's configuration; raise ConfigError that lists every problem."""
    region = pulumi.Config("aws").get("region")
    keys = engine_config.typed(engine_config.namespace(pulumi.Config().name))
    return parse(keys, stack=pulumi.get_stack(), region=region)


def parse(
    raw: Mapping[str, object], *, stack: str, region: str | None, pipeline: str = PROJECT
) -> StackConfig:
    """Check `raw`, the keys of the `media-pipeline:` namespace without their prefix, typed as in YAML.

    `pipeline` is the name that a program which embeds the pipeline gives it. Raises ConfigError that lists every
    problem.
    """
    found = [
        *config_checks.check_stack(stack, region, pipeline),
        *config_checks.check_key(raw, region),
        *config_checks.check_together(raw, StackKeys),
    ]
    try:
        keys = StackKeys.model_validate(dict(raw))
    except ValidationError as error:
        found = [*config_checks.explain(error, StackKeys), *found]
    else:
        config = StackConfig.model_construct(
            **dict(keys), stack=stack, region=region or "", pipeline=pipeline
        )
        found += [*config_checks.check_environment(config), *delivery_checks.check_partition(config)]
        if not found:
            return config
    raise ConfigError(stack, _first_of_each_key(found))


def _first_of_each_key(found: list[Problem]) -> list[Problem]:
    return list({problem.key: problem for problem in reversed(found)}.values())[::-1]
