"""`pulumi:providers:aws`: the region and the default tags that its resources inherit."""

import json
from collections.abc import Mapping
from typing import Any

from embedded_aws.resources.base import Aws, DeploymentRefusedError, ProviderSettings

PROVIDER_TYPE = "pulumi:providers:aws"

# Carried out, or without meaning where nothing is validated against a real account (the SDK sets some of the
# skips by itself).
_KNOWN = frozenset(
    {
        "region",
        "defaultTags",
        "allowedAccountIds",
        "version",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
    }
)


def provider_settings(name: str, inputs: Mapping[str, Any], aws: Aws) -> ProviderSettings:
    """Return the settings of an explicit provider resource; values other than strings arrive as JSON text.

    Raises DeploymentRefusedError for inputs that are not carried out, another region than the world's, and an
    account that is not allowed.
    """
    unknown = sorted(key for key, value in inputs.items() if value is not None and key not in _KNOWN)
    if unknown:
        raise DeploymentRefusedError(
            f"{PROVIDER_TYPE} {name!r}: inputs not carried out by the embedded AWS: {', '.join(unknown)}"
        )
    allowed = _decoded(inputs.get("allowedAccountIds"))
    if allowed and aws.account_id not in allowed:
        raise DeploymentRefusedError(
            f"{PROVIDER_TYPE} {name!r}: AWS account ID not allowed: {aws.account_id} (allowed: {allowed})"
        )
    return _settings(inputs.get("region") or aws.region, _decoded(inputs.get("defaultTags")), aws)


def default_provider(config: Mapping[str, str], aws: Aws) -> ProviderSettings:
    """Return the settings of resources without a provider: the stack's `aws:` configuration."""
    return _settings(config.get("aws:region", aws.region), _decoded(config.get("aws:defaultTags")), aws)


def _settings(region: str, default_tags: Any, aws: Aws) -> ProviderSettings:
    if region != aws.region:
        raise DeploymentRefusedError(f"the world is in {aws.region}, the provider wants {region}")
    unknown = set(default_tags or {}) - {"tags"}
    if unknown:
        raise DeploymentRefusedError(f"{PROVIDER_TYPE}: unknown input 'defaultTags.{min(unknown)}'")
    return ProviderSettings(region=region, default_tags=dict((default_tags or {}).get("tags") or {}))


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
