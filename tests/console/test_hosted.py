"""The console in AWS, in a real browser: invited by e-mail, signed in with a second factor, decided, signed out."""

import io
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from botocore.exceptions import ClientError

from embedded_aws.outbox import Outbox
from embedded_aws.rekognition.cards import draw_card
from embedded_aws.serving.served_world import ServedWorld
from embedded_aws.sign_in import one_time_codes
from media_pipeline.records.decisions import decision_id
from media_pipeline.reviews.waiting import review_id
from operations.reviews.desk import Desk
from operations.reviews.people import Reviewers
from operations.stack import StackOutputs
from tests.console.browser import Browser, Page
from tests.console.conftest import READY
from tests.fixtures.deployed_stack import DeployedStack, deploy_into, packages_for_host, region_of

pytestmark = pytest.mark.long
CONFIGURATION = {
    "media-pipeline:review.console": True,
    "media-pipeline:video.enabled": False,
    "media-pipeline:sizes": {"thumbnail": 150},
    "media-pipeline:formats": ["jpeg"],
}
ANNA = "anna@example.com"
PASSWORD = "a-passphrase-that-nobody-else-has"
PATIENCE = 60.0


@dataclass
class Hosted:
    """The stack, its console's address, and the e-mails."""

    stack: DeployedStack
    outbox: Outbox
    http: urllib3.PoolManager

    @property
    def url(self) -> str:
        return str(self.stack.outputs["review_url"])

    @property
    def outputs(self) -> StackOutputs:
        return StackOutputs.parse(self.stack.outputs, "the test")

    @property
    def reviewers(self) -> Reviewers:
        return Reviewers.of(self.outputs)

    def invite(self, email: str = ANNA) -> str:
        """Invite somebody; return the temporary password of the e-mail."""
        before = len(self.outbox.emails)
        self.reviewers.invite(email)
        (mail,) = self.outbox.emails[before:]
        text = message_from_bytes(mail.path.read_bytes(), policy=policy.default).get_content()
        found = re.search(r"temporary password (\S+) within", text.replace("\n", " "))
        assert found, text
        return found[1]

    def hold(self, key: str) -> dict[str, Any]:
        """Upload what the policy sends to review; return its record once it waits."""
        out = io.BytesIO()
        draw_card({"Violence": 61.0}, (800, 600)).save(out, "JPEG", quality=90)
        self.stack.upload(key, out.getvalue())
        return self.ended(key, "REVIEW")

    def ended(self, key: str, status: str) -> dict[str, Any]:
        def found() -> Any:
            return next((each for each in self.stack.records(key) if is_over(each)), None)

        def is_over(record: dict[str, Any]) -> bool:
            return record["status"] == status and "announced_at" in record

        return dict(eventually(found))

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> urllib3.BaseHTTPResponse:
        """Send a request as a program would, with the headers of the page but for those given."""
        parts = urlsplit(self.url)
        usual = {"Origin": f"{parts.scheme}://{parts.netloc}"} if method != "GET" else {}
        given = {**usual, **({"Content-Type": "application/json"} if body is not None else {})}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        return self.http.request(
            method, self.url + path, body=data, headers={**given, **named}, retries=False, redirect=False
        )


