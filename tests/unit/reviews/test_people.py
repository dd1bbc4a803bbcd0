"""`operations review invite`, `remove` and `people`: who may sign in to the hosted console."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.outbox import Outbox
from embedded_aws.world import World
from operations.__main__ import main
from operations.reviews.people import Reviewers

URL = "https://abc123.execute-api.eu-central-1.amazonaws.com/dev-review/"
ANNA = "anna@example.com"
MOST_IN_A_PAGE = 60  # Cognito's, of ListUsers


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as opened:
        yield opened


@pytest.fixture
def pool(world: World) -> Iterator[str]:
    cognito = world.client("cognito-idp")
    made = str(cognito.create_user_pool(PoolName="people", UsernameAttributes=["email"])["UserPool"]["Id"])
    yield made
    cognito.delete_user_pool(UserPoolId=made)


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox") as outbox:
        yield outbox


@pytest.fixture
def run(pool: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs a command and returns its exit code and what it said."""
    outputs = {"uploads_bucket": "u", "records_table": "r", "images_queue_url": "q"}
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({**outputs, "review_user_pool_id": pool, "review_url": URL}))
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(outputs))

    def call(*arguments: str, hosted: bool = True) -> tuple[int, str]:
        code = main(["review", *arguments, "--stack", "dev", "--outputs", str(file if hosted else bare)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return call


def test_who_is_invited_gets_a_password_and_the_operator_the_address(run: Any, sent: Outbox) -> None:
    code, said = run("invite", "Anna@Example.com")
    assert code == 0
    assert URL in said
    assert [email.recipient for email in sent.emails] == [ANNA]
    assert run("people") == (0, f"{ANNA}  FORCE_CHANGE_PASSWORD\n")


def test_who_never_signed_in_is_invited_again_and_who_did_is_left_alone(
    run: Any, sent: Outbox, world: World, pool: str
) -> None:
    run("invite", ANNA)
    assert "invited again" in run("invite", ANNA)[1]
    assert len(sent.emails) == 2
    names = {"UserPoolId": pool, "Username": ANNA}
    world.client("cognito-idp").admin_set_user_password(**names, Password="Aa1!aaaaaaaaaa", Permanent=True)
    code, said = run("invite", ANNA)
    assert code != 0
    assert "has an account already" in said
    assert len(sent.emails) == 2


def test_who_is_removed_has_no_account_and_cannot_be_removed_again(run: Any, sent: Outbox) -> None:
    run("invite", ANNA)
    run("invite", "bert@example.com")
    code, said = run("remove", ANNA)
    assert code == 0
    assert "15 minutes" in said
    assert run("people")[1] == "bert@example.com  FORCE_CHANGE_PASSWORD\n"
    code, said = run("remove", ANNA)
    assert code != 0
    assert "not invited" in said


def test_who_is_removed_is_signed_out_before_the_account_is_gone(
    world: World, pool: str, sent: Outbox
) -> None:
    cognito, called = world.client("cognito-idp"), list[str]()
    cognito.meta.events.register("before-call.cognito-idp", lambda model, **_: called.append(model.name))
    reviewers = Reviewers(cognito, pool=pool, url=URL)
    reviewers.invite(ANNA)
    called.clear()
    reviewers.remove(ANNA)
    assert called == ["AdminUserGlobalSignOut", "AdminDeleteUser"]


def test_an_invited_address_counts_as_verified_so_that_a_password_can_be_recovered_by_it(
    run: Any, sent: Outbox, world: World, pool: str
) -> None:
    run("invite", ANNA)
    user = world.client("cognito-idp").admin_get_user(UserPoolId=pool, Username=ANNA)
    attributes = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
    assert attributes["email_verified"] == "true"


def test_everybody_is_listed_however_many_they_are(run: Any, sent: Outbox, world: World, pool: str) -> None:
    cognito = world.client("cognito-idp")
    names = {f"p{number}@example.com" for number in range(MOST_IN_A_PAGE + 1)}
    for name in names:
        cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
    assert len(cognito.list_users(UserPoolId=pool)["Users"]) == MOST_IN_A_PAGE
    assert len(run("people")[1].splitlines()) == len(names)


def test_what_is_no_address_and_a_stack_without_a_console_are_errors_that_say_what_to_do(run: Any) -> None:
    code, said = run("invite", "anna")
    assert code != 0
    assert "'anna' is not an e-mail address" in said
    code, said = run("invite", ANNA, hosted=False)
    assert code != 0
    assert "set `review.console` to true" in said


def test_command_names_the_time_for_which_the_console_lets_a_token_live() -> None:
    from components.review_console import TOKEN_MINUTES
    from operations.commands import review_people

    assert f"works for {TOKEN_MINUTES} minutes" in Path(review_people.__file__).read_text("utf-8")
