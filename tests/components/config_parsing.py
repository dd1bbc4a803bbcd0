"""How the tests of the configuration have it judged."""

from collections.abc import Mapping
from typing import Any

import pytest

from components.config import StackConfig
from components.config_errors import ConfigError, Fault

Raw = dict[str, Any]


def parse(raw: Mapping[str, object], region: str | None = "eu-central-1", stack: str = "dev") -> StackConfig:
    return StackConfig.parse(raw, stack=stack, region=region)


def faults(
    raw: Mapping[str, object], region: str | None = "eu-central-1", stack: str = "dev"
) -> dict[str, Fault]:
    with pytest.raises(ConfigError) as caught:
        parse(raw, region, stack)
    return {fault.key: fault for fault in caught.value.faults}


def put(raw: Raw, path: str, value: object) -> Raw:
    """Set one value by its dotted path."""
    *groups, last = path.split(".")
    target = raw
    for group in groups:
        target = target.setdefault(group, {})
    target[last] = value
    return raw