def eventually(value: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := value()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def hosted(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """Deploy the stack with running functions; not where no browser is installed."""
    out = tmp_path_factory.mktemp("hosted")
    with (
        packages_for_host(),
        ServedWorld(region_of(), logs=out / "logs") as served,
        Outbox(out / "outbox") as outbox,
        urllib3.PoolManager() as http,
    ):
        yield Hosted(deploy_into(served.world, "dev", CONFIGURATION), outbox, http)


def screenshot(tab: Page, name: str) -> None:
    """Keep what is seen where somebody wants to look at it: CONSOLE_SCREENSHOTS names a folder."""
    if folder := os.environ.get("CONSOLE_SCREENSHOTS"):
        tab.screenshot(Path(folder, f"{name}.png"))


def fill(tab: Page, **values: str) -> None:
    """Type into the fields of a form, and send it with the Enter key."""
    for name, value in values.items():
        tab.wait(f"document.getElementById('{name}') !== null")
        tab.run(f"document.getElementById('{name}').focus()")
        tab.type(value)
    tab.press("Enter")


def sign_in(hosted: Hosted, tab: Page, email: str = ANNA) -> str:
    """Go the whole way of somebody who was just invited; return the key of the authenticator app."""
    password = hosted.invite(email)
    tab.open(hosted.url)
    tab.wait("document.title === 'Sign in'")
    screenshot(tab, "hosted-sign-in")
    fill(tab, username=email, password=password)
    tab.wait("document.title === 'Change password'")
    fill(tab, new_password=PASSWORD)
    tab.wait("document.title === 'Set up authenticator app'")
    key = tab.text("#note")
    fill(tab, code=one_time_codes.code(key))
    tab.wait(f"location.href === '{hosted.url}'")
    return key


def tokens(tab: Page) -> Any:
    return json.loads(tab.run("sessionStorage.getItem('review-tokens')"))


def spoil(tab: Page) -> None:
    """Replace the identity token by one that the gateway refuses, as it refuses one that has expired."""
    tab.run(
        "sessionStorage.setItem('review-tokens', JSON.stringify({...JSON.parse(sessionStorage.getItem("
        "'review-tokens')), id_token: 'stale'}))"
    )


def test_invited_person_signs_in_approves_by_keyboard_and_signs_out(hosted: Hosted, tab: Page) -> None:
    hosted.hold("fight scene.jpg")
    key = sign_in(hosted, tab)
    tab.wait(READY)
    assert tab.text("#key") == "fight scene.jpg"
    assert tab.text("#person") == ANNA
    tab.press(" ")
    tab.wait(
        "document.getElementById('picture').naturalWidth > 0"
    )  # a link to the quarantine, which the policy allows
    screenshot(tab, "hosted-console")
    tab.press("a")
    tab.wait("document.getElementById('counts').innerText.includes('1 decided')")
    published = hosted.ended("fight scene.jpg", "PUBLISHED")
    person = published["decision"]["person"]
    assert re.fullmatch(rf"cognito:[0-9a-f-]{{36}}/{ANNA}", person)
    (evidence,) = hosted.stack.keys("logs_bucket", "decisions/")
    s3: Any = hosted.stack.world.client("s3")
    kept = s3.get_object(Bucket=hosted.stack.outputs["logs_bucket"], Key=evidence)["Body"].read()
    assert json.loads(kept)["person"] == person
    tab.run("window.isBefore = true")
    tab.open(hosted.url)  # again: the session is the tab's
    tab.wait("!window.isBefore && document.getElementById('empty').hidden === false")
    refresh_token = tokens(tab)["refresh_token"]
    tab.run("document.getElementById('sign-out').click()")
    tab.wait("document.title === 'Sign in'")
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    address = f"{tab.run('location.origin + location.pathname')}".replace("/login", "/oauth2/token")
    client = tab.run("new URLSearchParams(location.search).get('client_id')")
    assert hosted.http.request("POST", address, fields={**fields, "client_id": client}).status == 400
    fill(tab, username=ANNA, password=PASSWORD)
    tab.wait("document.title === 'Second factor'")
    fill(tab, code=one_time_codes.code(key))
    tab.wait("document.getElementById('empty')?.hidden === false")
    assert tab.text("#person") == ANNA


def test_stale_token_is_renewed_unseen_and_who_was_removed_sees_nothing_more(
    hosted: Hosted, tab: Page
) -> None:
    hosted.hold("a.jpg")
    sign_in(hosted, tab, "bert@example.com")
    tab.wait(READY)
    spoil(tab)
    tab.open(f"{hosted.url}?again")
    tab.wait(READY)
    assert tokens(tab)["id_token"] != "stale"
    hosted.reviewers.remove("bert@example.com")
    spoil(tab)
    tab.press("r")
    tab.wait(
        "document.getElementById('leaving').innerText.includes('a.jpg waits again: You are not signed in')"
    )
    tab.open(f"{hosted.url}?once-more")
    tab.wait("document.title === 'Sign in'")
    assert hosted.ended("a.jpg", "REVIEW").get("decision") is None


def test_sign_in_that_another_page_began_is_not_taken(hosted: Hosted, tab: Page) -> None:
    tab.open(f"{hosted.url}?code=stolen&state=mine")
    tab.wait("document.getElementById('empty-text').innerText.includes('Signing in did not work')")
    assert tab.run("sessionStorage.getItem('review-tokens')") is None
    assert tab.run("location.search") == ""


def everything(hosted: Hosted, record: Any, **headers: str) -> list[urllib3.BaseHTTPResponse]:
    path = f"v1/reviews/{review_id(record)}"
    return [
        *(hosted.ask("GET", each, **headers) for each in ("v1/me", "v1/reviews", path, f"{path}/links")),
        hosted.ask("POST", f"{path}/decision", {"action": "approve"}, **headers),
    ]


def test_without_sign_in_with_a_foreign_origin_or_host_or_a_stale_token_there_is_nothing(
    hosted: Hosted, tab: Page
) -> None:
    hosted.hold("secret.jpg")
    record = Desk.open("dev", hosted.outputs).waiting.of_key("secret.jpg")
    sign_in(hosted, tab, "cleo@example.com")
    tab.wait(READY)
    own = tokens(tab)
    good = {"Authorization": own["id_token"]}
    assert hosted.ask("GET", "v1/me", **good).status == 200
    head, body, signature = own["id_token"].split(".")
    refused: list[tuple[dict[str, str], int]] = [
        ({}, 401),
        ({"Authorization": "Bearer guessed"}, 401),
        ({"Authorization": own["access_token"]}, 401),
        ({"Authorization": f"{head}.{body}."}, 401),
        ({"Authorization": f"{head}.{body[:-4]}AAAA.{signature}"}, 401),
        ({**good, "Origin": "https://evil.example"}, 403),
        ({**good, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**good, "Host": "rebound.test"}, 421),
    ]
    for headers, status in refused:
        answers = everything(hosted, record, **headers)
        assert {answer.status for answer in answers} == {status}, headers
        assert not any(b"secret" in answer.data for answer in answers)
    assert hosted.ask("GET", "", Host="rebound.test").status == 421
    assert "decision" not in hosted.ended("secret.jpg", "REVIEW")


def test_every_answer_of_page_api_and_gateway_has_its_security_headers(hosted: Hosted) -> None:
    paths = ("", "console.js", "sign-in.js", "console.css", "icon.svg", "nothing", "v1/me", "no/such/route")
    for answer in (*(hosted.ask("GET", path) for path in paths), hosted.ask("PUT", "v1/me", {})):
        headers = answer.headers
        assert headers["Cache-Control"] == "no-store", answer.geturl()
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Strict-Transport-Security"] == "max-age=63072000"
        framed = headers.get("X-Frame-Options") == "DENY"
        assert framed or "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "Set-Cookie" not in headers
        assert not [name for name in headers if name.lower().startswith("access-control")]


def test_page_is_found_without_the_slash_of_its_address(hosted: Hosted, tab: Page) -> None:
    tab.open(hosted.url.removesuffix("/"))
    tab.wait("document.title === 'Sign in'")


def test_role_of_the_console_can_ask_and_look_and_nothing_else(hosted: Hosted) -> None:
    """What somebody could do who took the function over: each asking has evidence, and no byte is published by it."""
    waiting = hosted.hold("taken over.jpg")
    world, names = hosted.stack.world, hosted.stack.outputs
    function = world.client("lambda").get_function_configuration(FunctionName=names["review_api_function"])
    role = world.assume_role(function["Role"])
    clients = {each: world.client(each, role) for each in ("s3", "dynamodb", "sqs", "sns", "cognito-idp")}
    s3, dynamodb = clients["s3"], clients["dynamodb"]
    quarantine, table = names["quarantine_bucket"], names["records_table"]
    key = {name: {"S": waiting[name]} for name in ("object_key", "sequencer")}
    picture = waiting["review"][0]["key"]
    original = picture.partition(".review/")[0]
    assert original in hosted.stack.keys("quarantine_bucket")
    renditions, uploads = names["renditions_bucket"], names["uploads_bucket"]
    evidence = {
        "Bucket": names["logs_bucket"],
        "Key": f"decisions/2026/01/01/{decision_id(0)}.json",
        "Body": b"{}",
    }

    def update(**values: str) -> Any:
        return dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
            ExpressionAttributeValues={f":{name}": {"S": value} for name, value in values.items()},
        )

    assert s3.get_object(Bucket=quarantine, Key=picture)["ContentType"] == "image/jpeg"
    s3.put_object(**evidence, IfNoneMatch="*")
    refused: tuple[Callable[[], object], ...] = (
        lambda: s3.get_object(Bucket=quarantine, Key=original),
        lambda: s3.put_object(Bucket=quarantine, Key=picture, Body=b"1"),
        lambda: s3.delete_object(Bucket=quarantine, Key=picture),
        lambda: s3.list_objects_v2(Bucket=renditions),
        lambda: s3.get_object(Bucket=renditions, Key="fight scene.jpg/x/thumbnail.jpg"),
        lambda: s3.put_object(Bucket=renditions, Key="x.jpg", Body=b"1"),
        lambda: s3.delete_object(Bucket=renditions, Key="x.jpg"),
        lambda: s3.get_object(Bucket=uploads, Key="taken over.jpg"),
        lambda: s3.put_object(Bucket=uploads, Key="x.jpg", Body=b"1"),
        lambda: s3.put_object(**evidence),
        lambda: s3.get_object(Bucket=evidence["Bucket"], Key=evidence["Key"]),
        lambda: s3.delete_object(Bucket=evidence["Bucket"], Key=evidence["Key"]),
        lambda: update(renditions="x"),
        lambda: update(decision="x", sha256="00"),
        lambda: update(moderation="x"),
        lambda: update(carried_out="x"),
        lambda: dynamodb.put_item(TableName=table, Item=key),
        lambda: dynamodb.delete_item(TableName=table, Key=key),
        lambda: dynamodb.scan(TableName=table),
        lambda: dynamodb.get_item(TableName=table, Key={**key, "object_key": {"S": "!answers/1"}}),
        lambda: clients["sqs"].receive_message(QueueUrl=names["images_queue_url"]),
        lambda: clients["sns"].publish(TopicArn=names["events_topic_arn"], Message="m"),
        lambda: clients["cognito-idp"].list_users(UserPoolId=names["review_user_pool_id"]),
    )
    for number, call in enumerate(refused):
        with pytest.raises(ClientError, match=r"AccessDenied|AuthorizationError|not authorized"):
            print(number, call())
    assert hosted.ended("taken over.jpg", "REVIEW") == waiting
