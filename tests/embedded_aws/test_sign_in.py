"""The sign-in pages of a user pool: who gets in, step by step, and what the tokens are good for."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import urllib3

from embedded_aws.outbox import Outbox
from embedded_aws.sign_in import one_time_codes
from embedded_aws.sign_in.http_front import SignInFront
from embedded_aws.world import World

PAGE = "https://app.example.com/"
ANNA = "anna@example.com"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
NEW = "A-longer-password-1"


@dataclass
class Pool:
    """A pool whose users need a second factor, and its pages."""

    world: World
    outbox: Outbox
    id: str
    client: str
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    @property
    def cognito(self) -> Any:
        return self.world.client("cognito-idp")

    def invite(self, **more: Any) -> str:
        """Invite Anna; return the temporary password in her e-mail."""
        self.cognito.admin_create_user(
            UserPoolId=self.id, Username=ANNA, DesiredDeliveryMediums=["EMAIL"], **more
        )
        sent = self.outbox.emails[-1]
        assert sent.recipient == ANNA
        text = message_from_bytes(sent.path.read_bytes(), policy=policy.default).get_content()
        found = re.search(r"temporary password is (\S+)\.\s*$", text)
        assert found
        return found[1]

    def asked(self, **changed: str) -> dict[str, str]:
        return {
            "client_id": self.client,
            "response_type": "code",
            "redirect_uri": PAGE,
            "scope": "openid email",
            "state": "s",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changed,
        }

    def get(self, place: str, **query: str) -> urllib3.BaseHTTPResponse:
        address = f"{self.world.sign_in_endpoint}/people/{place}?{urlencode(query)}"
        return self.http.request("GET", address, redirect=False)

    def post(self, place: str, form: Mapping[str, str], **query: str) -> urllib3.BaseHTTPResponse:
        address = f"{self.world.sign_in_endpoint}/people/{place}?{urlencode(query)}"
        body = urlencode(form)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.http.request("POST", address, body=body, headers=headers, redirect=False)

    def login(self, **form: str) -> urllib3.BaseHTTPResponse:
        return self.post("login", form, **self.asked())

    def sign_in(self, password: str) -> str:
        """Go through all pages of the first time; return the code."""
        session = hidden(self.login(username=ANNA, password=password))
        set_up = self.login(session=session, new_password=NEW)
        key = re.search(r'id="note">([A-Z2-7]+)<', set_up.data.decode())
        assert key
        answer = self.login(session=session, code=one_time_codes.code(key[1]))
        return came_back(answer)["code"]

    def redeem(self, code: str, **changed: str) -> urllib3.BaseHTTPResponse:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": PAGE}
        return self.post(
            "oauth2/token", {"client_id": self.client, "code_verifier": VERIFIER, **form, **changed}
        )

    def renew(self, refresh_token: str) -> urllib3.BaseHTTPResponse:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.post("oauth2/token", {"client_id": self.client, **form})


def hidden(answer: urllib3.BaseHTTPResponse) -> str:
    found = re.search(r'name="session" value="([^"]+)"', answer.data.decode())
    assert found, answer.data.decode()
    return found[1]


def came_back(answer: urllib3.BaseHTTPResponse) -> dict[str, str]:
    assert answer.status == 302, answer.data
    assert answer.headers["Location"].startswith(PAGE)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


@pytest.fixture
def pool(world: World, tmp_path: Path) -> Iterator[Pool]:
    cognito = world.client("cognito-idp")
    id_ = cognito.create_user_pool(PoolName="people", UsernameAttributes=["email"])["UserPool"]["Id"]
    cognito.set_user_pool_mfa_config(
        UserPoolId=id_, MfaConfiguration="ON", SoftwareTokenMfaConfiguration={"Enabled": True}
    )
    cognito.create_user_pool_domain(Domain="people", UserPoolId=id_)
    client = cognito.create_user_pool_client(
        UserPoolId=id_,
        ClientName="pages",
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email"],
        CallbackURLs=[PAGE],
        LogoutURLs=[PAGE],
        IdTokenValidity=5,
        TokenValidityUnits={"IdToken": "minutes"},
    )["UserPoolClient"]["ClientId"]
    with SignInFront(world), Outbox(tmp_path) as outbox:
        made = Pool(world, outbox, id_, client)
        yield made
        made.http.clear()


def payload(token: str) -> Any:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_invited_person_signs_in_with_a_new_password_and_a_second_factor(pool: Pool) -> None:
    temporary = pool.invite()
    begun = pool.get("oauth2/authorize", **pool.asked())
    assert (begun.status, urlsplit(begun.headers["Location"]).path) == (302, "/people/login")
    assert b'name="password"' in pool.get("login", **pool.asked()).data
    tokens = json.loads(pool.redeem(pool.sign_in(temporary)).data)
    claims = payload(tokens["id_token"])
    assert (claims["email"], claims["token_use"], claims["aud"]) == (ANNA, "id", pool.client)
    assert claims["exp"] - claims["iat"] == 300
    renewed = json.loads(pool.renew(tokens["refresh_token"]).data)
    assert payload(renewed["id_token"])["sub"] == claims["sub"]


def test_second_time_asks_for_the_apps_code_and_takes_no_other(pool: Pool) -> None:
    pool.sign_in(pool.invite())
    second = pool.login(username=ANNA, password=NEW)
    assert b"Second factor" in second.data
    wrong = pool.login(session=hidden(second), code="000000x")
    assert b"Code mismatch" in wrong.data


def test_wrong_passwords_and_strangers_get_the_same_answer(pool: Pool) -> None:
    temporary = pool.invite()
    for name, password in ((ANNA, "wrong"), (ANNA, ""), ("bert@example.com", temporary)):
        answer = pool.login(username=name, password=password)
        assert answer.status == 200
        assert b"Incorrect username or password." in answer.data
    weak = pool.login(session=hidden(pool.login(username=ANNA, password=temporary)), new_password="weak")
    assert b"Change password" in weak.data
    assert b'role="alert"' in weak.data


def test_code_is_good_once_for_who_asked_for_it(pool: Pool) -> None:
    temporary = pool.invite()
    code = pool.sign_in(temporary)
    assert pool.redeem(code).status == 200
    again = pool.redeem(code)
    assert (again.status, json.loads(again.data)) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize("changed", [{"code_verifier": "w" * 43}, {"redirect_uri": PAGE + "x"}])
def test_code_is_worthless_without_its_verifier_or_address(pool: Pool, changed: dict[str, str]) -> None:
    code = pool.sign_in(pool.invite())
    assert pool.redeem(code, **changed).status == 400
    assert pool.redeem(code).status == 400  # it was spent


def test_request_of_another_address_or_client_goes_nowhere(pool: Pool) -> None:
    for changed in (
        {"redirect_uri": "https://evil.example/"},
        {"client_id": "another"},
        {"redirect_uri": PAGE + "x"},
    ):
        answer = pool.get("oauth2/authorize", **pool.asked(**changed))
        assert answer.status == 400
        assert "Location" not in answer.headers
    scope = pool.get("oauth2/authorize", **pool.asked(scope="openid admin"))
    assert came_back(scope) == {"error": "invalid_scope", "state": "s"}
    plain = pool.get("oauth2/authorize", **pool.asked(code_challenge_method="plain"))
    assert came_back(plain)["error"] == "invalid_request"


def test_revoked_token_and_deleted_user_get_no_new_tokens(pool: Pool) -> None:
    tokens = json.loads(pool.redeem(pool.sign_in(pool.invite())).data)
    other = json.loads(pool.redeem(came_back(_again(pool))["code"]).data)
    pool.post("oauth2/revoke", {"client_id": pool.client, "token": tokens["refresh_token"]})
    assert pool.renew(tokens["refresh_token"]).status == 400
    assert pool.renew(other["refresh_token"]).status == 200
    pool.cognito.admin_delete_user(UserPoolId=pool.id, Username=ANNA)
    assert pool.renew(other["refresh_token"]).status == 400


def _again(pool: Pool) -> urllib3.BaseHTTPResponse:
    from moto.cognitoidp.models import cognitoidp_backends

    backend: Any = cognitoidp_backends[pool.world.account_id][pool.world.region]
    key = backend.admin_get_user(pool.id, ANNA).one_time_key
    session = hidden(pool.login(username=ANNA, password=NEW))
    return pool.login(session=session, code=one_time_codes.code(key))


def test_signing_out_goes_back_to_a_listed_address_only(pool: Pool) -> None:
    answer = pool.get("logout", client_id=pool.client, logout_uri=PAGE)
    assert (answer.status, answer.headers["Location"]) == (302, PAGE)
    assert pool.get("logout", client_id=pool.client, logout_uri="https://evil.example/").status == 400


def test_invitation_that_is_sent_again_has_another_password_for_the_same_user(pool: Pool) -> None:
    first = pool.invite()
    sub = pool.cognito.admin_get_user(UserPoolId=pool.id, Username=ANNA)["UserAttributes"]
    second = pool.invite(MessageAction="RESEND")
    assert second != first
    assert pool.cognito.admin_get_user(UserPoolId=pool.id, Username=ANNA)["UserAttributes"] == sub
    assert b"Incorrect" in pool.login(username=ANNA, password=first).data
    pool.sign_in(second)
    with pytest.raises(Exception, match="not invited again"):
        pool.invite(MessageAction="RESEND")


def test_codes_are_those_of_the_specification() -> None:
    """RFC 6238, appendix B, SHA-1; its 8 digits end with these 6."""
    key = base64.b32encode(b"12345678901234567890").decode()
    assert [one_time_codes.code(key, now) for now in (59, 1111111109, 20000000000)] == [
        "287082",
        "081804",
        "353130",
    ]
