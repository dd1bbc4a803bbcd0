"""Routes behind a `COGNITO_USER_POOLS` authorizer, and what a stage's variables tell the function."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Served
from .sample import document, integration

FOREIGN = "eu-central-1_another"


@pytest.fixture(scope="module")
def pool(served: Served) -> Iterator[Any]:
    """A pool with a client and a user, and the API behind it: `/open` for all, `/people` for who signed in."""
    from moto.cognitoidp.models import cognitoidp_backends

    cognito = served.api.world.client("cognito-idp")
    shown = cognito.create_user_pool(PoolName="people", UsernameAttributes=["email"])["UserPool"]
    cognito.create_user_pool_client(UserPoolId=shown["Id"], ClientName="pages")
    cognito.admin_create_user(UserPoolId=shown["Id"], Username="a@example.com", MessageAction="SUPPRESS")
    authorizer = {"type": "cognito_user_pools", "providerARNs": [shown["Arn"]]}
    scheme = {"type": "apiKey", "in": "header", "name": "Authorization"}
    called = {"x-amazon-apigateway-integration": integration(served.api.uri)}
    served.api.deploy(
        components={"securitySchemes": {"people": {**scheme, "x-amazon-apigateway-authorizer": authorizer}}},
        paths={"/open": {"get": called}, "/people": {"get": {**called, "security": [{"people": []}]}}},
    )
    yield cognitoidp_backends[served.api.world.account_id][served.api.world.region].user_pools[shown["Id"]]
    served.api.deploy(components=document("")["components"])


def token(pool: Any, use: str = "id", seconds: int = 60, **changed: Any) -> str:
    (client,) = pool.clients
    made, _ = pool.create_jwt(client, "a@example.com", use, expires_in=seconds, extra_data=changed)
    return str(made)


def ask(served: Served, authorization: str | None) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return served.ask("GET", "/people", key=None, headers=headers)


def test_function_gets_the_claims_of_who_signed_in_as_text(served: Served, pool: Any) -> None:
    for word in ("", "Bearer "):
        answer = ask(served, word + token(pool))
        assert answer.status == 200
        claims = json.loads(answer.data)["requestContext"]["authorizer"]["claims"]
        assert (claims["email"], claims["token_use"]) == ("a@example.com", "id")
        assert all(isinstance(value, str) for value in claims.values())


def test_open_route_needs_no_token_and_gets_no_claims(served: Served, pool: Any) -> None:
    answer = served.ask("GET", "/open", key=None)
    assert answer.status == 200
    assert "authorizer" not in json.loads(answer.data)["requestContext"]


def test_anything_but_a_valid_identity_token_of_the_pool_is_unauthorized(served: Served, pool: Any) -> None:
    issuer = f"https://cognito-idp.eu-central-1.amazonaws.com/{FOREIGN}"
    head, body, signature = token(pool).split(".")
    wrong = {
        "none": None,
        "empty": "",
        "words": "Bearer me",
        "expired": token(pool, seconds=-1),
        "access token": token(pool, use="access"),
        "another pool": token(pool, iss=issuer),
        "another client": token(pool, aud="another"),
        "changed": f"{head}.{body[:-2]}AA.{signature}",
        "unsigned": f"{head}.{body}.",
    }
    for name, value in wrong.items():
        answer = ask(served, value)
        assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (401, "UnauthorizedException"), name
        assert json.loads(answer.data)["detail"] == "Unauthorized"


def test_token_is_refused_from_the_second_on_in_which_it_expires(served: Served, pool: Any) -> None:
    made = token(pool, exp=int(time.time()) + 1)
    assert ask(served, made).status == 200
    time.sleep(1.1)
    assert ask(served, made).status == 401


def test_stage_variables_name_what_is_served_here_by_its_local_address(served: Served, pool: Any) -> None:
    given = {
        "page": f"https://{served.api.id}.execute-api.eu-central-1.amazonaws.com/dev/",
        "plain": "https://example.com/a",
        "login": "https://people.auth.eu-central-1.amazoncognito.com/login",
    }
    operations = [
        {"op": "replace", "path": f"/variables/{name}", "value": value} for name, value in given.items()
    ]
    served.api.world.client("apigateway").update_stage(
        restApiId=served.api.id, stageName="dev", patchOperations=operations
    )
    served.api.world.sign_in_endpoint = "http://127.0.0.1:1"
    seen = json.loads(served.ask("GET", "/open", key=None).data)["stageVariables"]
    served.api.world.sign_in_endpoint = None
    assert seen == {
        "page": f"{served.api.world.api_endpoint}/dev/",
        "plain": "https://example.com/a",
        "login": "http://127.0.0.1:1/people/login",
    }
