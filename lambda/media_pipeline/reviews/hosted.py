"""The console behind API Gateway: a REST proxy event in, a proxy response out.

The gateway has checked the identity token of every request to `/v1/` before it comes here (a `COGNITO_USER_POOLS`
authorizer: signature, issuer, expiry); the files of the page need none, since they hold nothing of the stack. The
addresses of the page and of its sign-in page are the stage's variables, because they exist only after the function.

What the gateway does not look at is checked here: the `Host`, the `Origin`, and that an authorizer was asked at all.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from media_pipeline.errors import SettingsError
from media_pipeline.invocation import LambdaContext
from media_pipeline.observability import Observability
from media_pipeline.reviews.routes import Reply, Request, ReviewApi

API = "/v1/"
HTTPS_SECONDS = 63_072_000  # two years, for which browsers ask this host by HTTPS only
_ROOT = '<html lang="en"'


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """The address of the page, which ends in a slash; that of its sign-in page, without one; the id of its client."""

    page: str
    login: str
    client: str

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Addresses":
        """Read the stage's variables. Raises SettingsError that names the missing one."""
        variables = event.get("stageVariables") or {}
        try:
            return cls(page=variables["page"], login=variables["login"], client=variables["client"])
        except KeyError as missing:
            raise SettingsError(f"the stage variable {missing} is missing; `pulumi up` sets it") from missing

    @property
    def host(self) -> str:
        """The host of the page, with its port where it is not the scheme's own."""
        return urlsplit(self.page).netloc

    @property
    def origin(self) -> str:
        """The origin of the page."""
        return _origin(self.page)


class HostedConsole:
    """The function behind the gateway."""

    def __init__(self, api: ReviewApi, observability: Observability) -> None:
        self._api = api
        self._observability = observability

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one request. Raises SettingsError where the stage's variables are missing."""
        request_id = str((event.get("requestContext") or {}).get("requestId", ""))
        with self._observability.invocation(context, request_id=request_id):
            addresses = Addresses.of(event)
            reply = self._answer(event, addresses)
            policy = self._api.security_policy(_origin(addresses.login))
            headers = {
                **reply.headers,
                "Content-Type": reply.content_type,
                "Content-Security-Policy": policy,
                "Strict-Transport-Security": f"max-age={HTTPS_SECONDS}",
            }
            return {"statusCode": int(reply.status), "headers": headers, "body": reply.body.decode()}

    def _answer(self, event: Mapping[str, Any], addresses: Addresses) -> Reply:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        method, path = event["httpMethod"], event["path"]
        if headers.get("host") != addresses.host:
            return self._refused("This page has another address.", HTTPStatus.MISDIRECTED_REQUEST)
        if not path.startswith(API):
            return self._page(method, path, event, addresses)
        is_change = method != "GET"
        origin = headers.get("origin")
        is_foreign = origin != addresses.origin and (origin is not None or is_change)
        if is_foreign or headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return self._refused("The request comes from another page.")
        if is_change and headers.get("content-type", "").partition(";")[0] != "application/json":
            return self._api.problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.")
        person = _person(event)
        if person is None:
            return self._refused("Sign in to the console first.", HTTPStatus.UNAUTHORIZED)
        request = Request(
            method=method,
            path=path,
            person=person,
            query=event.get("queryStringParameters") or {},
            body=(event.get("body") or "").encode(errors="surrogatepass"),
        )
        try:
            return self._api.answer(request)
        except (ClientError, BotoCoreError) as error:
            detail = "A service behind the console refused or is busy. Try again in a moment."
            self._observability.refused(HTTPStatus.BAD_GATEWAY, detail, error, is_upload=False)
            return self._api.problem(HTTPStatus.BAD_GATEWAY, detail)

    def _page(self, method: str, path: str, event: Mapping[str, Any], addresses: Addresses) -> Reply:
        """Return a file of the page; the document names the addresses that its scripts need."""
        reply = self._api.page(path) if method == "GET" else None
        if reply is None:
            return self._refused("There is nothing here.", HTTPStatus.NOT_FOUND)
        if path != "/":
            return reply
        if not str((event.get("requestContext") or {}).get("path", "/")).endswith("/"):
            # The stage without a slash: the page's files would be looked for beside it.
            return Reply(
                status=HTTPStatus.PERMANENT_REDIRECT,
                content_type=reply.content_type,
                body=b"",
                headers={**reply.headers, "Location": addresses.page},
            )
        values = {"login": addresses.login, "client": addresses.client, "page": addresses.page}
        named = "".join(f' data-{name}="{html.escape(value)}"' for name, value in values.items())
        body = reply.body.decode().replace(_ROOT, _ROOT + named, 1).encode()
        return Reply(status=reply.status, content_type=reply.content_type, body=body, headers=reply.headers)

    def _refused(self, detail: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> Reply:
        return self._api.problem(status, detail)


def _person(event: Mapping[str, Any]) -> str | None:
    """Return who signed in, as `cognito:SUB/E-MAIL`; None without the claims of an identity token.

    The `sub` never belongs to another person again; the e-mail address is what colleagues know them by.
    """
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    claims = authorizer.get("claims") or {}
    if claims.get("token_use") != "id" or not claims.get("sub"):
        return None
    return "/".join(filter(None, (f"cognito:{claims['sub']}", claims.get("email"))))


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
