"""How the tests of the configuration have it checked."""

from collections.abc import Mapping
from typing import Any

import pytest

from components import config
from components.config_errors import ConfigError, Problem
from components.config_model import StackConfig

Raw = dict[str, Any]


def parse(raw: Mapping[str, object], region: str | None = "eu-central-1", stack: str = "dev") -> StackConfig:
    return config.parse(raw, stack=stack, region=region)


def problems(
    raw: Mapping[str, object], region: str | None = "eu-central-1", stack: str = "dev"
) -> dict[str, Problem]:
    with pytest.raises(ConfigError) as caught:
        parse(raw, region, stack)
    return {problem.key: problem for problem in caught.value.problems}


def put(raw: Raw, path: str, value: object) -> Raw:
    """Set one value by its dotted path."""
    *groups, last = path.split(".")
    target = raw
    for group in groups:
        target = target.setdefault(group, {})
    target[last] = value
    return raw
