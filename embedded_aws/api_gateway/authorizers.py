"""A `COGNITO_USER_POOLS` authorizer: whose identity token a request carries, verified against the pool's key.

After the API Gateway Developer Guide, "Control access to REST APIs using Amazon Cognito user pools as an authorizer",
and the Cognito Developer Guide, "Verifying JSON web tokens". Without scopes, as here, it takes identity tokens. It
looks at the token alone: whether its user was deleted meanwhile shows once the token has expired.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from embedded_aws.isolation import ACCOUNT_ID


def claims_of(header: str | None, pool_arns: Sequence[str]) -> Mapping[str, str] | None:
    """Return the claims of a valid identity token of one of the pools, as text; None for anything else.

    `header` is the value of the header `Authorization`, with or without the word `Bearer`.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError
    from moto.cognitoidp.models import cognitoidp_backends

    token = (header or "").removeprefix("Bearer ").strip()
    if not token:
        return None
    for arn in pool_arns:
        region, pool_id = arn.split(":")[3], arn.rpartition("/")[2]
        pool = cognitoidp_backends[ACCOUNT_ID][region].user_pools.get(pool_id)
        if pool is None:
            continue
        try:
            claims = jwt.decode(token, pool.json_web_key, algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return None
        if _is_valid(claims, pool):
            return {name: value if isinstance(value, str) else str(value) for name, value in claims.items()}
    return None


def _is_valid(claims: Mapping[str, Any], pool: Any) -> bool:
    return (
        claims.get("iss") == f"https://cognito-idp.{pool.region}.amazonaws.com/{pool.id}"
        and claims.get("token_use") == "id"
        and claims.get("aud") in pool.clients
        and float(claims.get("exp", 0)) > time.time()
    )
