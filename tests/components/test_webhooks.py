"""`notify.webhooks`: which endpoints are taken, what is deployed for them, and that nothing is without them."""

import re
from typing import Any

import pytest

from components.config_model import ANNOUNCED
from embedded_aws.webhook_schedule import delays, problem
from media_pipeline.messaging.announcements import KEY_CHARACTERS
from media_pipeline.records.record import Status
from tests.components.config_parsing import Raw, parse, problems
from tests.components.conftest import Run
from tests.components.queries import ALARM, SUBSCRIPTION, arn
from tests.components.recording import Recording

TOPIC = "aws:sns/topic:Topic"
ALL = {"url": "https://www.example.com/outcomes"}
SOME = {"url": "https://example.com:8443/a", "statuses": ["BLOCKED", "REVIEW"], "prefix": "avatars/"}


@pytest.fixture(scope="module")
def hooked(run: Run) -> Recording:
    return run("dev", {"notify": {"alerts": ["ops@example.com"], "webhooks": [ALL, SOME]}})


def webhooks(recorded: Recording) -> dict[str, Any]:
    found = (each for each in recorded.of(SUBSCRIPTION) if each.inputs["protocol"] == "https")
    return {each.inputs["endpoint"]: each for each in found}


def with_webhooks(raw: Raw, *entries: Any) -> Raw:
    raw["notify"]["webhooks"] = list(entries)
    return raw


def test_every_endpoint_gets_what_it_chose_in_signed_envelopes(hooked: Recording) -> None:
    found = webhooks(hooked)
    assert found.keys() == {ALL["url"], SOME["url"]}
    everything, some = found[ALL["url"]], found[str(SOME["url"])]
    assert "filterPolicy" not in everything.inputs
    assert some.json("filterPolicy") == {
        "status": ["BLOCKED", "REVIEW"],
        "object_key": [{"prefix": "avatars/"}],
    }
    assert some.inputs["filterPolicyScope"] == "MessageAttributes"
    assert not any(each.inputs.get("rawMessageDelivery") for each in found.values())
    assert hooked.one(TOPIC, "-events").inputs["signatureVersion"] == 2


def test_what_an_endpoint_does_not_take_is_tried_again_for_a_while_and_then_kept_with_an_alarm(
    hooked: Recording,
) -> None:
    queue = arn("sqs", hooked, "webhooks-dead-letters")
    for each in webhooks(hooked).values():
        policy = each.inputs["deliveryPolicy"]
        assert problem(policy) is None
        assert 40 * 60 < sum(delays(policy)) < 60 * 60
        assert each.json("redrivePolicy") == {"deadLetterTargetArn": queue}
        assert (
            hooked.one("aws:sqs/queuePolicy:QueuePolicy", "webhooks-dead-letters-policy").urn
            in each.depends_on
        )
    alarm = hooked.one(ALARM, "-webhooks-dead-letters-left").inputs
    assert alarm["dimensions"] == {"QueueName": queue.rsplit(":", 1)[-1]}
    assert hooked.outputs["webhooks_dead_letters_url"]


def test_without_webhooks_nothing_of_it_is_deployed(run: Run, hooked: Recording) -> None:
    bare = run("dev", {"notify": {"alerts": ["ops@example.com"]}})
    assert "signatureVersion" not in bare.one(TOPIC, "-events").inputs
    added = {each.name for each in hooked.resources} - {each.name for each in bare.resources}
    assert added
    assert all("-webhook" in name for name in added - {"media-pipeline-dev"}), added


def test_every_status_that_is_announced_can_be_chosen() -> None:
    assert set(ANNOUNCED) == {status.value for status in Status if status.terminal}


def test_no_prefix_is_longer_than_what_announcements_carry_of_a_key(raw: Raw) -> None:
    longest = "ü" * KEY_CHARACTERS
    (webhook,) = parse(with_webhooks(raw, {**ALL, "prefix": longest})).notify.webhooks
    assert webhook.prefix == longest
    assert "notify.webhooks[0].prefix" in problems(with_webhooks(raw, {**ALL, "prefix": f"{longest}ü"}))


@pytest.mark.parametrize(
    ("entries", "key"),
    [
        ([{}], "notify.webhooks[0].url"),
        ([{"url": "http://www.example.com/"}], "notify.webhooks[0].url"),
        ([{"url": "https://user:word@www.example.com/"}], "notify.webhooks[0].url"),
        ([{"url": "https://intranet/"}], "notify.webhooks[0].url"),
        ([{"url": "https://www.example.com/ü"}], "notify.webhooks[0].url"),
        ([{**ALL, "statuses": []}], "notify.webhooks[0].statuses"),
        ([{**ALL, "statuses": ["PROCESSING"]}], "notify.webhooks[0].statuses[0]"),
        ([{**ALL, "statuses": ["BLOCKED", "BLOCKED"]}], "notify.webhooks[0].statuses[1]"),
        ([{**ALL, "prefix": "avatars/*"}], "notify.webhooks[0].prefix"),
        ([{**ALL, "raw": True}], "notify.webhooks[0].raw"),
        ([ALL, {**ALL, "prefix": "a/"}], "notify.webhooks[1].url"),
        (["https://www.example.com/"], "notify.webhooks[0]"),
    ],
)
def test_what_sns_or_prudence_would_refuse_is_refused_under_its_key(
    raw: Raw, entries: list[Any], key: str
) -> None:
    (reported,) = problems(with_webhooks(raw, *entries))
    assert reported == key


@pytest.mark.parametrize(
    "url", ["http://localhost:8080/", "http://127.0.0.1:9/outcomes", "https://a.example"]
)
def test_this_machine_may_be_an_endpoint_of_the_embedded_aws(raw: Raw, url: str) -> None:
    (webhook,) = parse(with_webhooks(raw, {"url": url})).notify.webhooks
    assert re.match(r"https?://", webhook.url)
