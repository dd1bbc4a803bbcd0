"""Who gets in to the console, and what its requests are answered with: by HTTP, as any program could send it."""

import base64
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from media_pipeline.records.decisions import Action
from media_pipeline.reviews.routes import PAGE_FOLDER, ReviewApi
from media_pipeline.reviews.waiting import review_id
from operations.reviews.server import Console
from tests.unit.reviews.conftest import ANNA, BERT, Stack

PAGE_BYTES = 60_000


@dataclass
class Answer:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Sends requests as the page does, but for what a test changes: None leaves a header out."""

    console: Console
    session: str = ""

    def send(self, method: str, path: str, body: Any = None, **changed: str | None) -> Answer:
        headers: dict[str, str | None] = {
            "Host": self.console.host,
            "Origin": self.console.origin if method != "GET" else None,
            "X-Review-Session": self.session,
            "Content-Type": "application/json" if body is not None else None,
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        connection = http.client.HTTPConnection(self.console.host, timeout=5)
        connection.putrequest(method, path, skip_host=True)
        for name, value in {**headers, "Content-Length": str(len(data)) if data else None}.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(data)
        answer = connection.getresponse()
        read = Answer(answer.status, dict(answer.getheaders()), answer.read())
        connection.close()
        return read

    def get(self, path: str, **changed: str | None) -> Answer:
        return self.send("GET", path, **changed)

    def decide(self, record: Any, action: str = "approve", **more: Any) -> Answer:
        return self.send("POST", f"/v1/reviews/{review_id(record)}/decision", {"action": action, **more})


@pytest.fixture
def stranger(stack: Stack) -> Iterator[Client]:
    """Serve the console to somebody who is not signed in."""
    api = ReviewApi(stack="test", waiting=stack.waiting, pictures=stack.pictures, decisions=stack.decisions())
    with Console(api, person=ANNA) as console:
        yield Client(console)


@pytest.fixture
def page(stranger: Client) -> Client:
    """Sign in."""
    token = stranger.console.link.partition("#token=")[2]
    session = stranger.send("POST", "/session", {"token": token}).json["session"]
    return Client(stranger.console, session)


def requests(client: Client, record: Any, **changed: str | None) -> list[Answer]:
    """Send every kind of request that reads or changes something."""
    path = f"/v1/reviews/{review_id(record)}"
    return [
        *(client.get(each, **changed) for each in ("/v1/me", "/v1/reviews", path, f"{path}/links")),
        client.send("POST", f"{path}/decision", {"action": "approve"}, **changed),
    ]


def nothing_of(stack: Stack, record: Any, answers: list[Answer], status: int = 403) -> bool:
    """Return whether all were refused without a word about the record, and changed nothing."""
    said = b"".join(answer.body for answer in answers)
    assert [answer.status for answer in answers] == [status] * len(answers)
    assert record.object_key.encode() not in said
    assert ANNA.encode() not in said
    return stack.read(record).decision is None and stack.evidence() == {} and stack.messages() == []


def test_without_a_session_there_is_nothing(stack: Stack, stranger: Client) -> None:
    record = stack.put("secret.jpg")
    assert nothing_of(stack, record, requests(stranger, record))
    assert nothing_of(stack, record, requests(Client(stranger.console, "guessed"), record))


def test_token_of_the_link_works_once_and_no_other_works(stranger: Client) -> None:
    token = stranger.console.link.partition("#token=")[2]
    for wrong in ("", token[:-1], token + "x", None, 1, ["x"]):
        assert stranger.send("POST", "/session", {"token": wrong}).status == 403
    assert stranger.send("POST", "/session", b"no JSON").status == 403
    assert stranger.send("POST", "/session", {"token": token}).status == 200
    stale = stranger.send("POST", "/session", {"token": token})
    assert stale.status == 403
    assert "opened before" in stale.json["detail"]
    assert len(token) >= 43  # 256 bits


def test_session_of_another_run_is_stale(stack: Stack, page: Client) -> None:
    record = stack.put("secret.jpg")
    api = ReviewApi(stack="test", waiting=stack.waiting, pictures=stack.pictures, decisions=stack.decisions())
    with Console(api, person=BERT) as another:
        assert nothing_of(stack, record, requests(Client(another, page.session), record))


def test_page_of_another_origin_gets_nothing_even_with_the_session(stack: Stack, page: Client) -> None:
    record = stack.put("secret.jpg")
    for origin in ("http://evil.example", "null", "http://localhost:80", "https://127.0.0.1"):
        assert nothing_of(stack, record, requests(page, record, Origin=origin)), origin


def test_change_without_an_origin_is_refused(stack: Stack, page: Client) -> None:
    record = stack.put()
    path = f"/v1/reviews/{review_id(record)}/decision"
    answer = page.send("POST", path, {"action": "approve"}, Origin=None)
    assert nothing_of(stack, record, [answer])


def test_rebound_host_gets_nothing_not_even_the_page(stack: Stack, page: Client) -> None:
    record = stack.put("secret.jpg")
    port = page.console.host.partition(":")[2]
    for name in ("evil.example", f"evil.example:{port}", f"localhost:{port}", "127.0.0.1", "127.0.0.1:1"):
        answers = [*requests(page, record, Host=name), page.get("/", Host=name)]
        assert nothing_of(stack, record, answers, status=421)
    assert page.get("/", Host=None).status in (400, 421)


def test_request_that_the_browser_calls_foreign_is_refused(stack: Stack, page: Client) -> None:
    record = stack.put("secret.jpg")
    for site in ("cross-site", "same-site", "none"):
        assert nothing_of(stack, record, requests(page, record, Sec_Fetch_Site=site)), site


def test_form_of_another_page_cannot_decide(stack: Stack, page: Client) -> None:
    record = stack.put()
    path = f"/v1/reviews/{review_id(record)}/decision"
    answer = page.send("POST", path, b'{"action":"approve"}', Content_Type="text/plain")
    assert nothing_of(stack, record, [answer], status=415)


def test_page_loads_nothing_but_itself_and_pictures_of_the_quarantine(stack: Stack, stranger: Client) -> None:
    answer = stranger.get("/")
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert f"img-src 'self' {stack.pictures.origin};" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"http" not in answer.body.replace(b"http-equiv", b"")  # no address of anybody else
    scripts = [path for path in PAGE_FOLDER.iterdir() if path.suffix == ".js"]
    for path in scripts:
        assert stranger.get(f"/{path.name}").body == path.read_bytes()
    assert stranger.get("/../routes.py").status == 403
    assert stranger.get("/routes.py").status == 403


def test_page_is_at_most_sixty_kilobytes() -> None:
    assert sum(path.stat().st_size for path in PAGE_FOLDER.iterdir()) <= PAGE_BYTES


def test_list_and_one_object_with_its_links(stack: Stack, page: Client) -> None:
    key = "a.jpg/version.review/1.jpg"
    stack.s3.put_object(Bucket="quarantine", Key=key, Body=b"jpeg", Metadata={"thumbhash": "AAAA"})
    record = stack.put("a.jpg", review=[{"key": key, "sha256": "cd" * 32}])
    assert page.get("/v1/me").json == {"person": ANNA, "stack": "test"}
    (item,) = page.get("/v1/reviews?limit=10").json["items"]
    assert item["object_key"] == "a.jpg"
    shown = page.get(f"/v1/reviews/{item['id']}").json
    assert (shown["id"], shown["thumbhash"]) == (review_id(record), "AAAA")
    assert key not in json.dumps(shown)  # no link before it is asked for
    (link,) = page.get(f"/v1/reviews/{item['id']}/links").json["pictures"]
    assert key in link["url"]


def test_decision_is_accepted_once_and_a_second_one_is_told_by_whom(stack: Stack, page: Client) -> None:
    record = stack.put("a.jpg")
    answer = page.decide(record, "approve", note="fine", seen=True, seconds=1.5, decision_seen=None)
    assert answer.status == 202
    assert stack.read(record).decision is not None
    assert answer.json["decision"]["person"] == ANNA
    again = page.decide(record, "reject")
    assert again.status == 409
    assert (again.json["decided_by"], again.json["action"]) == (ANNA, "approve")
    assert again.json["at"] == answer.json["decision"]["at"]


def test_decision_about_an_earlier_state_is_refused(stack: Stack, page: Client) -> None:
    record = stack.put("a.jpg")
    decided = stack.decisions().ask(record, Action.APPROVE, BERT).decision
    back = stack.put(
        "a.jpg", sequencer=record.sequencer, decision=decided.to_document(), carried_out=decided.id
    )
    assert page.decide(back, "reject", decision_seen=None).status == 409
    assert page.decide(back, "reject", decision_seen=decided.id).status == 202


def test_replaced_version_is_412_and_expired_original_410(stack: Stack, page: Client) -> None:
    old = stack.put("a.jpg")
    stack.put("a.jpg", "PUBLISHED")
    assert page.decide(old).status == 412
    expired = stack.put("b.jpg", review=[{"key": "b.jpg/v.review/1.jpg", "sha256": "cd" * 32}])
    assert page.decide(expired).status == 410


NESTED = base64.urlsafe_b64encode(b"[" * 3000).decode()
MALFORMED: tuple[Any, ...] = (
    {"action": "withdraw"},
    {"action": "publish"},
    {},
    [],
    {"action": "approve", "note": 1},
    {"action": "approve", "note": "x" * 1001},
    {"action": "approve", "seen": "yes"},
    {"action": "approve", "seconds": -1},
    {"action": "approve", "seconds": True},
    {"action": "approve", "decision_seen": 5},
    b"{",
    b'{"action": "approve", "reason": "\\ud800"}',
    b'{"action": "approve", "note": "half of \\udf38"}',
    b"[" * 10_000,
)


def test_malformed_decision_is_refused(stack: Stack, page: Client) -> None:
    record = stack.put()
    path = f"/v1/reviews/{review_id(record)}/decision"
    answers = [page.send("POST", path, body) for body in MALFORMED]
    assert nothing_of(stack, record, answers, status=400)


def test_unknown_requests_are_problems(page: Client) -> None:
    for method, path, status in (
        ("GET", "/v1/reviews/unknown", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/reviews?limit=x", 400),
        ("GET", "/v1/reviews?cursor=x", 400),
        ("GET", f"/v1/reviews/{NESTED}", 404),
        ("GET", f"/v1/reviews?cursor={NESTED}", 400),
        ("DELETE", "/v1/reviews", 404),
        ("PUT", "/", 404),
    ):
        answer = page.send(method, path, None if method == "GET" else b"{}", Content_Type="application/json")
        assert (answer.status, answer.json["status"]) == (status, status)
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_body_that_is_too_long_is_not_read(page: Client) -> None:
    assert page.send("POST", "/session", {"token": "x" * 20_000}).status == 413


def test_body_in_chunks_is_not_read_and_what_follows_is_no_request(page: Client) -> None:
    answer = page.send("POST", "/session", b"2\r\n{}\r\n0\r\n\r\n", Transfer_Encoding="chunked")
    assert (answer.status, answer.headers["Connection"]) == (413, "close")


def test_error_of_aws_is_told_and_changes_nothing(stack: Stack, page: Client) -> None:
    record = stack.put()
    stack.dynamodb.delete_table(TableName="records")
    answer = page.get(f"/v1/reviews/{review_id(record)}")
    assert answer.status == 502
    assert "ResourceNotFoundException" in answer.json["detail"]
