"""AWS Budgets: budgets with their notifications."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import (
    AutoName,
    Aws,
    Handler,
    Inputs,
    State,
    as_tag_list,
    capitalised,
    from_tag_list,
)


class Budget(Handler):
    """A budget of the account; the id is `account:name`, as the provider writes it.

    moto has no UpdateBudget, and shows no subscribers: an update puts the whole budget anew, and notifications are not
    read.
    """

    type_name = "aws:budgets/budget:Budget"
    resource = "budgets.Budget"
    service = "budgets"
    _plain: ClassVar[Mapping[str, str]] = {"budgetType": "BudgetType", "timeUnit": "TimeUnit"}
    carries = frozenset(
        {
            *_plain,
            "name",
            "limitAmount",
            "limitUnit",
            "filterExpression.ors.tags.key",
            "filterExpression.ors.tags.values",
            "filterExpression.ors.dimensions.key",
            "filterExpression.ors.dimensions.values",
            "metrics",
            "notifications.notificationType",
            "notifications.comparisonOperator",
            "notifications.threshold",
            "notifications.thresholdType",
            "notifications.subscriberEmailAddresses",
            "notifications.subscriberSnsTopicArns",
            "tags.*",
        }
    )
    replaces = frozenset({"name"})
    autoname = AutoName(input="name", max_length=100)

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all budgets of the account."""
        for budget in aws.client("budgets").describe_budgets(AccountId=aws.account_id)["Budgets"]:
            yield f"arn:aws:budgets::{aws.account_id}:budget/{budget['BudgetName']}"

    def create(self, inputs: Inputs) -> str:
        """Create it with its notifications."""
        self.aws.client("budgets").create_budget(**self._request(inputs))
        return f"{self.aws.account_id}:{inputs['name']}"

    def read(self, id_: str) -> State | None:
        """Return its settings as the inputs name them."""
        budgets, name = self.aws.client("budgets"), id_.partition(":")[2]
        try:
            found = budgets.describe_budget(AccountId=self.aws.account_id, BudgetName=name)["Budget"]
        except budgets.exceptions.NotFoundException:
            return None
        arn = f"arn:aws:budgets::{self.aws.account_id}:budget/{name}"
        return {
            "accountId": self.aws.account_id,
            "arn": arn,
            "tagsAll": from_tag_list(budgets.list_tags_for_resource(ResourceARN=arn)["ResourceTags"]),
            "name": name,
            **{key: found[shown] for key, shown in self._plain.items()},
            "limitAmount": found["BudgetLimit"]["Amount"],
            "limitUnit": found["BudgetLimit"]["Unit"],
            **({"metrics": found["Metrics"][0]} if "Metrics" in found else {}),
            **(
                {"filterExpression": _shown(found["FilterExpression"])} if "FilterExpression" in found else {}
            ),
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Replace all of it."""
        self.delete(id_, old)
        self.create(new)

    def delete(self, id_: str, state: State) -> None:
        """Delete it with its notifications."""
        budgets = self.aws.client("budgets")
        try:
            budgets.delete_budget(AccountId=self.aws.account_id, BudgetName=id_.partition(":")[2])
        except budgets.exceptions.NotFoundException:
            return

    def _request(self, inputs: Inputs) -> dict[str, Any]:
        budget = {
            "BudgetName": inputs["name"],
            "BudgetLimit": {"Amount": inputs["limitAmount"], "Unit": inputs["limitUnit"]},
            **{shown: inputs[key] for key, shown in self._plain.items()},
        }
        if "filterExpression" in inputs:
            budget["FilterExpression"] = {"Or": capitalised(inputs["filterExpression"]["ors"])}
        if "metrics" in inputs:
            budget["Metrics"] = [inputs["metrics"]]
        notifications = [
            {
                "Notification": {
                    "NotificationType": each["notificationType"],
                    "ComparisonOperator": each["comparisonOperator"],
                    "Threshold": each["threshold"],
                    "ThresholdType": each["thresholdType"],
                },
                "Subscribers": [
                    {"SubscriptionType": kind, "Address": address}
                    for kind, key in (
                        ("EMAIL", "subscriberEmailAddresses"),
                        ("SNS", "subscriberSnsTopicArns"),
                    )
                    for address in each.get(key, ())
                ],
            }
            for each in inputs.get("notifications", ())
        ]
        return {
            "AccountId": self.aws.account_id,
            "Budget": budget,
            "NotificationsWithSubscribers": notifications,
            "ResourceTags": as_tag_list(inputs["tagsAll"]),
        }


def _shown(expression: Mapping[str, Any]) -> State:
    """Return a filter expression as the inputs spell it."""
    return {
        "ors": [
            {
                kind.lower(): {name.lower(): value for name, value in about.items()}
                for kind, about in operand.items()
            }
            for operand in expression["Or"]
        ]
    }
