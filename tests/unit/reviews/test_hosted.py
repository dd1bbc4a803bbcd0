"""Who gets in to the hosted console: proxy events as API Gateway hands them over, against a stack in moto."""

import json
import re
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from media_pipeline.errors import SettingsError
from media_pipeline.observability import Observability
from media_pipeline.records.record import Record
from media_pipeline.reviews.hosted import HostedConsole
from media_pipeline.reviews.routes import PAGE_FOLDER, STATIC, ReviewApi
from media_pipeline.reviews.waiting import review_id
from tests.unit.reviews.conftest import Stack

HOST = "abc123.execute-api.eu-central-1.amazonaws.com"
PAGE = f"https://{HOST}/dev-review/"
LOGIN = "https://review-0123.auth.eu-central-1.amazoncognito.com"
VARIABLES = {"page": PAGE, "login": LOGIN, "client": "client0id"}
CLAIMS = {"sub": "0b1c-sub", "email": "anna@example.com", "token_use": "id"}
ANNA = "cognito:0b1c-sub/anna@example.com"
CONTEXT: Any = SimpleNamespace(aws_request_id="1", function_name="review-api")


@dataclass
class Answer:
    """What the function answered."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Gateway:
    """Hands requests over as the page sends them, but for what a test changes: None leaves a header out."""

    console: HostedConsole
    claims: Any = None

    def send(
        self, method: str, path: str, body: Any = None, *, seen_as: str | None = None, **changed: str | None
    ) -> Answer:
        headers: dict[str, str | None] = {
            "Host": HOST,
            "origin": f"https://{HOST}" if method != "GET" else None,
            "sec-fetch-site": "same-origin" if path.startswith("/v1") else "none",
            "content-type": "application/json" if body is not None else None,
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        address, _, query = path.partition("?")
        event = {
            "httpMethod": method,
            "path": address,
            "headers": {name: value for name, value in headers.items() if value is not None},
            "queryStringParameters": dict(part.split("=") for part in query.split("&")) if query else None,
            "stageVariables": VARIABLES,
            "requestContext": {
                "requestId": "r",
                "path": f"/dev-review{address}" if seen_as is None else seen_as,
                "authorizer": {"claims": self.claims} if self.claims is not None else None,
            },
            "body": body if isinstance(body, str) or body is None else json.dumps(body),
        }
        answer = self.console(event, CONTEXT)
        return Answer(answer["statusCode"], answer["headers"], answer["body"])

    def decide(self, record: Record, **changed: str | None) -> Answer:
        body = {"action": "approve", "decision_seen": None}
        return self.send("POST", f"/v1/reviews/{review_id(record)}/decision", body, **changed)


@pytest.fixture
def stranger(stack: Stack) -> Gateway:
    api = ReviewApi(stack="test", waiting=stack.waiting, pictures=stack.pictures, decisions=stack.decisions())
    return Gateway(HostedConsole(api, Observability(tracing=False)))


@pytest.fixture
def anna(stranger: Gateway) -> Gateway:
    return Gateway(stranger.console, CLAIMS)


def requests(gateway: Gateway, record: Record, **changed: str | None) -> list[Answer]:
    """Send every kind of request that reads or changes something."""
    path = f"/v1/reviews/{review_id(record)}"
    reads = [
        gateway.send("GET", each, **changed) for each in ("/v1/me", "/v1/reviews", path, f"{path}/links")
    ]
    return [*reads, gateway.decide(record, **changed)]


def nothing_of(stack: Stack, record: Record, answers: list[Answer], status: int = 403) -> bool:
    """Return whether all were refused without a word about the record, and changed nothing."""
    assert [answer.status for answer in answers] == [status] * len(answers)
    assert not any(record.object_key in answer.body or "anna" in answer.body for answer in answers)
    return stack.read(record).decision is None and stack.evidence() == {} and stack.messages() == []


@pytest.mark.parametrize(
    "claims", [None, {}, {**CLAIMS, "token_use": "access"}, {"token_use": "id", "email": "anna@example.com"}]
)
def test_without_the_claims_of_an_identity_token_there_is_nothing(
    stack: Stack, stranger: Gateway, claims: Any
) -> None:
    record = stack.put("secret.jpg")
    assert nothing_of(stack, record, requests(Gateway(stranger.console, claims), record), status=401)


def test_page_of_another_origin_gets_nothing_even_with_the_token(stack: Stack, anna: Gateway) -> None:
    record = stack.put("secret.jpg")
    for origin in ("https://evil.example", "null", f"http://{HOST}", LOGIN):
        assert nothing_of(stack, record, requests(anna, record, origin=origin)), origin
    assert nothing_of(stack, record, [anna.decide(record, origin=None)])
    for site in ("cross-site", "same-site", "none"):
        assert nothing_of(stack, record, requests(anna, record, sec_fetch_site=site)), site


def test_rebound_host_gets_nothing_not_even_the_page(stack: Stack, anna: Gateway) -> None:
    record = stack.put("secret.jpg")
    for name in ("evil.example", f"{HOST}:444", f"x{HOST}", None):
        answers = [*requests(anna, record, Host=name), anna.send("GET", "/", Host=name)]
        assert nothing_of(stack, record, answers, status=421)


def test_form_of_another_page_cannot_decide(stack: Stack, anna: Gateway) -> None:
    record = stack.put("secret.jpg")
    assert nothing_of(stack, record, [anna.decide(record, content_type="text/plain")], status=415)


def test_decision_is_that_of_the_person_who_signed_in(stack: Stack, anna: Gateway) -> None:
    record = stack.put("a.jpg")
    assert anna.send("GET", "/v1/me").json == {"person": ANNA, "stack": "test"}
    (item,) = anna.send("GET", "/v1/reviews?limit=10").json["items"]
    assert item["object_key"] == "a.jpg"
    assert anna.decide(record).status == 202
    decided = stack.read(record).decision
    assert decided is not None
    assert (decided.person, decided.action) == (ANNA, "approve")
    assert [each["person"] for each in stack.evidence().values()] == [ANNA]
    assert len(stack.messages()) == 1
    late = anna.decide(record)
    assert (late.status, late.json["decided_by"]) == (409, ANNA)


def test_page_needs_no_token_and_names_where_to_sign_in(stranger: Gateway) -> None:
    page = stranger.send("GET", "/", sec_fetch_site="cross-site")  # as after signing in
    assert page.status == 200
    assert re.search('<html lang="en"([^>]+)>', page.body)[1] == (  # type: ignore[index]
        f' data-login="{LOGIN}" data-client="client0id" data-page="{PAGE}"'
    )
    for path, (name, content_type) in STATIC.items():
        file = stranger.send("GET", path)
        assert (file.status, file.headers["Content-Type"]) == (200, content_type)
        assert path == "/" or file.body == (PAGE_FOLDER / name).read_text("utf-8")
    for path in ("/routes.py", "/../routes.py", "/page/console.js", "/v2"):
        assert stranger.send("GET", path).status == 404
    assert stranger.send("POST", "/").status == 404


def test_files_of_the_page_are_named_relative_to_it(stranger: Gateway) -> None:
    """The page is below its stage; from its own address without the slash a browser is sent to the one with it."""
    page = stranger.send("GET", "/").body
    assert not re.findall('(?:href|src)="/', page)
    assert not re.findall(
        """["'`]/v1""", "".join(path.read_text("utf-8") for path in PAGE_FOLDER.glob("*.js"))
    )
    bare = stranger.send("GET", "/", seen_as="/dev-review")
    assert (bare.status, bare.headers["Location"], bare.body) == (308, PAGE, "")


