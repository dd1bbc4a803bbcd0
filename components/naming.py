"""Names and tags of all resources, and the provider that applies them.

Resources are named `media-pipeline-<stack>-<what>`; Pulumi appends a random part, so that two stacks, or a replacement
and what it replaces, never collide.
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
    """Return the type token of one of this program's components."""
    return f"{COMPONENT_TYPE}:{name}"


def tags(config: StackConfig) -> dict[str, str]:
    """Return the tags of every taggable resource, for cost allocation and ownership."""
    return {"Project": PROJECT, "Stack": config.stack, "ManagedBy": "pulumi"}


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account and region of the stack, looked up once."""

    id: pulumi.Output[str]
    partition: pulumi.Output[str]
    region: str

    @classmethod
    def current(cls, region: str, *, parent: pulumi.Resource) -> "Account":
        """Look up the account and partition of the credentials that the provider of `parent`'s children uses."""
        options = pulumi.InvokeOutputOptions(parent=parent)
        return cls(
            id=aws.get_caller_identity_output(opts=options).account_id,
            partition=aws.get_partition_output(opts=options).partition,
            region=region,
        )


def aws_provider(config: StackConfig) -> aws.Provider:
    """Create the program's one provider from the stack's `aws:` settings and the pipeline's tags.

    An explicit provider does not read the stack's `aws:` keys by itself, so they are passed on. The stack's own default
    tags take precedence.
    """
    settings = {
        _snake(key): _value(f"aws:{key}", text) for key, text in engine_config.namespace("aws").items()
    }
    known = inspect.signature(aws.Provider._internal_init).parameters
    if unknown := sorted(set(settings) - set(known)):
        pulumi.log.warn(f"not passed to the AWS provider, which has no such settings: {', '.join(unknown)}")
    own: Any = settings.get("default_tags") or {}
    own_tags: Mapping[str, str] = own.get("tags", {}) if isinstance(own, Mapping) else {}
    passed: dict[str, Any] = {key: value for key, value in settings.items() if key in known}
    passed["default_tags"] = aws.ProviderDefaultTagsArgs(tags={**tags(config), **own_tags})
    return aws.Provider(config.service, **passed)


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def _value(full_key: str, text: str) -> object:
    """Parse objects, arrays and booleans; keep a secret secret."""
    value: object = json.loads(text) if text.startswith(("{", "[")) or text in ("true", "false") else text
    return pulumi.Output.secret(value) if runtime_config.is_config_secret(full_key) else value
