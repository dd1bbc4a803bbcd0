"""`notify.monthlyDollars`: one budget of AWS whose e-mails reach somebody, and nothing without it."""

import pytest

from components.config_errors import ConfigError
from components.stack_files import read_config
from tests.components.conftest import Run, part
from tests.components.recording import PROJECT

BUDGET = "aws:budgets/budget:Budget"
ADDRESSES = ["ops@example.com", "second@example.com"]


def test_a_budget_mails_everyone_in_alerts_early_at_the_budget_and_when_more_is_forecast(run: Run) -> None:
    without = run("dev", part("dev", "notify", alerts=ADDRESSES))
    recorded = run("dev", part("dev", "notify", alerts=ADDRESSES, monthlyDollars=120))
    assert {each.name for each in recorded.resources} - {each.name for each in without.resources} == {
        "media-pipeline-dev-monthly"
    }
    budget = recorded.one(BUDGET, "-monthly").inputs
    assert (budget["budgetType"], budget["timeUnit"]) == ("COST", "MONTHLY")
    assert (budget["limitAmount"], budget["limitUnit"]) == ("120", "USD")
    # Rekognition's requests are about no resource: a tag alone would miss nine tenths of the cost.
    assert budget["filterExpression"]["ors"] == [
        {"tags": {"key": "Stack", "values": ["dev"]}},
        {"dimensions": {"key": "SERVICE", "values": ["Amazon Rekognition"]}},
    ]
    assert budget["metrics"] == "UnblendedCost"
    notifications = budget["notifications"]
    assert {(each["notificationType"], each["threshold"]) for each in notifications} == {
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    }
    assert {tuple(each["subscriberEmailAddresses"]) for each in notifications} == {tuple(ADDRESSES)}


@pytest.mark.parametrize("addresses", [[], [f"{number}@example.com" for number in range(11)]])
def test_a_budget_that_tells_nobody_or_more_people_than_aws_takes_is_refused_before_the_update(
    addresses: list[str],
) -> None:
    overrides = {"notify": {"alerts": addresses, "results": [], "monthlyDollars": 120}}
    with pytest.raises(ConfigError, match=rf"notify\.monthlyDollars.*has {len(addresses)} addresses"):
        read_config(PROJECT, "dev", overrides)
