"""How everything is named and tagged, and the provider that carries it.

Resources are named `media-pipeline-<stack>-<what>`; Pulumi appends a random part, so that two stacks,
and a replacement beside what it replaces, never collide.
"""

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.runtime import config as runtime_config

from components import engine_config
from components.config_model import PROJECT, StackConfig

COMPONENT_TYPE = f"{PROJECT}:index"


def component_type(name: str) -> str:
    """The type token of one of this program's components."""
    return f"{COMPONENT_TYPE}:{name}"


def tags(config: StackConfig) -> dict[str, str]:
    """What every taggable resource carries, so that costs and owners can be told apart."""
    return {"Project": PROJECT, "Stack": config.stack, "ManagedBy": "pulumi"}


@dataclass(frozen=True, kw_only=True)
class Account:
    """Where the stack lives; asked for once."""

    id: pulumi.Output[str]
    partition: pulumi.Output[str]
    region: str

    @classmethod
    def current(cls, config: StackConfig, provider: aws.Provider) -> "Account":
        """The account and partition that `provider` is signed in to."""
        options = pulumi.InvokeOutputOptions(provider=provider)
        return cls(
            id=aws.get_caller_identity_output(opts=options).account_id,
            partition=aws.get_partition_output(opts=options).partition,
            region=config.region,
        )


def aws_provider(config: StackConfig) -> aws.Provider:
    """The one provider of the program: the stack's own `aws:` settings, plus our tags on everything.

    An explicit provider does not read the stack's `aws:` keys by itself, so they are handed on; the
    stack's own default tags win over ours.
    """
    settings = {
        _snake(key): _value(f"aws:{key}", text) for key, text in engine_config.namespace("aws").items()
    }
    known = inspect.signature(aws.Provider._internal_init).parameters
    if unknown := sorted(set(settings) - set(known)):
        pulumi.log.warn(f"not handed to the AWS provider, which has no such settings: {', '.join(unknown)}")
    own: Any = settings.get("default_tags") or {}
    own_tags: Mapping[str, str] = own.get("tags", {}) if isinstance(own, Mapping) else {}
    handed: dict[str, Any] = {key: value for key, value in settings.items() if key in known}
    handed["default_tags"] = aws.ProviderDefaultTagsArgs(tags={**tags(config), **own_tags})
    return aws.Provider(config.service, **handed)


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def _value(full_key: str, text: str) -> object:
    """Objects, arrays and booleans parsed; a secret stays one."""
    value: object = json.loads(text) if text.startswith(("{", "[")) or text in ("true", "false") else text
    return pulumi.Output.secret(value) if runtime_config.is_config_secret(full_key) else value
