"""The sign-in pages of user pools, step by step: password, a new one instead of the temporary one, second factor.

After the Cognito Developer Guide, "User pool endpoints and managed login reference": `/oauth2/authorize`, `/login`,
`/oauth2/token`, `/oauth2/revoke` and `/logout`, for the authorization code grant with PKCE. Nobody stays signed in:
each `/oauth2/authorize` asks for the password again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.public_addresses import local_address
from embedded_aws.sign_in import one_time_codes
from embedded_aws.sign_in.answers import Answer, Field, document, page, redirect
from embedded_aws.sign_in.pools import Client
from embedded_aws.world import World

_CODE_SECONDS = 300  # "Authorize endpoint": an authorization code is good for five minutes, and once
Values = Mapping[str, str]


@dataclass
class Visit:
    """Somebody on the way through the pages: the request that began it, and what is known by now."""

    client: Client
    asked: Values
    name: str
    steps: list[str] = field(default_factory=list)
    new_key: str = ""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What an authorization code stands for."""

    client: Client
    name: str
    redirect_uri: str
    challenge: str
    until: float


class SignInPages:
    """Answers the requests to `/<domain>/...`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._visits: dict[str, Visit] = {}
        self._grants: dict[str, Grant] = {}

    def answer(self, method: str, path: str, query: Values, form: Values) -> Answer:
        """Answer one request; `path` begins with the domain."""
        _, _, rest = path.partition("/")
        domain, _, place = rest.partition("/")
        given = {**query, **form}
        client = Client.find(self._world.region, domain, given.get("client_id", ""))
        match (method, place):
            case ("POST", "oauth2/token"):
                return self._token(client, form)
            case ("POST", "oauth2/revoke"):
                if client is None:
                    return document(HTTPStatus.BAD_REQUEST, error="invalid_client")
                client.revoke(form.get("token", ""))
                return document()
            case ("GET", "oauth2/authorize" | "login"):
                return self._begin(client, domain, place, query)
            case ("POST", "login"):
                return self._step(client, query, form)
            case ("GET", "logout"):
                return self._logout(client, query)
        return page("Nothing here", error=f"{method} {path} is not one of the endpoints.")

    def _begin(self, client: Client | None, domain: str, place: str, query: Values) -> Answer:
        if client is None or not self._is_listed(client, "CallbackURLs", query.get("redirect_uri", "")):
            return page(
                "Sign in", error="An error was encountered with the requested page: redirect_mismatch"
            )
        fault = _fault(client, query)
        if fault:
            state = {"state": query["state"]} if "state" in query else {}
            return redirect(query["redirect_uri"], error=fault, **state)
        if place != "login":
            return redirect(f"{self._world.sign_in_endpoint}/{domain}/login", **query)
        return _password_page()

    def _step(self, client: Client | None, query: Values, form: Values) -> Answer:
        if client is None or not self._is_listed(client, "CallbackURLs", query.get("redirect_uri", "")):
            return page(
                "Sign in", error="An error was encountered with the requested page: redirect_mismatch"
            )
        if fault := _fault(client, query):
            return page("Sign in", error=fault)
        visit = self._visits.get(form.get("session", ""))
        if visit is None:
            name = form.get("username", "").strip()
            if not client.knows(name, form.get("password", "")):
                return _password_page("Incorrect username or password.")
            visit = self._begun(client, query, name)
        elif error := self._done(visit, form):
            return self._next(visit, form["session"], error)
        return self._next(visit, form.get("session") or self._kept(visit))

    def _begun(self, client: Client, query: Values, name: str) -> Visit:
        visit = Visit(client=client, asked=query, name=name)
        user = client.user(name)
        if user is not None and user.status == "FORCE_CHANGE_PASSWORD":
            visit.steps.append("new_password")
        if client.wants_second_factor:
            is_set_up = getattr(user, "one_time_key", "")
            visit.steps.append("code" if is_set_up else "set_up")
            visit.new_key = is_set_up or one_time_codes.new_key()
        return visit

    def _kept(self, visit: Visit) -> str:
        session = secrets.token_urlsafe()
        self._visits[session] = visit
        return session

    def _done(self, visit: Visit, form: Values) -> str:
        """Carry the present step out; return what is wrong, or an empty text."""
        user = visit.client.user(visit.name)
        if user is None:
            return "User does not exist."
        if visit.steps[0] == "new_password":
            try:
                self._world.client("cognito-idp").admin_set_user_password(
                    UserPoolId=visit.client.pool_id,
                    Username=visit.name,
                    Password=form.get("new_password", ""),
                    Permanent=True,
                )
            except ClientError as error:
                return str(error.response["Error"]["Message"])
        elif not one_time_codes.is_code(form.get("code", ""), visit.new_key):
            return "Code mismatch. Try again."
        else:
            user.one_time_key = visit.new_key
            user.software_token_mfa_enabled = True
        visit.steps.pop(0)
        return ""

    def _next(self, visit: Visit, session: str, error: str = "") -> Answer:
        if not visit.steps:
            self._visits.pop(session, None)
            return self._signed_in(visit)
        hidden = Field(name="session", value=session)
        if visit.steps[0] == "new_password":
            wanted = Field(name="new_password", label="New password", kind="password")
            return page("Change password", hidden, wanted, error=error)
        wanted = Field(name="code", label="Code of the authenticator app")
        if visit.steps[0] == "set_up":
            return page("Set up authenticator app", hidden, wanted, error=error, note=visit.new_key)
        return page("Second factor", hidden, wanted, error=error)

    def _signed_in(self, visit: Visit) -> Answer:
        code, asked = secrets.token_urlsafe(), visit.asked
        self._grants[code] = Grant(
            client=visit.client,
            name=visit.name,
            redirect_uri=asked["redirect_uri"],
            challenge=asked.get("code_challenge", ""),
            until=time.time() + _CODE_SECONDS,
        )
        state = {"state": asked["state"]} if "state" in asked else {}
        return redirect(asked["redirect_uri"], code=code, **state)

    def _token(self, client: Client | None, form: Values) -> Answer:
        if client is None:
            return document(HTTPStatus.BAD_REQUEST, error="invalid_client")
        tokens: dict[str, Any] | None = None
        if form.get("grant_type") == "authorization_code":
            grant = self._grants.pop(form.get("code", ""), None)  # once, whatever comes of it
            if grant is not None and _redeems(grant, client, form):
                tokens = client.tokens(grant.name)
        elif form.get("grant_type") == "refresh_token":
            tokens = client.renewed(form.get("refresh_token", ""))
        else:
            return document(HTTPStatus.BAD_REQUEST, error="unsupported_grant_type")
        return document(**tokens) if tokens else document(HTTPStatus.BAD_REQUEST, error="invalid_grant")

    def _logout(self, client: Client | None, query: Values) -> Answer:
        address = query.get("logout_uri", "")
        if client is None or not self._is_listed(client, "LogoutURLs", address):
            return page(
                "Sign out", error="An error was encountered with the requested page: invalid logout_uri"
            )
        return redirect(address)

    def _is_listed(self, client: Client, name: str, address: str) -> bool:
        """Return whether an address is one that the client may come back to, exactly."""
        listed = client.settings.get(name) or ()
        return any(address in (each, local_address(each, self._world)) for each in listed)


def _fault(client: Client, query: Values) -> str:
    """Return what is wrong with a request to sign in, in OAuth's words, or an empty text."""
    if query.get("response_type") != "code" or "code" not in (client.settings.get("AllowedOAuthFlows") or ()):
        return "unauthorized_client"
    if not set(query.get("scope", "").split()) <= set(client.settings.get("AllowedOAuthScopes") or ()):
        return "invalid_scope"
    if "code_challenge" in query and query.get("code_challenge_method") != "S256":
        return "invalid_request"
    return ""


def _redeems(grant: Grant, client: Client, form: Values) -> bool:
    """Return whether who sends a code is who asked for it (RFC 7636)."""
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return (
        grant.client.id == client.id
        and grant.redirect_uri == form.get("redirect_uri")
        and time.time() < grant.until
        and client.user(grant.name) is not None
        and (not grant.challenge or hmac.compare_digest(challenge, grant.challenge))
    )


def _password_page(error: str = "") -> Answer:
    fields = (
        Field(name="username", label="E-mail", kind="email"),
        Field(name="password", label="Password", kind="password"),
    )
    return page("Sign in", *fields, error=error, button="Sign in")
