"""What an edge location has to know of a distribution, read from moto."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.moto_patches.distributions_policies import policies
from embedded_aws.moto_state import find_distribution


class UnsupportedError(RuntimeError):
    """The distribution asks for something that the embedded AWS does not carry out."""


@dataclass(frozen=True, kw_only=True)
class Lifetimes:
    """For how many seconds an answer is kept: at least, where the origin says nothing, and at most."""

    least: float
    usual: float
    most: float


@dataclass(frozen=True, kw_only=True)
class AddedHeader:
    """A header of a response headers policy; without `overrides` the origin's own comes first."""

    name: str
    value: str
    overrides: bool


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A distribution with one bucket behind it."""

    id: str
    arn: str
    domain: str
    enabled: bool
    methods: frozenset[str]
    bucket: str
    signs_requests: bool
    """Whether it asks the bucket in its own name (origin access control), and not as anybody."""
    lifetimes: Lifetimes
    headers: tuple[AddedHeader, ...]
    keys: Mapping[str, str] | None
    """Public keys in PEM by their ids, of which one must have signed a request; None: none has to."""


def read_distribution(host: str) -> Distribution | None:
    """Return the distribution that delivers for a host, None where there is none. To be called under MOTO_LOCK.

    Raises UnsupportedError for a cache key of more than the path.
    """
    from moto.cloudfront.models import cloudfront_backends

    found = find_distribution(host)
    if found is None:
        return None
    backend = cloudfront_backends[ACCOUNT_ID]["aws"]
    config = found.distribution_config
    behaviour = config.DefaultCacheBehavior
    origin = next(each for each in config.Origins["Items"] if each.id == behaviour.target_origin_id)
    control = backend.origin_access_controls.get(origin.origin_access_control_id)
    groups = behaviour.trusted_key_groups.items
    return Distribution(
        id=found.distribution_id,
        arn=found.arn,
        domain=found.domain_name,
        enabled=str(config.Enabled).lower() == "true",
        methods=frozenset(behaviour.allowed_methods.items),
        bucket=origin.domain_name.partition(".s3.")[0],
        signs_requests=control is not None and control.signing_behavior == "always",
        lifetimes=_lifetimes(policies(backend, "CachePolicy")[behaviour.cache_policy_id]["config"]),
        headers=_headers(
            policies(backend, "ResponseHeadersPolicy").get(behaviour.response_headers_policy_id)
        ),
        keys=_keys(backend, groups) if groups else None,
    )


def _keys(backend: Any, groups: list[str]) -> dict[str, str]:
    ids = [key for group in groups for key in backend.key_groups[group].items]
    return {id_: backend.public_keys[id_].encoded_key for id_ in ids}


def _lifetimes(policy: Mapping[str, Any]) -> Lifetimes:
    """Return what a cache policy says. (CloudFront API Reference, "CachePolicyConfig".)"""
    parts = policy.get("ParametersInCacheKeyAndForwardedToOrigin") or {}
    for what in ("Cookie", "Header", "QueryString"):
        behaviour = parts.get(f"{what}sConfig", {}).get(f"{what}Behavior", "none")
        if behaviour != "none":
            raise UnsupportedError(
                f"the cache policy {policy['Name']} has {what}Behavior {behaviour}: the edge of the embedded AWS keeps"
                " one object for each path, which is none"
            )
    least = float(policy.get("MinTTL", 0))
    most = float(policy.get("MaxTTL", max(least, 31_536_000)))
    usual = float(policy.get("DefaultTTL", max(least, 86_400)))
    return Lifetimes(least=least, usual=usual, most=most)


def _headers(policy: Mapping[str, Any] | None) -> tuple[AddedHeader, ...]:
    """Return the headers of a response headers policy. (CloudFront API Reference, "ResponseHeadersPolicyConfig".)"""
    if policy is None:
        return ()
    config = policy["config"]
    custom = config.get("CustomHeadersConfig", {}).get("Items") or ()
    found = [
        AddedHeader(name=each["Header"], value=each["Value"], overrides=_is_true(each["Override"]))
        for each in custom
    ]
    security = config.get("SecurityHeadersConfig") or {}
    if (types := security.get("ContentTypeOptions")) is not None:
        found.append(
            AddedHeader(name="X-Content-Type-Options", value="nosniff", overrides=_is_true(types["Override"]))
        )
    if (transport := security.get("StrictTransportSecurity")) is not None:
        found.append(
            AddedHeader(
                name="Strict-Transport-Security",
                value=f"max-age={transport['AccessControlMaxAgeSec']}",
                overrides=_is_true(transport["Override"]),
            )
        )
    return tuple(found)


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"
