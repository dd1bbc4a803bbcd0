"""E-mail subscriptions of a deployed stack: addresses move between the lists, and the status shows who is missing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.isolation import ACCOUNT_ID
from operations.__main__ import main
from operations.status import PENDING
from tests.fixtures.deployed_stack import DeployedStack, deployed_stack

ADDRESS = "Ops@example.com"
LISTS: dict[str, dict[str, list[str]]] = {
    "none": {"alerts": [], "results": []},
    "alerts": {"alerts": [ADDRESS], "results": []},
    "results": {"alerts": [], "results": [ADDRESS]},
    "both": {"alerts": [ADDRESS], "results": [ADDRESS]},
}
# The moves that change one subscription; `make transitions` goes from each pair of lists to each other.
WAY = ("alerts", "results", "both", "alerts")


@pytest.fixture(scope="module")
def deployed() -> Iterator[DeployedStack]:
    small = {"video.enabled": False, "api.enabled": False, "notify": LISTS["alerts"]}
    with deployed_stack("dev", small) as stack:
        yield stack


def emails(stack: DeployedStack) -> dict[str, object]:
    """Return the filter of each e-mail subscription, by topic."""
    sns = stack.world.client("sns")
    found = {}
    for each in sns.list_subscriptions()["Subscriptions"]:
        if each["Protocol"] == "email":
            shown = sns.get_subscription_attributes(SubscriptionArn=each["SubscriptionArn"])["Attributes"]
            name = each["TopicArn"].rsplit("-", 2)[-2]
            found[name] = json.loads(shown.get("FilterPolicy") or "{}").get("status")
    return found


@pytest.mark.long
def test_an_address_moves_between_the_lists_in_one_update(deployed: DeployedStack) -> None:
    alerts = ["BLOCKED", "REVIEW", "FAILED"]
    expected: dict[str, dict[str, object]] = {
        "none": {},
        "alerts": {"events": alerts, "alarms": None},
        "results": {"events": None},
        "both": {"events": None, "alarms": None},
    }
    for name in WAY[1:]:
        deployed.deployment.update({"notify": LISTS[name]})
        assert emails(deployed) == expected[name], name


@pytest.mark.long
def test_the_status_shows_who_has_not_confirmed_and_whom_sns_has_forgotten(
    deployed: DeployedStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from moto.sns.models import sns_backends

    deployed.deployment.update({"notify": {"alerts": [ADDRESS], "results": ["late@example.com"]}})
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps(deployed.outputs))
    backend = sns_backends[ACCOUNT_ID][deployed.world.region]
    for arn, subscription in list(backend.subscriptions.items()):
        if subscription.endpoint == ADDRESS and "-events-" in subscription.topic.arn:
            subscription.arn = PENDING
        if subscription.endpoint == "late@example.com":
            del backend.subscriptions[arn]  # as SNS does it after 48 hours
    deployed.world.client("sqs").send_message(
        QueueUrl=deployed.outputs["images_dead_letters_url"], MessageBody="{}"
    )
    assert main(["status", "--stack", "dev", "--outputs", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"! {ADDRESS:<32} 1 of 2 subscriptions unconfirmed" in lines
    assert f"! {'late@example.com':<32} not subscribed" in lines
    assert f"! {'images_dead_letters':<32} 1 waiting, 0 being worked on or paused" in lines
    assert f"  {'images_queue':<32} 1 waiting, 0 being worked on or paused" in lines  # S3's test event
    assert any(line.startswith(f"  {'process_image':<32} Active, 1769 MB") for line in lines)
    assert lines[-1] == "3 need a person."
