"""The preflight: what of the account's quotas a preview warns of, and what it could not look at."""

import re

from components import bounds, preflight
from components.stack_files import read_config
from tests.components.conftest import Run, part
from tests.components.recording import PROJECT, Recording

NEW_ACCOUNT = {"L-B99A9384": 10, "L-8A5B8E43": 10_000, "L-CDF5615A": 5_000}
USUAL = {**NEW_ACCOUNT, "L-B99A9384": 1_000}
LARGE = {**part("prod", "memory", video=5307), **part("prod", "concurrency", image=20, video=5)}


def said(recorded: Recording, severity: str) -> list[str]:
    return [text for level, text in recorded.logged if level == severity]


def test_prod_ships_with_what_every_account_takes(run: Run) -> None:
    config = read_config(PROJECT, "prod")
    assert max(config.memory.image, config.memory.video or 0) <= bounds.NEW_ACCOUNT_MEMORY_MB
    assert preflight.concurrency(config) <= NEW_ACCOUNT["L-B99A9384"]
    assert said(run("prod", preview=True, quotas=NEW_ACCOUNT), "warning") == []


def test_a_stack_beyond_a_new_accounts_quotas_is_warned_with_the_commands(run: Run) -> None:
    concurrency, memory = said(run("prod", LARGE, preview=True, quotas=NEW_ACCOUNT), "warning")
    assert re.search(r"the stack can use \d\d, this account allows 10", concurrency)
    assert (
        "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 "
        "--desired-value 1000 --region eu-central-1"
    ) in concurrency
    assert "pulumi config set --path concurrency.image 2" in concurrency
    assert "process-video has 5307 MB" in memory
    assert "pulumi config set --path memory.video 3008" in memory


def test_an_account_with_the_usual_quotas_takes_all_of_it_without_a_warning(run: Run) -> None:
    assert said(run("prod", LARGE, preview=True, quotas=USUAL), "warning") == []


def test_the_api_is_held_against_the_accounts_throttle_with_its_preflight_requests(run: Run) -> None:
    quotas = {**USUAL, "L-8A5B8E43": 15, "L-CDF5615A": 5_000}
    pages = part("dev", "api", rate=10, corsOrigins=["https://www.example.com"])
    (warning,) = said(run("dev", pages, preview=True, quotas=quotas), "warning")
    assert "API Gateway requests per second: the stack can use 20, this account allows 15" in warning
    assert "--service-code apigateway --quota-code L-8A5B8E43" in warning
    assert said(run("dev", part("dev", "api", rate=10), preview=True, quotas=quotas), "warning") == []


def test_what_may_not_be_looked_at_is_said_with_the_command_to_look(run: Run) -> None:
    recorded = run("prod", preview=True)
    assert said(recorded, "warning") == []
    notes = said(recorded, "info")
    assert len(notes) == len(preflight.QUOTAS) + 1
    assert "could not be looked at" in notes[0]
    assert "servicequotas:GetServiceQuota" in notes[0]
    assert "aws service-quotas get-service-quota --service-code lambda --quota-code L-B99A9384" in notes[0]
    assert "aws service-quotas list-service-quotas --service-code rekognition" in notes[-1]


def test_memory_beyond_a_new_accounts_is_warned_of_where_nothing_may_be_looked_at(run: Run) -> None:
    (warning,) = said(run("prod", LARGE, preview=True), "warning")
    assert warning.startswith("Lambda memory")


def test_an_update_looks_at_nothing(run: Run) -> None:
    recorded = run("prod", LARGE, quotas=NEW_ACCOUNT)
    assert said(recorded, "warning") == said(recorded, "info") == []


def test_a_role_for_the_apis_logs_that_does_not_exist_is_warned_of(run: Run) -> None:
    def warnings(role: str) -> list[str]:
        recorded = run(
            "dev", preview=True, quotas=USUAL, api_gateway_role=f"arn:aws:iam::123456789012:role/{role}"
        )
        return said(recorded, "warning")

    assert warnings("logs-of-apis") == []
    (warning,) = warnings("deleted-with-its-stack")
    assert "names the role" in warning or "name the role deleted-with-its-stack" in warning
    assert "aws apigateway update-account" in warning