def test_every_answer_has_the_headers_that_keep_the_page_to_itself(stack: Stack, anna: Gateway) -> None:
    record = stack.put("a.jpg")
    answers = [
        *(anna.send("GET", path) for path in (*STATIC, "/nothing", "/v1/me", "/v1/nothing")),
        anna.send("GET", "/", Host="evil.example"),
        anna.decide(record, origin="https://evil.example"),
        anna.decide(record),
    ]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert policy[:3] == ["default-src 'none'", "script-src 'self'", "style-src 'self'"]
        assert f"connect-src 'self' {LOGIN}" in policy
        assert f"img-src 'self' {stack.pictures.origin}" in policy
        assert {"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} <= set(policy)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert not any(name.lower().startswith("access-control") for name in answer.headers)


def test_failure_of_aws_is_told_without_what_is_inside(stack: Stack, anna: Gateway) -> None:
    stack.dynamodb.delete_table(TableName="records")
    answer = anna.send("GET", "/v1/reviews")
    assert answer.status == 502
    assert "Try again" in answer.json["detail"]
    assert "records" not in answer.body
    assert "ResourceNotFound" not in answer.body


def test_stage_without_its_variables_is_a_fault_of_the_deployment(
    anna: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(VARIABLES, "login")
    with pytest.raises(SettingsError, match="login"):
        anna.send("GET", "/")
