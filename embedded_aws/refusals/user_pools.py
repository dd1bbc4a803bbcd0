"""Cognito. (Developer Guide: "Quotas", "Using your own domain"; API reference: CreateUserPoolClient.)"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.refusals.base import Parameters, refusal, refuse

_BAD = "InvalidParameterException"
_RESERVED = ("aws", "amazon", "cognito")
_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
_SHORT = (300, _SECONDS["days"])  # of identity and access tokens
_LONG = (3_600, 3_650 * _SECONDS["days"])  # of refresh tokens
_LOCAL = frozenset({"localhost", "127.0.0.1"})
_CLIENT = ("CreateUserPoolClient", "UpdateUserPoolClient")


@refusal(
    "a domain's prefix holds no reserved word, and belongs to one pool", "cognito-idp", "CreateUserPoolDomain"
)
def _domain(parameters: Parameters) -> None:
    domain = parameters["Domain"]
    if "." in domain:
        return  # a domain of one's own
    if any(word in domain for word in _RESERVED):
        raise refuse(_BAD, f"Domain cannot contain reserved word: {', '.join(_RESERVED)}")
    for backend in _backends():
        if domain in backend.user_pool_domains:
            raise refuse(_BAD, "Domain already associated with another user pool.")
        for other in backend.user_pool_domains.values():
            if other.user_pool_id == parameters["UserPoolId"]:
                raise refuse(_BAD, "User pool already has a domain configured.")


@refusal("a pool with a domain, or one that is protected, is not deleted", "cognito-idp", "DeleteUserPool")
def _pool_in_use(parameters: Parameters) -> None:
    for backend in _backends():
        pool = backend.user_pools.get(parameters["UserPoolId"])
        if pool is None:
            continue
        if pool.domain is not None:
            raise refuse(
                _BAD,
                "User pool cannot be deleted. It has a domain configured that should be deleted first.",
            )
        if pool.extended_config.get("DeletionProtection") == "ACTIVE":
            raise refuse(_BAD, "The user pool cannot be deleted because deletion protection is activated.")


@refusal("addresses to come back to are HTTPS ones, but on the own machine", "cognito-idp", *_CLIENT)
def _addresses(parameters: Parameters) -> None:
    for name in ("CallbackURLs", "LogoutURLs"):
        for address in parameters.get(name) or ():
            parts = urlsplit(address)
            if parts.fragment or (parts.scheme == "http" and parts.hostname not in _LOCAL):
                raise refuse(_BAD, f"cannot use the HTTP protocol or a fragment in {name}: {address}")
    if parameters.get("AllowedOAuthFlows") and not parameters.get("CallbackURLs"):
        raise refuse("InvalidOAuthFlowException", "CallbackURLs can not be empty with the flow code.")
    if parameters.get("AllowedOAuthFlows") and not parameters.get("AllowedOAuthScopes"):
        raise refuse(_BAD, "AllowedOAuthFlows and AllowedOAuthScopes are required together.")


@refusal("tokens are valid within bounds, refresh tokens the longest", "cognito-idp", *_CLIENT)
def _validity(parameters: Parameters) -> None:
    refresh = token_seconds(parameters, "RefreshToken")
    for name in ("IdToken", "AccessToken"):
        seconds = token_seconds(parameters, name)
        if not _SHORT[0] <= seconds <= _SHORT[1]:
            raise refuse(_BAD, f"Invalid range for token validity: {name}, 5 minutes to one day.")
        if seconds > refresh:
            raise refuse(_BAD, f"{name} must not be valid for longer than the refresh token.")
    if not _LONG[0] <= refresh <= _LONG[1]:
        raise refuse(_BAD, "Invalid range for token validity: RefreshToken, 60 minutes to 3650 days.")


def token_seconds(client: Mapping[str, Any], name: str) -> int:
    """Return for how many seconds a client's tokens are valid: `IdToken`, `AccessToken` or `RefreshToken`."""
    usual, unit = (30, "days") if name == "RefreshToken" else (1, "hours")
    unit = (client.get("TokenValidityUnits") or {}).get(name, unit)
    return int(client.get(f"{name}Validity") or usual) * _SECONDS[unit]


def _backends() -> list[Any]:
    from moto.cognitoidp.models import cognitoidp_backends

    return list(cognitoidp_backends[ACCOUNT_ID].values())
