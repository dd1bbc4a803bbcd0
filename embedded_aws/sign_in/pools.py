"""What the sign-in pages need of moto's user pools: clients, passwords, second factors, tokens."""

from __future__ import annotations

import hmac
from typing import Any

from embedded_aws.isolation import ACCOUNT_ID
from embedded_aws.refusals.user_pools import token_seconds


class Client:
    """The client of a pool that somebody signs in to, found by the pages' domain and the client's id."""

    def __init__(self, pool: Any, client: Any) -> None:
        self._pool = pool
        self.settings: dict[str, Any] = client.extended_config
        self.id = str(client.id)
        self.pool_id = str(pool.id)

    @classmethod
    def find(cls, region: str, domain: str, client_id: str) -> Client | None:
        """Return the client, where the domain's pool has it."""
        from moto.cognitoidp.models import cognitoidp_backends

        backend = cognitoidp_backends[ACCOUNT_ID][region]
        found = backend.user_pool_domains.get(domain)
        pool = backend.user_pools.get(found.user_pool_id) if found else None
        client = pool.clients.get(client_id) if pool else None
        return cls(pool, client) if client else None

    @property
    def wants_second_factor(self) -> bool:
        """Whether a password alone does not sign in."""
        return str(self._pool.mfa_config) == "ON"

    def user(self, name: str) -> Any | None:
        """Return moto's user, if there is one that may sign in."""
        found = self._pool._get_user(name)
        return found if found is not None and found.enabled else None

    def knows(self, name: str, password: str) -> bool:
        """Return whether this is a user's password."""
        found = self.user(name)
        return bool(
            found and found.password and hmac.compare_digest(found.password.encode(), password.encode())
        )

    def tokens(self, name: str) -> dict[str, Any]:
        """Return new tokens of a user, as the token endpoint words them."""
        refresh_token, origin = self._pool.create_refresh_token(self.id, name)
        return {**self._short_lived(name, origin), "refresh_token": refresh_token}

    def renewed(self, refresh_token: str) -> dict[str, Any] | None:
        """Return new tokens for a refresh token; None where it was revoked, or its user is gone."""
        known = self._pool.refresh_tokens.get(refresh_token)
        if known is None or known[0] != self.id or self.user(known[1]) is None:
            return None
        return self._short_lived(known[1], known[2])

    def revoke(self, refresh_token: str) -> None:
        """Make a refresh token worthless."""
        self._pool.refresh_tokens.pop(refresh_token, None)

    def _short_lived(self, name: str, origin: str) -> dict[str, Any]:
        seconds = token_seconds(self.settings, "IdToken")
        more = {"email": name, "email_verified": True, "origin_jti": origin}
        id_token, _ = self._pool.create_jwt(self.id, name, "id", expires_in=seconds, extra_data=more)
        access_token, _ = self._pool.create_access_token(self.id, name, origin)
        return {
            "id_token": id_token,
            "access_token": access_token,
            "expires_in": token_seconds(self.settings, "AccessToken"),
            "token_type": "Bearer",
        }
